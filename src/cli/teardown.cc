// sluice teardown: the source forgets us. Drops slot and publication, and looks whether they are gone.

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/slot_plan.h"
#include "config/printable.h"
#include "source/postgres/pg_source.h"

namespace sluice::cli {
namespace {

std::string Plan(const Config& config, const std::optional<SlotState>& slot) {
  std::string plan = SlotPlan(config, slot);
  plan += fmt::format("  drop publication {} and the one for inserts beside it\n", Printable(config.source.publication));
  return plan + "The destinations stay as they are. Going on later means copying every table again.\n";
}

Result<ExitCode> Teardown(Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(const std::unique_ptr<PgSource> source, PgSource::Connect(config.source, config.pipeline, config.state_folder + "/spill"));
  ASSIGN_OR_RETURN(const std::optional<SlotState> slot, FindIdleSlot(*source, "teardown"));
  invocation.Say(Plan(config, slot));
  if (!Confirmed(invocation)) return Error{ErrorKind::kNeedsOperator, "nothing was removed", slu::kNotConfirmed};
  RETURN_IF_ERROR(source->DropSlotAndPublication());
  ASSIGN_OR_RETURN(const std::optional<SlotState> left, source->FindSlot());
  if (left) return Error{ErrorKind::kConflict, fmt::format("replication slot \"{}\" is there again", Printable(left->name)), slu::kSlotInUse};
  if (invocation.options.json)
    invocation.PrintJson({{"schema", "sluice.teardown/v1"}, {"slot", config.source.slot}, {"publication", config.source.publication}, {"gone", true}});
  else
    invocation.Say(fmt::format("gone: slot {}, publication {}", Printable(config.source.slot), Printable(config.source.publication)));
  return ExitCode::kOk;
}

}  // namespace

void AddTeardown(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "teardown", "Drop slot and publication on the source, and prove that they are gone",
                           "  sluice teardown\n"
                           "  sluice teardown --yes\n");
  verb->callback([&invocation] { invocation.command = [&invocation] { return Teardown(invocation); }; });
}

}  // namespace sluice::cli

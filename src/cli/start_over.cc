// sluice start-over: the way out where source and destinations cannot be joined again. The next run copies everything.

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/parts.h"
#include "cli/slot_plan.h"
#include "config/printable.h"
#include "server/state_lock.h"

namespace sluice::cli {
namespace {

std::string Plan(const Config& config, const std::optional<SlotState>& slot, const std::vector<SinkBookmark>& bookmarks) {
  std::string plan = SlotPlan(config, slot);
  for (const SinkBookmark& entry : bookmarks)
    plan += fmt::format("In {}:\n  forget that it is at {}; its rows stay readable until each table's new copy is complete\n", Printable(entry.sink),
                        entry.bookmark ? ToString(entry.bookmark->position.lsn) : "no position");
  return plan + "The next sluice run makes a new slot and copies every table again.\n";
}

// By the name under which a destination knows its source, which may be another one by now.
LogIdentity KnownLog(const std::vector<SinkBookmark>& bookmarks, const Source& source) {
  for (const SinkBookmark& entry : bookmarks)
    if (entry.bookmark) return entry.bookmark->position.log;
  return source.identity();
}

// The bookmark last: whoever finds one without tables copies them all the same.
Status Forget(Sink& sink) {
  std::vector<TableName> tables;
  for (const auto& [name, copied] : sink.copied_tables()) tables.push_back(name);
  for (const auto& [name, held] : sink.held_tables()) tables.push_back(name);
  for (const TableName& table : tables) RETURN_IF_ERROR(sink.Forget(table));
  RETURN_IF_ERROR(sink.KeepCopies({}));
  return sink.ForgetBookmark();
}

Result<ExitCode> StartOver(Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(const StateLock lock, StateLock::Acquire(config.state_folder));
  const Connector connector = MakeConnector(config);
  ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, connector.open_source());
  ASSIGN_OR_RETURN(const std::optional<SlotState> slot, FindIdleSlot(*source, "start-over"));
  ASSIGN_OR_RETURN(const std::vector<SinkBookmark> bookmarks, ReadBookmarks(config));
  invocation.Say(Plan(config, slot, bookmarks));
  if (!Confirmed(invocation)) return Error{ErrorKind::kNeedsOperator, "nothing was changed", slu::kNotConfirmed};
  RETURN_IF_ERROR(source->DropSlot());
  ASSIGN_OR_RETURN(const std::vector<AttachedSink> sinks, connector.open_sinks(KnownLog(bookmarks, *source)));
  for (const AttachedSink& attached : sinks) RETURN_IF_ERROR(Forget(*attached.sink));
  if (invocation.options.json) invocation.PrintJson({{"schema", "sluice.start-over/v1"}, {"slot", config.source.slot}, {"forgotten", true}});
  else invocation.Say("forgotten. Now: sluice run");
  return ExitCode::kOk;
}

}  // namespace

void AddStartOver(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "start-over", "Drop the slot and forget every position, so that the next run copies all tables again",
                           "  sluice start-over\n"
                           "  sluice start-over --yes && sluice run\n");
  verb->callback([&invocation] { invocation.command = [&invocation] { return StartOver(invocation); }; });
}

}  // namespace sluice::cli

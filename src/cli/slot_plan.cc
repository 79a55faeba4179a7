#include "cli/slot_plan.h"

#include <fmt/format.h>

#include "config/printable.h"
#include "config/units.h"
#include "observability/error_catalog.h"

namespace sluice::cli {

Result<std::optional<SlotState>> FindIdleSlot(Source& source, const std::string& command) {
  ASSIGN_OR_RETURN(std::optional<SlotState> slot, source.FindSlot());
  if (slot && slot->active)
    return Error{ErrorKind::kConflict, fmt::format("replication slot \"{}\" is being read by process {}", Printable(slot->name), slot->active_pid), slu::kSlotInUse, "", "",
                 {"stop sluice run, then: sluice " + command}};
  return slot;
}

std::string SlotPlan(const Config& config, const std::optional<SlotState>& slot) {
  const std::string plan = fmt::format("On source {}:\n", Printable(config.source.name));
  if (!slot) return plan + fmt::format("  replication slot {} is not there\n", Printable(config.source.slot));
  return plan + fmt::format("  drop replication slot {} (holds {})\n", Printable(config.source.slot), FormatSize(slot->retained_bytes));
}

}  // namespace sluice::cli

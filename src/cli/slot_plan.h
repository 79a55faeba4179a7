#pragma once
// What start-over and teardown have in common: both drop the slot, and say so before.

#include <optional>
#include <string>

#include "config/config.h"
#include "source/source.h"

namespace sluice::cli {

/// The slot that `command` is going to drop; nullopt: it is not there. Error: kConflict (2203) while somebody reads it.
Result<std::optional<SlotState>> FindIdleSlot(Source& source, const std::string& command);

/// The lines of the plan about it.
std::string SlotPlan(const Config& config, const std::optional<SlotState>& slot);

}  // namespace sluice::cli

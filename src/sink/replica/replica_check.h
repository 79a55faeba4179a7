#pragma once
// What would keep sluice from writing to the replica, found without changing anything there.
//
// T001 connect · T002 not the source itself · T003 bookmark of this source · T005 writable
// T010 can create schemas · T011 triggers stay silent · T020 tables empty or absent · T021 types · T030 extensions

#include <optional>
#include <vector>

#include "change/position.h"
#include "change/table_definition.h"
#include "config/config.h"
#include "config/finding.h"

namespace sluice {

/// `source`: unset while the source cannot be reached; then T002 and T003 are left out. `tables`: what is to be
/// copied. Ends at the first finding that makes all others impossible.
Findings CheckReplica(const ReplicaConfig& config, const std::optional<LogIdentity>& source,
                      const std::vector<TableDefinition>& tables);

}  // namespace sluice

#pragma once
// What any role that may connect can read of the source.

#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "config/config.h"

namespace sluice::cli {

/// The tables that the configuration names.
Result<std::vector<TableDefinition>> ReadSourceTables(const Config& config);

/// The script that gives `role` (empty: the one of the source's DSN) no more rights on the source than sluice needs.
Result<std::string> PrivilegesScript(const Config& config, const std::string& role);

}  // namespace sluice::cli

#pragma once

#include "change/table_glob.h"
#include "change/table_schema.h"
#include "config/config.h"

namespace sluice {

/// Whether every version of the table's rows is kept.
inline bool KeepsChanges(const LakeConfig& config, const TableName& table) { return !config.changes.tables.empty() && MatchesAny(config.changes.tables, ToString(table)); }

/// Where.
inline TableName ChangesTableOf(const TableName& table) { return {table.name_space, table.name + "_changes"}; }

}  // namespace sluice

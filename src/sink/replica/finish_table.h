#pragma once
// Keys, constraints and indexes after a table's rows have arrived, over several connections.

#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"

namespace sluice {

/// Builds all of them for all tables. What the replica has already is left alone, so it can be repeated.
/// `connections`: how many work side by side. Error: kNeedsOperator naming the table and the constraint.
Status BuildAfterRows(const std::string& dsn, const std::vector<TableDefinition>& tables, int connections);

}  // namespace sluice

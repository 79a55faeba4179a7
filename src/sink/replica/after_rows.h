#pragma once
// Constraints and indexes as statements, for a table that has its rows. No foreign keys: the source has checked them.

#include <set>
#include <string>
#include <vector>

#include "change/table_definition.h"
#include "sink/replica/left_out.h"

namespace sluice {

struct AfterRowsStatement {
  std::string object;     ///< "constraint named", "index by_guest".
  std::string sql;
  bool required = false;  ///< The primary key: changes are applied by it.
};

struct AfterRows {
  std::vector<AfterRowsStatement> in_order;  ///< Primary key, unique, exclusion, check constraints: each locks the table.
  std::vector<AfterRowsStatement> parallel;  ///< Indexes: can run side by side.
  std::vector<std::pair<std::string, Hindrance>> left_out;  ///< By object.
};

/// `extensions`: what the replica has installed.
AfterRows StatementsAfterRows(const TableDefinition& table, const std::set<std::string>& extensions);

}  // namespace sluice

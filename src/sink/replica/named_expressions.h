#pragma once

#include <string>
#include <vector>

#include "change/table_definition.h"

namespace sluice {

/// An expression and what it belongs to, as people are told: "default of fee", "index by_guest".
struct NamedExpression {
  std::string object;
  const Expression* expression;
};

/// All of a table that the replica would have: no foreign keys. Valid as long as the table.
std::vector<NamedExpression> NamedExpressions(const TableDefinition& table);

}  // namespace sluice

#pragma once
// Errors that are about one table alone, so that the others can go on.

#include <optional>

#include "base/result.h"
#include "change/table_schema.h"

namespace sluice {

/// `error`, said to be about this table unless it already is about another.
inline Error About(const TableName& table, Error error) {
  if (error.table.empty()) error.table = {table.name_space, table.name};
  return error;
}

/// nullopt: it is about more than one table.
inline std::optional<TableName> TableOf(const Error& error) {
  if (error.table.size() != 2) return std::nullopt;
  return TableName{error.table[0], error.table[1]};
}

}  // namespace sluice

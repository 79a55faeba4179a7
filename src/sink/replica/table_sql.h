#pragma once
// CREATE TABLE and what belongs to it, from a table's typed facts.

#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "sink/replica/destination_types.h"

namespace sluice {

/// Which expressions of a table are made.
struct UsableExpressions {
  std::vector<bool> defaults;   ///< As TableDefinition::columns.
  std::vector<bool> generated;  ///< As TableDefinition::generated.

  static UsableExpressions None(const TableDefinition& table) {
    return {std::vector<bool>(table.columns.size()), std::vector<bool>(table.generated.size())};
  }
};

/// Types must exist already.
Result<std::string> TableSql(const TableDefinition& table, DestinationTypes& types, const UsableExpressions& usable);

/// CREATE TABLE of this name with the plain columns alone: no expressions, constraints or partitions.
Result<std::string> PlainTableSql(const TableName& name, const TableSchema& schema, DestinationTypes& types);

/// A column as ADD COLUMN takes it where there are rows: without default, nullable.
Result<std::string> AddedColumnSql(const TableDefinition& table, size_t column, DestinationTypes& types);

/// A generated column as CREATE TABLE and ADD COLUMN take it.
Result<std::string> GeneratedSql(const GeneratedColumn& column, DestinationTypes& types);

struct ExpressionStatement {
  std::string object;  ///< "default of fee".
  std::string sql;
};

/// For a table that was made without it. The column has a default.
ExpressionStatement DefaultStatement(const TableDefinition& table, size_t column);

/// The usable expressions, for a table that was made without any.
Result<std::vector<ExpressionStatement>> ExpressionStatements(const TableDefinition& table, DestinationTypes& types,
                                                              const UsableExpressions& usable);

std::vector<std::string> PartitionStatements(const TableDefinition& table);

}  // namespace sluice

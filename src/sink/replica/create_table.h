#pragma once
// DDL from a table's typed facts. Expressions of the source run here only where they use nothing but what every
// PostgreSQL has; what is left out is logged. No foreign keys and no triggers: the source has checked and fired.

#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/replica/destination_types.h"

namespace sluice {

/// CREATE TABLE of this name with the plain columns alone: no defaults, constraints or partitions.
Result<std::string> PlainTableSql(const TableName& name, const TableSchema& schema, DestinationTypes& types);

/// A column as CREATE TABLE and ADD COLUMN take it. `with_not_null`: as the source has it, else nullable.
Result<std::string> ColumnSql(const TableDefinition& table, size_t index, DestinationTypes& types, bool with_not_null = true);

/// The statements that make the empty table: sequences, table, partitions. Types must exist already.
Result<std::vector<std::string>> CreateStatements(const TableDefinition& table, DestinationTypes& types);

/// What comes after the rows. Statements of `in_order` lock the table, those of `parallel` can run side by side.
struct AfterRows {
  std::vector<std::string> in_order;  ///< Primary key, unique, exclusion, check constraints.
  std::vector<std::string> parallel;  ///< Indexes.
  std::vector<std::string> skipped;   ///< Names of what uses private functions.
};
AfterRows StatementsAfterRows(const TableDefinition& table);

/// SELECT setval(…) for each sequence with a known value.
std::vector<std::string> SequenceStatements(const TableDefinition& table);

/// Where the rows of a copy go.
enum class CopyPlace {
  kTable,   ///< Into the table, which is empty.
  kBeside,  ///< Into RefillName, since the table shows an earlier copy.
};

/// Makes room for a copy inside a transaction of the caller: removes what an interrupted one left, uses an empty
/// table of the same shape. Error: kNeedsOperator (another shape; rows that are not ours).
Result<CopyPlace> PrepareTable(PgConnection& connection, DestinationTypes& types, const TableDefinition& table);

}  // namespace sluice

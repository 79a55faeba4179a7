#pragma once
// What a table of the replica looks like, to compare it with what the source has.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/replica/destination_types.h"

namespace sluice {

struct ShapeColumn {
  std::string name;
  Oid type = 0;           ///< On the replica.
  int32_t typmod = -1;
  bool not_null = false;
  bool generated = false;
  char identity = '\0';
  std::string expression = {};  ///< Of a generated column, as the server prints it.
};

struct TableShape {
  Oid oid = 0;
  char kind = 'r';        ///< pg_class.relkind.
  std::vector<ShapeColumn> columns;
};

/// nullopt: nothing of that name.
Result<std::optional<TableShape>> ReadShape(PgConnection& connection, const TableName& table);

/// nullptr: none of that name.
const ShapeColumn* FindColumn(const TableShape& shape, const std::string& name);

/// Whether the source has this generated column, made of the same.
bool HasGenerated(const TableDefinition& table, const ShapeColumn& column);

/// The first difference that matters, in words ("column price is numeric, wanted integer"); empty: none.
/// Generated columns of the replica that the source has too may be missing: they are left out at times.
Result<std::string> CompareShape(const TableDefinition& wanted, const TableShape& found, DestinationTypes& types);

}  // namespace sluice

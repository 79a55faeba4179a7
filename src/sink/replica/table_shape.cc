#include "sink/replica/table_shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "sink/replica/parse_number.h"

namespace sluice {

Result<std::optional<TableShape>> ReadShape(PgConnection& connection, const TableName& table) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT c.oid, c.relkind, a.attname, a.atttypid, a.atttypmod, a.attnotnull,"
                                      " a.attgenerated, a.attidentity, CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END FROM pg_catalog.pg_class c"
                                      " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                      " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
                                      " AND NOT a.attisdropped LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE n.nspname = $1 AND c.relname = $2 ORDER BY a.attnum",
                                      {table.name_space, table.name}));
  if (PQntuples(rows.get()) == 0) return std::optional<TableShape>();
  TableShape shape;
  shape.oid = ParseNumber<Oid>(Field(rows, 0, 0));
  shape.kind = Field(rows, 0, 1).front();
  for (int i = 0; i < PQntuples(rows.get()); ++i) {
    if (IsNull(rows, i, 2)) continue;  // A table without columns.
    const std::string_view identity = Field(rows, i, 7);
    shape.columns.push_back({std::string(Field(rows, i, 2)), ParseNumber<Oid>(Field(rows, i, 3)),
                             ParseNumber<int32_t>(Field(rows, i, 4)), Field(rows, i, 5) == "t",
                             !Field(rows, i, 6).empty(), identity.empty() ? '\0' : identity.front(), std::string(Field(rows, i, 8))});
  }
  return std::optional<TableShape>(std::move(shape));
}

const ShapeColumn* FindColumn(const TableShape& shape, const std::string& name) {
  const auto found = std::find_if(shape.columns.begin(), shape.columns.end(), [&](const ShapeColumn& column) { return column.name == name; });
  return found == shape.columns.end() ? nullptr : &*found;
}

bool HasGenerated(const TableDefinition& table, const ShapeColumn& column) {
  return std::any_of(table.generated.begin(), table.generated.end(),
                     [&](const GeneratedColumn& one) { return one.name == column.name && one.expression.sql == column.expression; });
}

Result<std::string> CompareShape(const TableDefinition& wanted, const TableShape& found, DestinationTypes& types) {
  const char kind = wanted.partition_key.empty() ? 'r' : 'p';
  if (found.kind != kind)
    return std::string(kind == 'p' ? "it is not a partitioned table" : "it is not an ordinary table");
  std::vector<const ShapeColumn*> plain;
  for (const ShapeColumn& column : found.columns)
    if (!column.generated) plain.push_back(&column);
  const auto& columns = wanted.schema->columns;
  for (const Column& column : columns)
    if (std::none_of(plain.begin(), plain.end(), [&](const ShapeColumn* c) { return c->name == column.name; }))
      return fmt::format("column {} is missing", column.name);
  for (const ShapeColumn* column : plain) {
    const auto same = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == column->name; });
    if (same == columns.end()) return fmt::format("column {} is not in the source", column->name);
    ASSIGN_OR_RETURN(const Oid type, types.Resolve(*same->type));
    if (type != column->type || same->typmod != column->typmod) {
      ASSIGN_OR_RETURN(const std::string sql, types.Sql(*same->type, same->typmod));
      return fmt::format("column {} is not of type {}", column->name, sql);
    }
    if (column->not_null && !same->not_null) return fmt::format("column {} is NOT NULL", column->name);
  }
  return std::string();
}

}  // namespace sluice

#include "sink/replica/refill.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "observability/errors/replica_codes.h"
#include "postgres/quote.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/follow_definition.h"
#include "sink/replica/table_sql.h"

namespace sluice {
namespace {

bool SourceHas(const TableDefinition& table, const ShapeColumn& column) {
  const auto named = [&](const auto& one) { return one.name == column.name; };
  if (column.generated) return HasGenerated(table, column);
  return std::any_of(table.schema->columns.begin(), table.schema->columns.end(), named);
}

std::string Columns(const TableSchema& schema, std::string_view prefix) {
  std::string list;
  for (const Column& column : schema.columns) list += fmt::format("{}{}{}", list.empty() ? "" : ", ", prefix, QuoteIdentifier(column.name));
  return list;
}

// Both sides are of one database, so the types' own equality serves; what it calls equal is compared by its bytes too.
std::string SameKey(const TableSchema& schema) {
  std::string match;
  for (const size_t column : schema.key) {
    const std::string name = QuoteIdentifier(schema.columns[column].name);
    match += fmt::format("{}s.{} = t.{}", match.empty() ? "" : " AND ", name, name);
  }
  return match;
}

Status NotNullAsTheSource(PgConnection& connection, const TableDefinition& table, const TableShape& shape) {
  for (const Column& column : table.schema->columns) {
    const ShapeColumn* const found = FindColumn(shape, column.name);
    if (!column.not_null || (found != nullptr && found->not_null)) continue;
    RETURN_IF_ERROR(connection.Execute(fmt::format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", QuoteName(table.schema->name), QuoteIdentifier(column.name))));
  }
  return Ok();
}

}  // namespace

TableName RefillName(const TableSchema& schema) { return {"sluice", fmt::format("refill_{}", schema.oid)}; }

Status PrepareRefill(PgConnection& connection, DestinationTypes& types, const TableDefinition& table, const TableShape& shape) {
  if ((shape.kind == 'p') == table.partition_key.empty())
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("table {} exists on the replica, but {}", ToString(table.schema->name), shape.kind == 'p' ? "it is a partitioned table" : "it is not a partitioned table"),
                 slu::kReplicaOtherShape};
  const TableName beside = RefillName(*table.schema);
  RETURN_IF_ERROR(connection.Execute("DROP TABLE IF EXISTS " + QuoteName(beside)));
  ASSIGN_OR_RETURN(const std::string sql, PlainTableSql(beside, *table.schema, types));
  const auto made = connection.Execute(sql);
  return made.ok() ? Status() : made.error();
}

Result<std::vector<std::string>> ReshapeStatements(const TableDefinition& table, const TableShape& shape, DestinationTypes& types) {
  std::vector<std::string> statements;
  const std::string alter = "ALTER TABLE " + QuoteName(table.schema->name);
  // Generated columns first: they may hang on those that go.
  for (const bool generated : {true, false})
    for (const ShapeColumn& column : shape.columns)
      if (column.generated == generated && !SourceHas(table, column)) statements.push_back(alter + " DROP COLUMN " + QuoteIdentifier(column.name));
  for (size_t i = 0; i < table.schema->columns.size(); ++i) {
    const Column& column = table.schema->columns[i];
    const std::string name = QuoteIdentifier(column.name);
    const ShapeColumn* const found = FindColumn(shape, column.name);
    ASSIGN_OR_RETURN(const Oid type, types.Resolve(*column.type));
    const bool same = found != nullptr && !found->generated && found->type == type && found->typmod == column.typmod;
    if (same) {
      if (found->not_null && !column.not_null && found->identity == '\0') statements.push_back(fmt::format("{} ALTER COLUMN {} DROP NOT NULL", alter, name));
      continue;
    }
    if (found != nullptr && !found->generated) statements.push_back(fmt::format("{} DROP COLUMN {}", alter, name));
    ASSIGN_OR_RETURN(const std::string sql, AddedColumnSql(table, i, types));
    statements.push_back(fmt::format("{} ADD COLUMN {}", alter, sql));
    if (table.columns[i].default_value && table.columns[i].default_value->needs.none()) statements.push_back(DefaultStatement(table, i).sql);
  }
  for (const GeneratedColumn& column : table.generated) {
    const ShapeColumn* const found = FindColumn(shape, column.name);
    if (!column.expression.needs.none() || (found != nullptr && HasGenerated(table, *found))) continue;
    ASSIGN_OR_RETURN(const std::string sql, GeneratedSql(column, types));
    statements.push_back(fmt::format("{} ADD COLUMN {}", alter, sql));
  }
  return statements;
}

Status MergeRefill(PgConnection& connection, DestinationTypes& types, const TableDefinition& table) {
  const TableSchema& schema = *table.schema;
  const std::string target = QuoteName(schema.name);
  const std::string beside = QuoteName(RefillName(schema));
  ASSIGN_OR_RETURN(const auto shape, ReadShape(connection, schema.name));
  if (!shape) return Error{ErrorKind::kConflict, fmt::format("table {} disappeared from the replica while it was copied", ToString(schema.name))};
  ASSIGN_OR_RETURN(const std::vector<std::string> reshape, ReshapeStatements(table, *shape, types));
  ASSIGN_OR_RETURN(const auto origin, FindOrigin(connection, schema.name));
  const bool ours = origin && origin->made_by_us;
  if (ours) RETURN_IF_ERROR(DropGoneConstraints(connection, table));
  for (const std::string& statement : reshape) RETURN_IF_ERROR(connection.Execute(statement));
  if (ours && shape->kind == 'p') RETURN_IF_ERROR(FollowPartitions(connection, table, FollowExtent::kAll));
  SLUICE_FAILPOINT("replica.before_merge");
  const std::string columns = schema.columns.empty() ? "" : " (" + Columns(schema, "") + ")";
  const std::string into = fmt::format("INSERT INTO {}{} OVERRIDING SYSTEM VALUE SELECT {} FROM {} s", target, columns, Columns(schema, "s."), beside);
  if (schema.has_key()) {
    RETURN_IF_ERROR(connection.Execute("ANALYZE " + beside));
    // The table itself may never have been analyzed and look small; the one beside it has no index.
    RETURN_IF_ERROR(connection.Execute("SET LOCAL enable_nestloop = off"));
    // Byte by byte, by the function: the parser takes ROW(…) *= ROW(…) apart into its columns, and a record that is made in
    // the subquery's FROM keeps the planner from joining, so that it would read all of the copy for each row.
    RETURN_IF_ERROR(connection.Execute(fmt::format("DELETE FROM {} t WHERE NOT EXISTS (SELECT FROM {} s WHERE {} AND pg_catalog.record_image_eq(ROW({}), ROW({})))",
                                                   target, beside, SameKey(schema), Columns(schema, "t."), Columns(schema, "s."))));
    RETURN_IF_ERROR(connection.Execute(fmt::format("{} WHERE NOT EXISTS (SELECT FROM {} t WHERE {})", into, target, SameKey(schema))));
  } else {
    // Not TRUNCATE, so that readers see the old rows until the commit.
    RETURN_IF_ERROR(connection.Execute("DELETE FROM " + target));
    RETURN_IF_ERROR(connection.Execute(into));
  }
  RETURN_IF_ERROR(NotNullAsTheSource(connection, table, *shape));
  const auto dropped = connection.Execute("DROP TABLE " + beside);
  return dropped.ok() ? Status() : dropped.error();
}

}  // namespace sluice

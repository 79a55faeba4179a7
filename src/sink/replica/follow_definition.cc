#include "sink/replica/follow_definition.h"

#include <fmt/format.h>

#include <algorithm>

#include "observability/errors/replica_codes.h"
#include "observability/log.h"
#include "postgres/quote.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/namespaces.h"
#include "sink/replica/partition_names.h"
#include "sink/replica/table_sql.h"

namespace sluice {
namespace {

Status Run(PgConnection& connection, const TableDefinition& table, const std::string& sql) {
  const auto done = connection.Execute(sql);
  if (done.ok()) {
    log::Info("replica", "replica.table_followed", "a table follows the source's", {{"table", ToString(table.schema->name)}, {"statement", sql.substr(0, 300)}});
    return Ok();
  }
  if (done.error().kind == ErrorKind::kUnavailable) return done.error();
  return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: the replica refused {:.200}", ToString(table.schema->name), sql), slu::kReplicaSchemaChanged,
               done.error().evidence};
}

bool IsKey(const ConstraintDefinition& constraint) { return constraint.kind == ConstraintKind::kPrimaryKey || constraint.kind == ConstraintKind::kUnique; }

// Of keys the text is the same on both servers; expressions may be printed differently, so there the name decides.
Status DropGoneOfTable(PgConnection& connection, const TableDefinition& table) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT k.conname, pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
                                      " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND k.contype IN ('p', 'u', 'x', 'c')",
                                      {table.schema->name.name_space, table.schema->name.name}));
  for (int i = 0; i < PQntuples(rows.get()); ++i) {
    const std::string name(Field(rows, i, 0));
    const bool stays = std::any_of(table.constraints.begin(), table.constraints.end(), [&](const ConstraintDefinition& one) {
      return one.name == name && (!IsKey(one) || one.definition.sql == Field(rows, i, 1));
    });
    if (!stays) RETURN_IF_ERROR(Run(connection, table, fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", QuoteName(table.schema->name), QuoteIdentifier(name))));
  }
  return Ok();
}

Status DropGoneUniqueIndexes(PgConnection& connection, const TableDefinition& table) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT n.nspname, x.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
                                      " JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace JOIN pg_catalog.pg_class c ON c.oid = i.indrelid"
                                      " JOIN pg_catalog.pg_namespace m ON m.oid = c.relnamespace WHERE m.nspname = $1 AND c.relname = $2 AND i.indisunique"
                                      " AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid)",
                                      {table.schema->name.name_space, table.schema->name.name}));
  for (int i = 0; i < PQntuples(rows.get()); ++i) {
    const TableName name{std::string(Field(rows, i, 0)), std::string(Field(rows, i, 1))};
    const bool stays = std::any_of(table.indexes.begin(), table.indexes.end(), [&](const IndexDefinition& one) { return one.unique && one.name.name == name.name; });
    if (!stays) RETURN_IF_ERROR(Run(connection, table, "DROP INDEX " + QuoteName(name)));
  }
  return Ok();
}

Result<std::vector<TableName>> ReadPartitions(PgConnection& connection, const TableName& table) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT n.nspname, c.relname FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)) p JOIN pg_catalog.pg_class c ON c.oid = p.relid"
                                      " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE p.level > 0 ORDER BY p.level DESC, n.nspname, c.relname",
                                      {QuoteName(table)}));
  std::vector<TableName> partitions;
  for (int i = 0; i < PQntuples(rows.get()); ++i) partitions.push_back({std::string(Field(rows, i, 0)), std::string(Field(rows, i, 1))});
  return partitions;
}

bool HasGeneratedName(const TableDefinition& table, const ShapeColumn& column) {
  return std::any_of(table.generated.begin(), table.generated.end(), [&](const GeneratedColumn& one) { return one.name == column.name; });
}

template <class Stays>
Status DropGenerated(PgConnection& connection, const TableDefinition& table, const TableShape& shape, Stays stays) {
  for (const ShapeColumn& column : shape.columns) {
    if (!column.generated || stays(table, column)) continue;
    RETURN_IF_ERROR(Run(connection, table, fmt::format("ALTER TABLE {} DROP COLUMN {}", QuoteName(table.schema->name), QuoteIdentifier(column.name))));
  }
  return Ok();
}

Status AddNewGenerated(PgConnection& connection, DestinationTypes& types, const TableDefinition& table, const TableShape& shape) {
  for (const GeneratedColumn& column : table.generated) {
    if (FindColumn(shape, column.name) != nullptr || !column.expression.needs.none()) continue;
    ASSIGN_OR_RETURN(const std::string sql, GeneratedSql(column, types));
    RETURN_IF_ERROR(Run(connection, table, fmt::format("ALTER TABLE {} ADD COLUMN {}", QuoteName(table.schema->name), sql)));
  }
  return Ok();
}

Status SetNotNull(PgConnection& connection, const TableDefinition& table, const TableShape& shape) {
  for (const Column& column : table.schema->columns) {
    const ShapeColumn* const found = FindColumn(shape, column.name);
    if (found == nullptr || found->not_null || !column.not_null) continue;
    RETURN_IF_ERROR(Run(connection, table, fmt::format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", QuoteName(table.schema->name), QuoteIdentifier(column.name))));
  }
  return Ok();
}

Result<TableShape> Shape(PgConnection& connection, const TableDefinition& table) {
  ASSIGN_OR_RETURN(auto shape, ReadShape(connection, table.schema->name));
  if (!shape) return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: it does not exist on the replica", ToString(table.schema->name)), slu::kReplicaSchemaChanged};
  return std::move(*shape);
}

// Only what makes room: columns are looked at when rows with them come.
Status Loosen(PgConnection& connection, const TableDefinition& table, const TableShape& shape, bool ours) {
  for (const Column& column : table.schema->columns) {
    const ShapeColumn* const found = FindColumn(shape, column.name);
    if (found == nullptr || !found->not_null || column.not_null || found->identity != '\0') continue;
    RETURN_IF_ERROR(Run(connection, table, fmt::format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", QuoteName(table.schema->name), QuoteIdentifier(column.name))));
  }
  return ours && shape.kind == 'p' ? FollowPartitions(connection, table, FollowExtent::kLoosen) : Ok();
}

}  // namespace

Status DropGoneConstraints(PgConnection& connection, const TableDefinition& table) {
  RETURN_IF_ERROR(DropGoneOfTable(connection, table));
  return DropGoneUniqueIndexes(connection, table);
}

// Those that went first: a new one may take their range. Their rows went with them on the source.
Status FollowPartitions(PgConnection& connection, const TableDefinition& table, FollowExtent extent) {
  ASSIGN_OR_RETURN(const std::vector<TableName> present, ReadPartitions(connection, table.schema->name));
  const std::vector<std::string> statements = PartitionStatements(table);
  if (extent == FollowExtent::kAll) {
    for (const TableName& name : present) {
      const bool stays = std::any_of(table.partitions.begin(), table.partitions.end(), [&](const PartitionDefinition& one) { return one.name == name; });
      if (!stays) RETURN_IF_ERROR(Run(connection, table, "DROP TABLE " + QuoteName(name)));
    }
  }
  for (size_t i = 0; i < table.partitions.size(); ++i) {
    const TableName& name = table.partitions[i].name;
    if (std::find(present.begin(), present.end(), name) != present.end()) continue;
    RETURN_IF_ERROR(EnsureNamespace(connection, name.name_space));
    RETURN_IF_ERROR(FreeNameForPartition(connection, name));  // It may have been a table of its own before it was attached.
    RETURN_IF_ERROR(Run(connection, table, statements[i]));
  }
  return Ok();
}

Status FollowDefinition(PgConnection& connection, DestinationTypes& types, const TableDefinition& table, const ColumnNames& known,
                        std::string_view fingerprint, bool ours, FollowExtent extent) {
  ASSIGN_OR_RETURN(TableShape shape, Shape(connection, table));
  if (ours) RETURN_IF_ERROR(DropGoneConstraints(connection, table));
  if (extent == FollowExtent::kLoosen) return Loosen(connection, table, shape, ours);
  const bool partitions_are_ours = ours && shape.kind == 'p';
  if (!partitions_are_ours && PartitionsGone(fingerprint, table.fingerprint))
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: rows went with a partition", ToString(table.schema->name)), slu::kReplicaSchemaChanged};
  // They may hang on columns that go; what they are made of is compared once those have their names.
  RETURN_IF_ERROR(DropGenerated(connection, table, shape, HasGeneratedName));
  RETURN_IF_ERROR(FollowColumns(connection, types, *table.schema, known, [] { return Ok(); }));
  ASSIGN_OR_RETURN(shape, Shape(connection, table));
  RETURN_IF_ERROR(DropGenerated(connection, table, shape, HasGenerated));
  ASSIGN_OR_RETURN(shape, Shape(connection, table));
  RETURN_IF_ERROR(SetNotNull(connection, table, shape));
  RETURN_IF_ERROR(AddNewGenerated(connection, types, table, shape));
  return partitions_are_ours ? FollowPartitions(connection, table, extent) : Ok();
}

}  // namespace sluice

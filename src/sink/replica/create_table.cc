#include "sink/replica/create_table.h"

#include <fmt/format.h>

#include <set>

#include "base/failpoint.h"
#include "observability/errors/replica_codes.h"
#include "postgres/quote.h"
#include "sink/replica/attempt.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/namespaces.h"
#include "sink/replica/partition_names.h"
#include "sink/replica/refill.h"
#include "sink/replica/sequences.h"
#include "sink/replica/table_shape.h"
#include "sink/replica/table_sql.h"

namespace sluice {
namespace {

std::set<std::string> Namespaces(const TableDefinition& table) {
  std::set<std::string> names{table.schema->name.name_space};
  for (const PartitionDefinition& partition : table.partitions) names.insert(partition.name.name_space);
  return names;
}

// A sequence that outlived its table is in the way of an identity column, which makes its own.
Status DropLeftSequences(PgConnection& connection, const TableDefinition& table) {
  for (const SequenceDefinition& sequence : table.sequences)
    if (sequence.is_identity) RETURN_IF_ERROR(connection.Execute("DROP SEQUENCE IF EXISTS " + QuoteName(sequence.name)));
  return Ok();
}

// A table that is there and that no copy of ours has completed: whether it can be used as it is.
Result<bool> UseExisting(PgConnection& connection, DestinationTypes& types, const TableDefinition& table,
                         const TableShape& shape, const std::optional<TableOrigin>& origin) {
  const TableName& name = table.schema->name;
  if (origin && origin->made_by_us) {
    RETURN_IF_ERROR(KeepUsedSequences(connection, name));
    RETURN_IF_ERROR(connection.Execute(std::string("DROP TABLE ") + QuoteName(name)));
    RETURN_IF_ERROR(DropLeftSequences(connection, table));
    RETURN_IF_ERROR(ForgetTable(connection, name));
    return false;
  }
  ASSIGN_OR_RETURN(const std::string difference, CompareShape(table, shape, types));
  if (!difference.empty())
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} exists on the replica, but {}", ToString(name), difference),
                 slu::kReplicaOtherShape};
  if (origin) {
    RETURN_IF_ERROR(connection.Execute("TRUNCATE " + QuoteName(name)));
    return true;
  }
  ASSIGN_OR_RETURN(const std::string filled,
                   connection.QueryValue("SELECT EXISTS (SELECT 1 FROM " + QuoteName(name) + ")"));
  if (std::string_view(filled) == "t")
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} of the replica already holds rows", ToString(name)),
                 slu::kReplicaForeignRows};
  RETURN_IF_ERROR(RecordPreparing(connection, name, {}));
  return true;
}

// Indexes and constraints come after the rows, on several connections: what they share is made before.
Status ProvideForAfterRows(NeededObjects& needed, const TableDefinition& table) {
  for (const ConstraintDefinition& constraint : table.constraints)
    if (constraint.kind != ConstraintKind::kForeignKey) RETURN_IF_ERROR(needed.Provide(constraint.definition, table));
  for (const IndexDefinition& index : table.indexes) RETURN_IF_ERROR(needed.Provide(index.definition, table));
  return Ok();
}

Result<UsableExpressions> ProvideForColumns(NeededObjects& needed, const TableDefinition& table) {
  UsableExpressions usable = UsableExpressions::None(table);
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].default_value || table.columns[i].identity != '\0') continue;
    ASSIGN_OR_RETURN(auto hindrance, needed.Provide(*table.columns[i].default_value, table));
    usable.defaults[i] = !hindrance;
    if (!hindrance) continue;
    const ExpressionStatement statement = DefaultStatement(table, i);
    LogLeftOut(table.schema->name, statement.object, AndThen(std::move(*hindrance), statement.sql));
  }
  for (size_t i = 0; i < table.generated.size(); ++i) {
    ASSIGN_OR_RETURN(auto hindrance, needed.Provide(table.generated[i].expression, table));
    if (!hindrance) {
      ASSIGN_OR_RETURN(hindrance, needed.Provide(*table.generated[i].type));
    }
    usable.generated[i] = !hindrance;
    if (hindrance) LogLeftOut(table.schema->name, "generated column " + table.generated[i].name, *hindrance);
  }
  return usable;
}

// What the columns own and, by now, every default that needs them may use.
Status ProvideOwnedSequences(NeededObjects& needed, const TableDefinition& table) {
  for (const SequenceDefinition& sequence : table.sequences) {
    if (sequence.is_identity || sequence.owner_column.empty()) continue;
    ASSIGN_OR_RETURN(const auto hindrance, needed.Provide(sequence));
    if (hindrance) LogLeftOut(table.schema->name, "sequence " + ToString(sequence.name), *hindrance);
  }
  return Ok();
}

Status LetColumnsOwnSequences(PgConnection& connection, const TableDefinition& table) {
  for (const SequenceDefinition& sequence : table.sequences) {
    if (sequence.is_identity || sequence.owner_column.empty()) continue;
    const std::string sql = fmt::format("ALTER SEQUENCE {} OWNED BY {}.{}", QuoteName(sequence.name), QuoteName(table.schema->name),
                                        QuoteIdentifier(sequence.owner_column));
    ASSIGN_OR_RETURN(const Refusal refusal, Attempt(connection, sql));
    if (refusal) LogLeftOut(table.schema->name, "ownership of sequence " + ToString(sequence.name), RefusedBecause(*refusal, sql + ";"));
  }
  return Ok();
}

Error CannotCreate(const TableDefinition& table, const Error& error) {
  if (error.kind == ErrorKind::kUnavailable) return error;
  return Error{ErrorKind::kNeedsOperator, fmt::format("cannot create table {} on the replica", ToString(table.schema->name)), 0, error.evidence};
}

// One statement if the replica takes it; else the bare table, and each expression by itself: the rows matter more.
Status MakeColumns(PgConnection& connection, DestinationTypes& types, const TableDefinition& table, const UsableExpressions& usable) {
  ASSIGN_OR_RETURN(const std::string whole, TableSql(table, types, usable));
  ASSIGN_OR_RETURN(const Refusal refusal, Attempt(connection, whole));
  if (!refusal) return Ok();
  ASSIGN_OR_RETURN(const std::string bare, TableSql(table, types, UsableExpressions::None(table)));
  const auto made = connection.Execute(bare);
  if (!made.ok()) return CannotCreate(table, made.error());
  ASSIGN_OR_RETURN(const auto statements, ExpressionStatements(table, types, usable));
  for (const ExpressionStatement& statement : statements) {
    ASSIGN_OR_RETURN(const Refusal refused, Attempt(connection, statement.sql));
    if (refused) LogLeftOut(table.schema->name, statement.object, RefusedBecause(*refused, statement.sql + ";"));
  }
  return Ok();
}

Status MakeTable(PgConnection& connection, DestinationTypes& types, NeededObjects& needed, const TableDefinition& table) {
  RETURN_IF_ERROR(ProvideOwnedSequences(needed, table));
  ASSIGN_OR_RETURN(const UsableExpressions usable, ProvideForColumns(needed, table));
  RETURN_IF_ERROR(MakeColumns(connection, types, table, usable));
  RETURN_IF_ERROR(LetColumnsOwnSequences(connection, table));
  const std::vector<std::string> statements = PartitionStatements(table);
  for (size_t i = 0; i < statements.size(); ++i) {
    RETURN_IF_ERROR(FreeNameForPartition(connection, table.partitions[i].name));
    const auto made = connection.Execute(statements[i]);
    if (!made.ok()) return CannotCreate(table, made.error());
  }
  return Ok();
}

}  // namespace

Result<CopyPlace> PrepareTable(PgConnection& connection, DestinationTypes& types, NeededObjects& needed, const TableDefinition& table) {
  const TableName& name = table.schema->name;
  for (const std::string& name_space : Namespaces(table)) RETURN_IF_ERROR(EnsureNamespace(connection, name_space));
  for (const Column& column : table.schema->columns) RETURN_IF_ERROR(types.Ensure(*column.type));
  RETURN_IF_ERROR(ProvideForAfterRows(needed, table));
  ASSIGN_OR_RETURN(const auto shape, ReadShape(connection, name));
  if (shape) {
    ASSIGN_OR_RETURN(auto origin, FindOrigin(connection, name));
    if (!origin) {
      ASSIGN_OR_RETURN(origin, DetachFormerPartition(connection, name));
    }
    if (origin && origin->filled) {
      RETURN_IF_ERROR(PrepareRefill(connection, types, table, *shape));
      RETURN_IF_ERROR(RecordPreparing(connection, name, *origin));
      return CopyPlace::kBeside;
    }
    ASSIGN_OR_RETURN(const bool usable, UseExisting(connection, types, table, *shape, origin));
    if (usable) return CopyPlace::kTable;
  } else {
    RETURN_IF_ERROR(ForgetTable(connection, name));  // Somebody dropped what we had made.
  }
  RETURN_IF_ERROR(MakeTable(connection, types, needed, table));
  SLUICE_FAILPOINT("replica.after_create_before_record");
  RETURN_IF_ERROR(RecordPreparing(connection, name, {.made_by_us = true, .filled = false}));
  return CopyPlace::kTable;
}

Result<CopyPlace> PlaceOfCopy(PgConnection& connection, const TableName& table) {
  ASSIGN_OR_RETURN(const auto origin, FindOrigin(connection, table));
  return origin && origin->filled ? CopyPlace::kBeside : CopyPlace::kTable;
}

}  // namespace sluice

#include "source/postgres/catalog_schema_resolver.h"

#include <algorithm>
#include <set>

#include "source/postgres/catalog.h"
#include "source/postgres/type_reader.h"

namespace sluice {
namespace {

bool SameColumn(const RelationFacts::ColumnFacts& facts, const Column& column) {
  return facts.name == column.name && facts.typmod == column.typmod && column.type && column.type->oid == facts.type;
}

const Column* FindColumn(const TableSchema& schema, const RelationFacts::ColumnFacts& facts) {
  const auto found = std::find_if(schema.columns.begin(), schema.columns.end(), [&](const Column& column) { return SameColumn(facts, column); });
  return found == schema.columns.end() ? nullptr : &*found;
}

std::optional<size_t> IndexOf(const RelationFacts& facts, const std::string& name) {
  for (size_t i = 0; i < facts.columns.size(); ++i)
    if (facts.columns[i].name == name) return i;
  return std::nullopt;
}

/// Under REPLICA IDENTITY FULL every column is flagged, so the primary key has to come from the catalog.
std::vector<size_t> KeyFromCatalog(const RelationFacts& facts, const TableSchema& current) {
  std::vector<size_t> key;
  for (const size_t index : current.key) {
    const auto here = IndexOf(facts, current.columns[index].name);
    if (!here) return {};
    key.push_back(*here);
  }
  return key;
}

std::vector<size_t> KeyFromFlags(const RelationFacts& facts) {
  std::vector<size_t> key;
  for (size_t i = 0; i < facts.columns.size(); ++i)
    if (facts.columns[i].in_key) key.push_back(i);
  return key;
}

}  // namespace

TableSchema MergeWithCatalog(const RelationFacts& facts, const TableSchema* current) {
  TableSchema schema;
  schema.oid = facts.oid;
  schema.name = facts.name;
  schema.replica_identity = facts.identity;
  for (const RelationFacts::ColumnFacts& column : facts.columns) {
    const Column* const known = current != nullptr ? FindColumn(*current, column) : nullptr;
    schema.columns.push_back(known != nullptr ? *known : Column{column.name, 0, nullptr, column.typmod, false});
  }
  const bool full = facts.identity == ReplicaIdentity::kFull;
  if (full && current != nullptr) schema.key = KeyFromCatalog(facts, *current);
  if (!full) schema.key = KeyFromFlags(facts);
  // The catalog knows the order of the key's columns; flags only know which they are.
  if (!full && current != nullptr) {
    std::vector<size_t> ordered = KeyFromCatalog(facts, *current);
    std::vector<size_t> sorted = ordered;
    std::sort(sorted.begin(), sorted.end());
    if (sorted == schema.key) schema.key = std::move(ordered);
  }
  return schema;
}

Result<std::optional<TableSchema>> CatalogSchemaResolver::ReadCurrent(Oid table) {
  if (!connection_ || PQstatus(connection_->get()) != CONNECTION_OK) {
    connection_.reset();
    ASSIGN_OR_RETURN(PgConnection opened, PgConnection::Connect(dsn_, {.application_name = "sluice catalog", .replication = false}));
    connection_.emplace(std::move(opened));
  }
  return ReadSchema(*connection_, table);
}

Result<TableSchemaPtr> CatalogSchemaResolver::Resolve(const RelationFacts& facts) {
  ASSIGN_OR_RETURN(std::optional<TableSchema> current, ReadCurrent(facts.oid));
  if (!current) {
    // Dropped since: what was known of it before is the next best.
    if (const TableSchemaPtr newest = schemas_->Newest(facts.oid)) current = *newest;
  }
  TableSchema schema = MergeWithCatalog(facts, current ? &*current : nullptr);
  RETURN_IF_ERROR(Complete(schema, facts));
  return schemas_->Intern(std::move(schema));
}

Status CatalogSchemaResolver::Complete(TableSchema& schema, const RelationFacts& facts) {
  std::set<Oid> missing;
  for (size_t i = 0; i < schema.columns.size(); ++i)
    if (!schema.columns[i].type) missing.insert(facts.columns[i].type);
  if (missing.empty()) return Ok();
  ASSIGN_OR_RETURN(const TypesByOid types, ReadTypes(*connection_, {missing.begin(), missing.end()}));
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    TypePtr& type = schema.columns[i].type;
    if (type) continue;
    const Oid oid = facts.columns[i].type;
    if (const auto found = types.find(oid); found != types.end()) {
      type = found->second;
      continue;
    }
    // The type is gone too; the stream has named it, and its values speak for themselves.
    Type gone;
    gone.oid = oid;
    if (const auto named = named_types_.find(oid); named != named_types_.end()) {
      gone.name_space = named->second.name_space;
      gone.name = named->second.name;
    }
    type = std::make_shared<const Type>(std::move(gone));
  }
  return Ok();
}

}  // namespace sluice

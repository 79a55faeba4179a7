#pragma once
// Schemas for the stream: what a RELATION says, completed from pg_catalog.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "postgres/connection.h"
#include "source/postgres/relation_facts.h"
#include "source/postgres/schema_registry.h"

namespace sluice {

class CatalogSchemaResolver final : public SchemaResolver {
 public:
  CatalogSchemaResolver(std::string dsn, PgConnection connection, std::shared_ptr<SchemaRegistry> schemas)
      : dsn_(std::move(dsn)), connection_(std::move(connection)), schemas_(std::move(schemas)) {}

  Result<TableSchemaPtr> Resolve(const RelationFacts& facts) override;
  void NameType(Oid type, const TableName& name) override { named_types_[type] = name; }

 private:
  Result<std::optional<TableSchema>> ReadCurrent(Oid table);
  Status Complete(TableSchema& schema, const RelationFacts& facts);

  const std::string dsn_;
  std::optional<PgConnection> connection_;
  std::shared_ptr<SchemaRegistry> schemas_;
  std::map<Oid, TableName> named_types_;  ///< Bounded by the types of published tables.
};

/// The schema of the facts alone, with what `current` (the catalog's view of now, where the table still exists) says
/// of columns that are the same in both. Columns whose type it does not know have `type` null. Pure.
TableSchema MergeWithCatalog(const RelationFacts& facts, const TableSchema* current);

}  // namespace sluice

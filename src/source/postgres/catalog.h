#pragma once
// What pg_catalog says about tables, read with a fixed number of queries however many tables there are.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "source/postgres/schema_registry.h"
#include "source/postgres/type_reader.h"

namespace sluice {

/// One row of pg_class that could be copied: an ordinary table or the root of a partitioned one.
struct ListedTable {
  Oid oid = 0;
  TableName name;
  bool partitioned = false;
  bool unlogged = false;
  ReplicaIdentity identity = ReplicaIdentity::kDefault;
  std::string partition_key;
};

/// All tables but PostgreSQL's own, temporary ones, those of extensions and those of namespace `sluice`, by name.
Result<std::vector<ListedTable>> ListTables(PgConnection& connection);

/// Everything about these tables. The schema's columns are those that pgoutput sends: not dropped, not generated.
/// Call inside a transaction, so that all facts are of one moment.
Result<std::vector<TableDefinition>> ReadDefinitions(PgConnection& connection, const std::vector<ListedTable>& tables,
                                                     SchemaRegistry& schemas);

/// The schema of one table as the catalog shows it now; nullopt: there is no such table.
Result<std::optional<TableSchema>> ReadSchema(PgConnection& connection, Oid table);

}  // namespace sluice

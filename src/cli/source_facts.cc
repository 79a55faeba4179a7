#include "cli/source_facts.h"

#include "source/postgres/catalog.h"
#include "source/postgres/source_check.h"
#include "source/postgres/table_pattern.h"

namespace sluice::cli {

Result<std::vector<TableDefinition>> ReadSourceTables(const Config& config) {
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(config.source.dsn, {"sluice check"}));
  RETURN_IF_ERROR(connection.Execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  ASSIGN_OR_RETURN(std::vector<ListedTable> listed, ListTables(connection));
  std::erase_if(listed, [&](const ListedTable& table) { return !TakesTable(config.pipeline.include, config.pipeline.exclude, table.name); });
  SchemaRegistry schemas;
  return ReadDefinitions(connection, listed, schemas);
}

Result<std::string> PrivilegesScript(const Config& config, const std::string& role) {
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> tables, ReadSourceTables(config));
  return PrivilegesSql(config.source, role.empty() ? RoleOf(config.source.dsn) : role, tables);
}

}  // namespace sluice::cli

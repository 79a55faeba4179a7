#include <fmt/format.h>

#include <set>

#include "postgres/connection.h"
#include "postgres/quote.h"
#include "source/postgres/publication.h"
#include "source/postgres/source_check.h"

namespace sluice {
namespace {

/// CREATE has no IF NOT EXISTS for roles and publications; psql's \gexec runs what a query returns.
std::string CreateUnless(const std::string& statement, const std::string& exists) {
  return fmt::format("SELECT {}\n WHERE NOT EXISTS ({}) \\gexec\n", QuoteLiteral(statement), exists);
}

std::string CreatePublication(const std::string& name, const std::string& tables, const std::string& option) {
  const std::string published = tables.empty() ? "" : " FOR TABLE " + tables;
  return "\n" + CreateUnless(fmt::format("CREATE PUBLICATION {}{} WITH (publish_via_partition_root = true{})", QuoteIdentifier(name), published, option),
                             fmt::format("SELECT FROM pg_catalog.pg_publication WHERE pubname = {}", QuoteLiteral(name)));
}

}  // namespace

std::string RoleOf(const std::string& dsn) {
  PQconninfoOption* const options = PQconninfoParse(dsn.c_str(), nullptr);
  std::string role;
  for (const PQconninfoOption* option = options; option != nullptr && option->keyword != nullptr; ++option)
    if (std::string_view(option->keyword) == "user" && option->val != nullptr) role = option->val;
  PQconninfoFree(options);
  return role;
}

std::string PrivilegesSql(const SourceConfig& source, const std::string& role, const std::vector<TableDefinition>& tables) {
  const std::string name = QuoteIdentifier(role);
  std::string sql =
      "-- What sluice needs on the source and nothing else. Run once with psql in the source's database, as a superuser\n"
      "-- or as the owner of the tables with the right to make roles. Running it again changes nothing.\n"
      "-- With REPLICATION the role can read every published row, whatever SELECT and row security say.\n"
      "-- On Amazon RDS replace REPLICATION by: GRANT rds_replication TO the role.\n\n";
  sql += CreateUnless(fmt::format("CREATE ROLE {} LOGIN REPLICATION", name), fmt::format("SELECT FROM pg_catalog.pg_roles WHERE rolname = {}", QuoteLiteral(role)));
  sql += fmt::format("-- Then give it a password: \\password {}\n\n", name);

  std::set<std::string> namespaces;
  for (const TableDefinition& table : tables) {
    namespaces.insert(table.schema->name.name_space);
    for (const Leaf& leaf : table.leaves) namespaces.insert(leaf.name.name_space);
  }
  for (const std::string& name_space : namespaces) sql += fmt::format("GRANT USAGE ON SCHEMA {} TO {};\n", QuoteIdentifier(name_space), name);
  for (const TableDefinition& table : tables) {
    if (!table.partition_key.empty()) sql += fmt::format("GRANT SELECT ON TABLE {} TO {};\n", QuoteName(table.schema->name), name);
    for (const Leaf& leaf : table.leaves) sql += fmt::format("GRANT SELECT ON TABLE {} TO {};\n", QuoteName(leaf.name), name);
    for (const SequenceDefinition& sequence : table.sequences) sql += fmt::format("GRANT SELECT ON SEQUENCE {} TO {};\n", QuoteName(sequence.name), name);
  }

  std::string published;
  std::string inserts;
  for (const TableDefinition& table : tables) {
    std::string& list = table.schema->append_only() || table.schema->replica_identity == ReplicaIdentity::kNothing ? inserts : published;
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", table.partition_key.empty() ? "ONLY " : "", QuoteName(table.schema->name));
  }
  sql += CreatePublication(source.publication, published, "");
  sql += CreatePublication(InsertsPublication(source.publication), inserts, ", publish = 'insert, truncate'");
  return sql;
}

}  // namespace sluice

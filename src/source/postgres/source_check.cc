#include "source/postgres/source_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "postgres/connection.h"
#include "postgres/quote.h"
#include "source/postgres/catalog.h"
#include "source/postgres/catalog_rows.h"
#include "source/postgres/publication.h"
#include "source/postgres/slot.h"
#include "source/postgres/table_pattern.h"

namespace sluice {
namespace {

constexpr int64_t kOldTransactionSeconds = 60;

class SourceCheck {
 public:
  SourceCheck(const SourceConfig& source, const PipelineConfig& pipeline, PgConnection connection)
      : source_(source), pipeline_(pipeline), connection_(std::move(connection)) {}

  Findings Run() {
    CheckServer();
    CheckRole();
    CheckLimits();
    CheckOldTransactions();
    CheckTables();
    CheckSlot();
    return std::move(findings_);
  }

 private:
  void Good(std::string id, std::string object, std::string found) { findings_.push_back({std::move(id), Severity::kOk, std::move(object), std::move(found)}); }
  void Bad(std::string id, Severity severity, std::string object, std::string found, std::string wanted, std::string fix) {
    findings_.push_back({std::move(id), severity, std::move(object), std::move(found), std::move(wanted), std::move(fix)});
  }
  /// Rows of a query; what cannot be looked at is a finding of its own.
  std::optional<PgResult> Ask(const char* id, const char* object, const std::string& sql, const std::vector<std::optional<std::string>>& parameters = {}) {
    auto rows = connection_.Execute(sql, parameters);
    if (rows.ok()) return std::move(rows).value();
    Bad(id, Severity::kWarn, object, "could not be looked at: " + rows.error().evidence, "", "");
    return std::nullopt;
  }

  void CheckServer() {
    const int version = connection_.server_version();
    const std::string name = version >= 100000 ? fmt::format("PostgreSQL {}.{}", version / 10000, version % 10000) : "PostgreSQL before 10";
    Good("S001", "connect", fmt::format("{}, {}", name, PQsslInUse(connection_.get()) == 1 ? "TLS" : "no TLS"));
    if (version < 140000 || version >= 190000) Bad("S004", Severity::kFail, "version", name, "PostgreSQL 14 to 18", "upgrade the source");
    const auto rows = Ask("S003", "server", "SELECT pg_backend_pid(), pg_is_in_recovery(), current_setting('wal_level')");
    if (!rows) return;
    // A pooler invents the process id that it tells its clients.
    if (NumberAt<int>(*rows, 0, 0) != PQbackendPID(connection_.get()))
      Bad("S003", Severity::kFail, "pooler", "a connection pooler answers", "PostgreSQL itself", "give sluice the address of PostgreSQL, not of the pooler");
    if (BoolAt(*rows, 0, 1)) Bad("S005", Severity::kFail, "standby", "the server is a standby", "the primary", "point sluice at the primary");
    if (Field(*rows, 0, 2) == "logical") {
      Good("S010", "wal_level", "logical");
    } else {
      Bad("S010", Severity::kFail, "wal_level", TextAt(*rows, 0, 2), "logical", "ALTER SYSTEM SET wal_level = 'logical';  -- then restart PostgreSQL");
    }
  }

  void CheckRole() {
    const auto rows = Ask("S002", "role",
                          "SELECT rolname, rolsuper OR rolreplication OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'rds_replication' AND pg_has_role(r.oid, 'MEMBER'))"
                          "  FROM pg_roles WHERE rolname = current_user");
    if (!rows || PQntuples(rows->get()) != 1) return;
    if (BoolAt(*rows, 0, 1)) return Good("S002", "role", fmt::format("\"{}\" has REPLICATION", Field(*rows, 0, 0)));
    Bad("S002", Severity::kFail, "role", fmt::format("\"{}\" may not replicate", Field(*rows, 0, 0)), "REPLICATION",
        fmt::format("ALTER ROLE {} REPLICATION;  -- on Amazon RDS: GRANT rds_replication TO {}", QuoteIdentifier(Field(*rows, 0, 0)), QuoteIdentifier(Field(*rows, 0, 0))));
  }

  void CheckFree(const char* id, const char* setting, int64_t used, int64_t limit, int64_t needed) {
    const std::string found = fmt::format("{} of {} used", used, limit);
    if (limit - used >= needed) return Good(id, setting, found);
    // One is enough while no table is copied, so this need not stop a pipeline that runs already.
    Bad(id, limit - used < 1 && needed > 1 ? Severity::kFail : Severity::kWarn, setting, found, fmt::format("{} free", needed),
        fmt::format("ALTER SYSTEM SET {} = {};  -- then restart PostgreSQL", setting, limit + 10));
  }

  void CheckLimits() {
    const auto rows = Ask("S011", "limits",
                          "SELECT (SELECT count(*) FROM pg_replication_slots), current_setting('max_replication_slots'),"
                          "  (SELECT count(*) FROM pg_stat_replication), current_setting('max_wal_senders'),"
                          "  (SELECT setting FROM pg_settings WHERE name = 'max_slot_wal_keep_size'), (SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1)", {source_.slot});
    if (!rows) return;
    const int64_t needed = NumberAt<int64_t>(*rows, 0, 5) > 0 ? 1 : 2;
    CheckFree("S011", "max_replication_slots", NumberAt<int64_t>(*rows, 0, 0), NumberAt<int64_t>(*rows, 0, 1), needed);
    CheckFree("S012", "max_wal_senders", NumberAt<int64_t>(*rows, 0, 2), NumberAt<int64_t>(*rows, 0, 3), needed);
    if (Field(*rows, 0, 4) != "-1") return Good("S013", "max_slot_wal_keep_size", fmt::format("{} MiB", Field(*rows, 0, 4)));
    Bad("S013", Severity::kWarn, "max_slot_wal_keep_size", "-1: a stopped reader can fill the disk", "a limit that the disk can bear",
        "ALTER SYSTEM SET max_slot_wal_keep_size = '40GB'; SELECT pg_reload_conf();");
  }

  void CheckOldTransactions() {
    const auto rows = Ask("S021", "transactions",
                          "SELECT (SELECT count(*) FROM pg_prepared_xacts), a.pid, a.age, a.application_name FROM (SELECT 1) one LEFT JOIN"
                          " (SELECT pid, round(extract(epoch FROM now() - xact_start))::bigint AS age, application_name FROM pg_stat_activity"
                          "   WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY xact_start LIMIT 1) a ON true");
    if (!rows || PQntuples(rows->get()) != 1) return;
    const auto prepared = NumberAt<int64_t>(*rows, 0, 0);
    if (prepared == 0) Good("S020", "prepared transactions", "none");
    if (prepared > 0)
      Bad("S020", Severity::kWarn, "prepared transactions", fmt::format("{} open", prepared), "none: they hold up the slot and keep the log",
          "SELECT gid, prepared FROM pg_prepared_xacts;  -- then COMMIT PREPARED or ROLLBACK PREPARED");
    const int64_t age = IsNull(*rows, 0, 2) ? 0 : NumberAt<int64_t>(*rows, 0, 2);
    if (age < kOldTransactionSeconds) return Good("S021", "oldest transaction", fmt::format("{} s", age));
    Bad("S021", Severity::kWarn, "oldest transaction", fmt::format("process {} (\"{}\"), open for {} s", Field(*rows, 0, 1), Field(*rows, 0, 3), age),
        "short: the slot is made only once it has ended", fmt::format("SELECT pg_terminate_backend({});", Field(*rows, 0, 1)));
  }

  void CheckTables() {
    auto listed = ListTables(connection_);
    if (!listed.ok()) return Bad("S031", Severity::kWarn, "tables", "could not be looked at: " + listed.error().evidence, "", "");
    std::erase_if(*listed, [&](const ListedTable& table) { return !TakesTable(pipeline_.include, pipeline_.exclude, table.name); });
    for (const ListedTable& table : *listed)
      if (table.unlogged)
        Bad("S034", Severity::kWarn, ToString(table.name), "unlogged: its changes are not in the log, so it is left out", "a logged table",
            fmt::format("ALTER TABLE {} SET LOGGED;", QuoteName(table.name)));
    std::erase_if(*listed, [](const ListedTable& table) { return table.unlogged; });
    if (listed->empty()) return Bad("S031", Severity::kFail, "tables", "no table matches the configuration", "at least one", "");
    SchemaRegistry schemas;
    const auto tables = ReadDefinitions(connection_, *listed, schemas);
    if (!tables.ok()) return Bad("S031", Severity::kWarn, "tables", "could not be looked at: " + tables.error().evidence, "", "");
    CheckIdentities(*tables);
    CheckPrivileges(*tables);
    CheckPublication(*tables);
    CheckTypes(*tables);
  }

  void CheckIdentities(const std::vector<TableDefinition>& tables) {
    const auto missing = FindMissingIdentities(connection_, tables);
    if (!missing.ok()) return Bad("S030", Severity::kWarn, "row identity", "could not be looked at: " + missing.error().evidence, "", "");
    const bool refuse = pipeline_.without_identity == WithoutIdentity::kRefuse;
    missing_ = *missing;
    for (const MissingIdentity& table : *missing)
      Bad("S030", refuse ? Severity::kFail : Severity::kWarn, ToString(table.leaf),
          refuse ? "has no row identity: once published its UPDATE and DELETE would fail on the source" : "has no row identity: only its inserts are followed, its UPDATE and DELETE are not",
          "a primary key or REPLICA IDENTITY FULL",
          fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;\nor in the configuration: tables.exclude: [\"{}\"]", QuoteName(table.leaf), ToString(table.table)));
    const auto keyed = std::count_if(tables.begin(), tables.end(), [](const TableDefinition& table) { return table.schema->has_key(); });
    Good("S031", "tables", fmt::format("{} of {} have a key", keyed, tables.size()));
  }

  void CheckPrivileges(const std::vector<TableDefinition>& tables) {
    std::vector<Oid> leaves;
    for (const TableDefinition& table : tables)
      for (const Leaf& leaf : table.leaves) leaves.push_back(leaf.oid);
    const auto rows = Ask("S036", "privileges",
                          "SELECT n.nspname, c.relname, has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid)"
                          "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY($1::oid[]) ORDER BY 1, 2", {OidArray(leaves)});
    if (!rows) return;
    int denied = 0;
    for (int row = 0; row < PQntuples(rows->get()); ++row) {
      const TableName name{TextAt(*rows, row, 0), TextAt(*rows, row, 1)};
      if (!BoolAt(*rows, row, 2)) {
        ++denied;
        Bad("S036", Severity::kFail, ToString(name), "the role may not read it", "SELECT", fmt::format("GRANT SELECT ON TABLE {} TO {};", QuoteName(name), QuoteIdentifier(RoleOf(source_.dsn))));
      } else if (BoolAt(*rows, row, 3)) {
        Bad("S035", Severity::kFail, ToString(name), "row security hides rows from the role", "all rows", fmt::format("ALTER ROLE {} BYPASSRLS;", QuoteIdentifier(RoleOf(source_.dsn))));
      }
    }
    if (denied == 0) Good("S036", "privileges", fmt::format("SELECT on {} tables", leaves.size()));
  }

  /// How many of the tables it holds; nullopt after a finding that says it all.
  std::optional<size_t> CheckOnePublication(const std::string& name, PublishedOperations operations, const std::vector<TableDefinition>& tables, bool& exact) {
    const auto found = ReadPublication(connection_, name);
    if (!found.ok()) {
      Bad("S032", Severity::kWarn, "publication", "could not be looked at: " + found.error().evidence, "", "");
      return std::nullopt;
    }
    if (!*found) {
      exact &= tables.empty();
      return 0;
    }
    const bool any_partitioned = std::any_of(tables.begin(), tables.end(), [](const TableDefinition& table) { return !table.partition_key.empty(); });
    if (const std::string why = WhyForeign(**found, operations, any_partitioned); !why.empty()) {
      Bad("S032", Severity::kFail, name, why, "a publication of explicit tables without filters", fmt::format("DROP PUBLICATION {};", QuoteIdentifier(name)));
      return std::nullopt;
    }
    const auto published = std::count_if(tables.begin(), tables.end(), [&](const TableDefinition& table) { return (*found)->tables.contains(table.schema->name); });
    exact &= static_cast<size_t>(published) == tables.size() && (*found)->tables.size() == tables.size();
    return static_cast<size_t>(published);
  }

  void CheckPublication(const std::vector<TableDefinition>& tables) {
    const SplitTables split = SplitByIdentity(tables, missing_);
    bool exact = true;
    const auto whole = CheckOnePublication(source_.publication, PublishedOperations::kAll, split.whole, exact);
    const auto inserts = CheckOnePublication(InsertsPublication(source_.publication), PublishedOperations::kInserts, split.append_only, exact);
    if (!whole || !inserts) return;
    const size_t published = *whole + *inserts;
    if (exact) return Good("S032", "publication", fmt::format("\"{}\" covers {} of {} tables", source_.publication, published, tables.size()));
    const auto rows = Ask("S032", "publication",
                          "SELECT has_database_privilege(current_database(), 'CREATE') AND NOT EXISTS (SELECT FROM pg_class WHERE oid = ANY($1::oid[]) AND NOT pg_has_role(relowner, 'USAGE')),"
                          " NOT EXISTS (SELECT FROM pg_publication WHERE pubname = $2 AND NOT pg_has_role(pubowner, 'USAGE'))",
                          {OidArray(OidsOf(tables)), source_.publication});
    if (!rows) return;
    if (BoolAt(*rows, 0, 0) && BoolAt(*rows, 0, 1))
      return Good("S032", "publication", fmt::format("\"{}\" covers {} of {} tables; sluice run completes it", source_.publication, published, tables.size()));
    Bad("S032", Severity::kFail, source_.publication, fmt::format("covers {} of {} tables, and the role may not change it", published, tables.size()),
        "a publication of exactly these tables, or ownership of them", "sluice check --print-sql | psql …   -- as the owner of the tables");
  }

  void CheckTypes(const std::vector<TableDefinition>& tables) {
    for (const TableDefinition& table : tables)
      for (const Column& column : table.schema->columns)
        if (column.type && BinaryStreamMisleads(*column.type))
          findings_.push_back({"S040", Severity::kInfo, ToString(table.schema->name) + "." + column.name,
                               fmt::format("type {} cannot be streamed in binary form, so the whole stream is text", column.type->name)});
  }

  void CheckSlot() {
    const auto slot = ReadSlot(connection_, source_.slot);
    if (!slot.ok()) return Bad("S038", Severity::kWarn, "slot", "could not be looked at: " + slot.error().evidence, "", "");
    if (!*slot) return Good("S038", "slot", fmt::format("\"{}\" does not exist yet; sluice run makes it", source_.slot));
    const SlotState& state = (*slot)->state;
    if (state.lost) return Bad("S038", Severity::kFail, source_.slot, "was invalidated: changes are gone", "a slot that still has its log", "sluice start-over, then sluice run");
    if ((*slot)->plugin != "pgoutput") return Bad("S038", Severity::kFail, source_.slot, fmt::format("exists with plugin \"{}\"", (*slot)->plugin), "pgoutput", "name another slot in the configuration");
    Good("S038", "slot", fmt::format("\"{}\" is {}, {} bytes behind, keeps {} bytes of log", source_.slot, state.active ? "being read" : "there", state.behind_bytes, state.retained_bytes));
  }

  static std::vector<Oid> OidsOf(const std::vector<TableDefinition>& tables) {
    std::vector<Oid> oids;
    for (const TableDefinition& table : tables) oids.push_back(table.schema->oid);
    return oids;
  }

  const SourceConfig& source_;
  const PipelineConfig& pipeline_;
  PgConnection connection_;
  std::vector<MissingIdentity> missing_;
  Findings findings_;
};

}  // namespace

Findings CheckSource(const SourceConfig& source, const PipelineConfig& pipeline) {
  auto connection = PgConnection::Connect(source.dsn);
  if (!connection.ok()) {
    const Error& error = connection.error();
    return {{"S001", Severity::kFail, "connect", fmt::format("{}: {}", error.message, error.evidence), "a connection", "correct the source's address and credentials, then: sluice check"}};
  }
  return SourceCheck(source, pipeline, std::move(connection).value()).Run();
}

}  // namespace sluice

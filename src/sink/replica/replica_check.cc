#include "sink/replica/replica_check.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "observability/errors/replica_codes.h"
#include "postgres/quote.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/left_out.h"
#include "sink/replica/named_expressions.h"
#include "sink/replica/session.h"
#include "sink/replica/table_shape.h"

namespace sluice {
namespace {

class ReplicaCheck {
 public:
  ReplicaCheck(PgConnection& connection, Findings& findings)
      : connection_(connection), types_(connection), findings_(findings) {}

  Status Run(const std::optional<LogIdentity>& source, const std::vector<TableDefinition>& tables) {
    RETURN_IF_ERROR(connection_.Execute("BEGIN READ ONLY"));
    ASSIGN_OR_RETURN(const PgResult schema,
                     connection_.Execute("SELECT pg_catalog.has_schema_privilege(oid, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname = 'sluice'"));
    has_bookkeeping_ = PQntuples(schema.get()) == 1;
    RETURN_IF_ERROR(Role());
    if (source) RETURN_IF_ERROR(Source(*source));
    RETURN_IF_ERROR(Extensions(tables));
    ForeignCodeOf(tables);
    RETURN_IF_ERROR(Tables(tables));
    return Ok();
  }

 private:
  void Add(std::string id, Severity severity, std::string object, std::string found, std::string wanted = {}, std::string fix = {}) {
    findings_.push_back({std::move(id), severity, std::move(object), std::move(found), std::move(wanted), std::move(fix)});
  }

  Status Role() {
    ASSIGN_OR_RETURN(const PgResult role,
                     connection_.Execute("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),"
                                         " pg_catalog.current_database(), current_user"));
    const std::string database(Field(role, 0, 1));
    const std::string user(Field(role, 0, 2));
    if (Field(role, 0, 0) == "t")
      Add("T010", Severity::kOk, database, "can create schemas and tables");
    else
      Add("T010", has_bookkeeping_ ? Severity::kWarn : Severity::kFail, database, fmt::format("role {} may not create schemas", user), "CREATE on the database",
          fmt::format("GRANT CREATE ON DATABASE {} TO {};", QuoteIdentifier(database), QuoteIdentifier(user)));
    return Ok();
  }

  Status Source(const LogIdentity& source) {
    const Status same = RefuseSameDatabase(connection_, source);
    if (!same.ok() && same.error().code != slu::kReplicaIsSource) return same;
    if (!same.ok())
      Add("T002", Severity::kFail, source.database, "is the source itself", "another database", "sinks.replica.dsn: …");
    else
      Add("T002", Severity::kOk, source.database, "is not the source");
    if (!has_bookkeeping_) return Ok();
    ASSIGN_OR_RETURN(const auto bookmark, ReadBookmark(connection_));
    if (!bookmark) return Ok();
    const LogIdentity& log = bookmark->position.log;
    if (log.system_identifier == source.system_identifier && log.database == source.database && log.slot == source.slot)
      Add("T003", Severity::kOk, "bookmark", "stands at " + ToString(bookmark->position.lsn));
    else
      Add("T003", Severity::kFail, "bookmark",
          fmt::format("follows system {} database {} slot {}", log.system_identifier, log.database, log.slot),
          fmt::format("system {} database {} slot {}", source.system_identifier, source.database, source.slot),
          "sinks.replica.dsn: …   # an empty database");
    return Ok();
  }

  Status Extensions(const std::vector<TableDefinition>& tables) {
    std::map<std::string, std::string> needed;   // Extension → a table that needs it.
    std::map<std::string, std::string> useful;   // Extension → something that the replica would go without.
    for (const TableDefinition& table : tables) {
      std::map<Oid, const Type*> types;
      for (const Column& column : table.schema->columns) CollectPrivateTypes(*column.type, types);
      for (const auto& [oid, type] : types)
        if (!type->extension.empty()) needed.emplace(type->extension, "needed by " + ToString(table.schema->name));
      for (const NamedExpression& named : NamedExpressions(table))
        for (const NeededExtension& extension : named.expression->needs.extensions)
          useful.emplace(extension.name, fmt::format("{} goes without {}", ToString(table.schema->name), named.object));
    }
    for (const auto& [extension, why] : needed) useful.erase(extension);
    RETURN_IF_ERROR(FindExtensions(needed, Severity::kFail));
    return FindExtensions(useful, Severity::kWarn);
  }

  Status FindExtensions(const std::map<std::string, std::string>& wanted, Severity if_missing) {
    for (const auto& [extension, why] : wanted) {
      ASSIGN_OR_RETURN(const PgResult found,
                       connection_.Execute("SELECT installed_version, (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) OR"
                                           " (SELECT pg_catalog.bool_or(trusted) FROM pg_catalog.pg_available_extension_versions v WHERE v.name = e.name)"
                                           " FROM pg_catalog.pg_available_extensions e WHERE name = $1", {extension}));
      const std::string fix = "CREATE EXTENSION " + QuoteIdentifier(extension) + ";";
      if (PQntuples(found.get()) == 0)
        Add("T030", if_missing, extension, "not available on the replica's server; " + why, "installed", fix);
      else if (!IsNull(found, 0, 0))
        Add("T030", Severity::kOk, extension, std::string(Field(found, 0, 0)));
      else if (Field(found, 0, 1) == "t")
        Add("T030", Severity::kInfo, extension, "will be created");
      else
        Add("T030", if_missing, extension, "not installed, and this role may not; " + why, "installed", fix);
    }
    return Ok();
  }

  void ForeignCodeOf(const std::vector<TableDefinition>& tables) {
    for (const TableDefinition& table : tables) {
      std::string objects;
      for (const NamedExpression& named : NamedExpressions(table))
        if (ForeignCode(*named.expression)) objects += (objects.empty() ? "" : ", ") + named.object;
      if (!objects.empty())
        Add("T031", Severity::kWarn, ToString(table.schema->name), "uses functions of its own, so the replica goes without " + objects);
    }
  }

  Status Tables(const std::vector<TableDefinition>& tables) {
    size_t absent = 0;
    size_t ours = 0;
    size_t usable = 0;
    for (const TableDefinition& table : tables) {
      const TableName& name = table.schema->name;
      ASSIGN_OR_RETURN(const auto shape, ReadShape(connection_, name));
      if (!shape) {
        ++absent;
        continue;
      }
      if (has_bookkeeping_) {
        ASSIGN_OR_RETURN(const auto origin, FindOrigin(connection_, name));
        if (origin) {
          ++ours;
          continue;
        }
      }
      auto difference = CompareShape(table, *shape, types_);
      if (!difference.ok() && difference.error().kind == ErrorKind::kUnavailable) return difference.error();
      const std::string words = difference.ok() ? *difference : difference.error().message;
      if (!words.empty()) {
        Add("T020", Severity::kFail, ToString(name), "exists, but " + words, "absent, or empty in the source's shape",
            fmt::format("ALTER TABLE {} RENAME TO {};", QuoteName(name), QuoteIdentifier(name.name + "_before_sluice")));
        continue;
      }
      const auto filled = connection_.QueryValue("SELECT EXISTS (SELECT 1 FROM " + QuoteName(name) + ")");
      if (!filled.ok()) return filled.error();
      if (*filled == "t")
        Add("T020", Severity::kFail, ToString(name), "holds rows that sluice did not write", "absent or empty",
            fmt::format("ALTER TABLE {} RENAME TO {};", QuoteName(name), QuoteIdentifier(name.name + "_before_sluice")));
      else
        ++usable;
    }
    Add("T020", Severity::kOk, "tables",
        fmt::format("{} to be made, {} empty in the source's shape, {} made by sluice", absent, usable, ours));
    return Ok();
  }

  PgConnection& connection_;
  DestinationTypes types_;
  Findings& findings_;
  bool has_bookkeeping_ = false;
};

}  // namespace

Findings CheckReplica(const ReplicaConfig& config, const std::optional<LogIdentity>& source,
                      const std::vector<TableDefinition>& tables) {
  Findings findings;
  auto session = OpenReplicaSession(config.dsn, "sluice check");
  if (!session.ok()) {
    const Error& error = session.error();
    const bool reached = error.code == slu::kReplicaNotWritable;
    findings.push_back({reached ? "T005" : "T001", Severity::kFail, RedactDsn(config.dsn),
                        error.evidence.empty() ? error.message : error.evidence,
                        reached ? "a primary that takes writes" : "a connection",
                        reached ? "sinks.replica.dsn: … target_session_attrs=read-write" : "sinks.replica.dsn: …"});
    return findings;
  }
  const int version = session->connection.server_version();
  findings.push_back({"T001", Severity::kOk, RedactDsn(config.dsn), fmt::format("postgres {}.{}", version / 10000, version % 10000)});
  findings.push_back({"T005", Severity::kOk, "server", "takes writes"});
  if (session->replica_role)
    findings.push_back({"T011", Severity::kOk, "session_replication_role", "may be set: triggers and foreign keys stay silent"});
  else
    findings.push_back({"T011", Severity::kWarn, "session_replication_role", "may not be set, so the replica's triggers and foreign keys fire",
                        "permission to set it", "GRANT SET ON PARAMETER session_replication_role TO …;   -- 15 and later, else a superuser"});
  ReplicaCheck check(session->connection, findings);
  const Status done = check.Run(source, tables);
  if (!done.ok())
    findings.push_back({"T001", Severity::kFail, RedactDsn(config.dsn), done.error().message + " " + done.error().evidence, "readable catalogs", ""});
  return findings;
}

}  // namespace sluice

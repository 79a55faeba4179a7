#include "sink/replica/session.h"

#include <fmt/format.h>

#include "observability/errors/replica_codes.h"

namespace sluice {

Result<ReplicaSession> OpenReplicaSession(const std::string& dsn, const std::string& application_name) {
  PgConnectOptions options;
  options.application_name = application_name;
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(dsn, options));
  ASSIGN_OR_RETURN(const std::string writable,
                   connection.QueryValue("SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'a standby' "
                                         "WHEN pg_catalog.current_setting('transaction_read_only')::bool "
                                         "THEN 'read-only' ELSE '' END"));
  if (!writable.empty())
    return Error{ErrorKind::kNeedsOperator, fmt::format("the replica {} is {}", RedactDsn(dsn), writable),
                 slu::kReplicaNotWritable};
  // "already exists, skipping" is no news.
  RETURN_IF_ERROR(connection.Execute("SET SESSION client_min_messages = warning"));
  ReplicaSession session{std::move(connection), false};
  // Only superusers and roles with GRANT SET (15+) may; without it we go on, and the check says what it costs.
  const auto role = session.connection.Execute("SET SESSION session_replication_role = replica");
  session.replica_role = role.ok();
  if (!role.ok() && role.error().kind == ErrorKind::kUnavailable) return role.error();
  return session;
}

Status RefuseSameDatabase(PgConnection& connection, const LogIdentity& source) {
  const auto identity = connection.Execute(
      "SELECT system_identifier, pg_catalog.current_database() FROM pg_catalog.pg_control_system()");
  if (!identity.ok()) {
    if (identity.error().kind == ErrorKind::kUnavailable) return identity.error();
    return Ok();
  }
  if (Field(*identity, 0, 0) == std::to_string(source.system_identifier) &&
      Field(*identity, 0, 1) == source.database)
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("database {} is the source itself", source.database), slu::kReplicaIsSource};
  return Ok();
}

std::string_view SqlState(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? std::string_view() : std::string_view(state);
}

}  // namespace sluice

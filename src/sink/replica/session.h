#pragma once
// Connections to the replica's server, made so that our writes neither fire triggers nor are lost.

#include <string>

#include "base/result.h"
#include "change/position.h"
#include "postgres/connection.h"

namespace sluice {

struct ReplicaSession {
  PgConnection connection;
  /// session_replication_role = replica was granted: triggers and foreign keys of the replica stay silent.
  bool replica_role = false;
};

/// Error: kUnavailable; kNeedsOperator (cannot log in, standby, read-only).
Result<ReplicaSession> OpenReplicaSession(const std::string& dsn, const std::string& application_name);

/// Error: kNeedsOperator if `source` is this very database. A server that doesn't tell its identity passes.
Status RefuseSameDatabase(PgConnection& connection, const LogIdentity& source);

/// The SQLSTATE of a failed result; empty if the server sent none.
std::string_view SqlState(const PGresult* result);

}  // namespace sluice

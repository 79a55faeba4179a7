#pragma once
// What the bare programs share: a connection, and the end of the program on any error.

#include <libpq-fe.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace sluice::bench {

struct FreeConnection {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
struct FreeResult {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, FreeConnection>;
using Rows = std::unique_ptr<PGresult, FreeResult>;
using Clock = std::chrono::steady_clock;

[[noreturn]] inline void Die(const std::string& what, PGconn* connection) {
  std::fprintf(stderr, "%s: %s", what.c_str(), PQerrorMessage(connection));
  std::exit(1);
}

inline Connection Connect(const std::string& dsn) {
  Connection connection(PQconnectdb(dsn.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) Die("connect", connection.get());
  return connection;
}

/// Runs one statement. `expected`: how it must end.
inline Rows Run(PGconn* connection, const std::string& statement, ExecStatusType expected) {
  Rows rows(PQexec(connection, statement.c_str()));
  if (PQresultStatus(rows.get()) != expected) Die(statement, connection);
  return rows;
}

inline double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace sluice::bench

#pragma once
// libpq in RAII, with its errors as values.

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/free_with.h"
#include "base/result.h"
#include "postgres/beside.h"

namespace sluice {

using PgResult = std::unique_ptr<PGresult, FreeWith<PQclear>>;

struct PgConnectOptions {
  std::string application_name = "sluice";
  bool replication = false;  ///< A walsender connection to the DSN's database.
};

/// One session, with its output formats and timeouts pinned whatever role or database set (see kSessionPins).
/// Whoever waits for the server uses the functions here and not libpq's: these end when the network has lost something.
/// A statement may take any time, but after keepalives_idle (15 s) of silence the server is looked at (beside.h).
/// Not thread-safe.
class PgConnection {
 public:
  /// `dsn`: a libpq connection string or URI. Error: kUnavailable (cannot be reached, starting up, too many
  /// connections), kNeedsOperator (authentication, unknown database, malformed DSN).
  static Result<PgConnection> Connect(const std::string& dsn, const PgConnectOptions& options = {});

  /// Runs one statement; the result is one of rows or a plain success.
  Result<PgResult> Execute(const std::string& sql);
  /// With parameters in text form; nullopt is null. The result's values are in text form.
  Result<PgResult> Execute(const std::string& sql, const std::vector<std::optional<std::string>>& parameters);
  /// For a query of exactly one row and column. Error: kCorrupt for anything else.
  Result<std::string> QueryValue(const std::string& sql, const std::vector<std::optional<std::string>>& parameters = {});

  /// As PQexec, PQexecParams, PQprepare and PQexecPrepared; null: the connection is lost.
  PgResult Run(const std::string& sql);
  PgResult Run(const std::string& sql, const std::vector<std::optional<std::string>>& parameters);
  PgResult Prepare(const char* name, const std::string& sql);
  PgResult RunPrepared(const char* name, const std::vector<const char*>& parameters);
  /// As PQgetResult, PQgetCopyData (-2: broken off) and PQputCopyData.
  PgResult NextResult();
  int NextCopyData(char** data);
  bool PutCopyData(const char* bytes, size_t size);
  /// Until everything is handed to the network. False: the connection is lost.
  bool Flush();

  /// For loops of one's own: something came, or waiting begins.
  void BeginWaiting() { silence_.Break(Silence::Clock::now()); }
  /// Sends and takes what it can, waits up to `wait_max` for more. False: the connection is lost.
  bool Wait(std::chrono::milliseconds wait_max);
  /// Looks at the server if nothing has come for too long. False: the connection is lost.
  bool StillThere();
  /// Nothing has come for half of that time.
  bool IsSilent() const { return silence_.half_due(Silence::Clock::now()); }
  /// Has the server end the running statement, then waits for its result, but not for long.
  void Cancel();

  /// The error that libpq last reported on this connection, as `what` happened to.
  Error LastError(std::string_view what) const;

  int server_version() const { return PQserverVersion(connection_.get()); }  ///< E.g. 150018.
  PGconn* get() const { return connection_.get(); }

 private:
  struct Close {
    int pid = 0;  // libpq does not tell it of a broken connection.
    void operator()(PGconn* connection) const;
  };

  PgConnection(PGconn* connection, std::string dsn);
  Status PinSession();
  bool EndLeftover();
  bool WaitFor(short events, std::chrono::milliseconds wait_max);
  PgResult LastOfResults();
  void GiveUp(std::string why);

  std::string dsn_;
  std::unique_ptr<PGconn, Close> connection_;
  Silence silence_;
  std::string lost_;  ///< Why it was given up.
};

/// The value at a row and column; empty for null.
inline std::string_view Field(const PgResult& result, int row, int column) {
  return {PQgetvalue(result.get(), row, column), static_cast<size_t>(PQgetlength(result.get(), row, column))};
}
inline bool IsNull(const PgResult& result, int row, int column) {
  return PQgetisnull(result.get(), row, column) == 1;
}

/// Sorts a failed result by its SQLSTATE into what the caller can do. `what`: which step, for people.
Error ErrorFromResult(const PGresult* result, std::string_view what);

/// The DSN for logs: without password.
std::string RedactDsn(const std::string& dsn);

}  // namespace sluice

#pragma once
// libpq in RAII, with its errors as values.

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/free_with.h"
#include "base/result.h"

namespace sluice {

using PgResult = std::unique_ptr<PGresult, FreeWith<PQclear>>;

struct PgConnectOptions {
  std::string application_name = "sluice";
  bool replication = false;  ///< A walsender connection to the DSN's database.
};

/// One session, with its output formats and timeouts pinned whatever role or database set (see kSessionPins).
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

  /// The error that libpq last reported on this connection, as `what` happened to.
  Error LastError(std::string_view what) const;

  int server_version() const { return PQserverVersion(connection_.get()); }  ///< E.g. 150018.
  PGconn* get() const { return connection_.get(); }

 private:
  explicit PgConnection(PGconn* connection) : connection_(connection) {}
  std::unique_ptr<PGconn, FreeWith<PQfinish>> connection_;
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

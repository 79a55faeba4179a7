#pragma once
// SQLite in RAII: statements, transactions, errors as values.

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/free_with.h"
#include "base/result.h"

namespace sluice {

/// The error of the last call on `database`; busy and full are kUnavailable.
Error SqliteError(sqlite3* database, std::string_view doing);

/// A prepared statement whose values are texts. Not thread-safe.
class SqliteStatement {
 public:
  static Result<SqliteStatement> Prepare(sqlite3* database, std::string_view sql);

  /// The next parameter; nullopt is NULL. The bytes are copied.
  SqliteStatement& Bind(const std::optional<std::string>& value);

  /// The next row; false at the end.
  Result<bool> Next();

  /// Runs to the end; the number of rows changed.
  Result<int> Run();

  std::string Text(int column) const;
  std::optional<std::string> OptionalText(int column) const;

 private:
  using Handle = std::unique_ptr<sqlite3_stmt, FreeWith<sqlite3_finalize>>;
  SqliteStatement(sqlite3* database, Handle handle)
      : database_(database), handle_(std::move(handle)) {}

  sqlite3* database_;
  Handle handle_;
  int bound_ = 0;
};

/// Runs statements without parameters and results.
Status RunSql(sqlite3* database, const char* sql);

/// Rolls back unless committed.
class SqliteTransaction {
 public:
  /// Takes the write lock at once, waiting up to the busy timeout.
  static Result<SqliteTransaction> Begin(sqlite3* database);
  SqliteTransaction(SqliteTransaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)) {}
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();

  Status Commit();

 private:
  explicit SqliteTransaction(sqlite3* database) : database_(database) {}

  sqlite3* database_;  // nullptr once it has ended.
};

}  // namespace sluice

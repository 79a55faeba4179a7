#include "catalog/sqlite_database.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "base/free_with.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using Handle = std::unique_ptr<sqlite3, FreeWith<sqlite3_close_v2>>;
using Statement = std::unique_ptr<sqlite3_stmt, FreeWith<sqlite3_finalize>>;

// FULL: in WAL mode the default would let a power cut take back the last commits, which were acknowledged.
constexpr char kSettings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";

/// The error of the last call; busy and full are kUnavailable.
Error SqliteError(sqlite3* database, std::string_view doing) {
  const int code = database ? sqlite3_errcode(database) : SQLITE_NOMEM;
  const std::string text = database ? sqlite3_errmsg(database) : "out of memory";
  const std::string message = fmt::format("{} the lake's catalog: {}", doing, text);
  const std::string evidence = fmt::format("sqlite: {} (code {})", text, code);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Error{ErrorKind::kUnavailable, message, slu::kStorageFull, evidence};
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return Error{ErrorKind::kCorrupt, message, slu::kCatalogForeign, evidence};
    case SQLITE_ERROR:
      return Error{ErrorKind::kNeedsOperator, message, slu::kCatalogForeign, evidence};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return Error{ErrorKind::kNeedsOperator, message, slu::kStoragePermission, evidence};
    default:
      return Error{ErrorKind::kUnavailable, message, slu::kCatalogFailed, evidence};
  }
}

class SqliteDatabase final : public CatalogDatabase {
 public:
  explicit SqliteDatabase(Handle database) : database_(std::move(database)) {}

  Result<std::vector<Row>> Query(const std::string& sql, const std::vector<Value>& parameters) override {
    ASSIGN_OR_RETURN(const Running statement, Bind(sql, parameters));
    std::vector<Row> rows;
    for (;;) {
      const int step = sqlite3_step(statement.get());
      if (step == SQLITE_DONE) return rows;
      if (step != SQLITE_ROW) return SqliteError(database_.get(), "using");
      Row& row = rows.emplace_back();
      for (int column = 0; column < sqlite3_column_count(statement.get()); ++column) row.push_back(ValueAt(statement.get(), column));
    }
  }

  Result<bool> HasTable(const std::string& name) override {
    ASSIGN_OR_RETURN(const auto rows, Query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1", {name}));
    return !rows.empty();
  }

  Result<int> Change(const std::string& sql, const std::vector<Value>& parameters) override {
    RETURN_IF_ERROR(Query(sql, parameters));
    return sqlite3_changes(database_.get());
  }

  // IMMEDIATE takes the write lock at once, waiting up to the busy timeout.
  Status Begin() override { return Run("BEGIN IMMEDIATE"); }

  Status Commit() override {
    Status committed = Run("COMMIT");
    if (committed.ok() || sqlite3_get_autocommit(database_.get()) == 0) return committed;  // Kept open: not committed.
    Error unknown = std::move(committed).error();
    unknown.kind = ErrorKind::kOutcomeUnknown;
    return unknown;
  }

  // A failed statement may have ended the transaction by itself.
  void Rollback() override {
    if (sqlite3_get_autocommit(database_.get()) == 0) static_cast<void>(Run("ROLLBACK").ok());
  }

  Status Run(const char* sql) {
    return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK ? Ok() : Status(SqliteError(database_.get(), "using"));
  }

 private:
  // Taken back to its beginning when it has run, so that it holds no lock.
  using Running = std::unique_ptr<sqlite3_stmt, FreeWith<sqlite3_reset>>;

  Result<sqlite3_stmt*> Prepared(const std::string& sql) {
    if (const auto known = statements_.find(sql); known != statements_.end()) return known->second.get();
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &made, nullptr) != SQLITE_OK) return SqliteError(database_.get(), "using");
    if (statements_.size() >= kStatementsMax) statements_.clear();
    statements_.emplace(sql, Statement(made));
    return made;
  }

  Result<Running> Bind(const std::string& sql, const std::vector<Value>& parameters) {
    ASSIGN_OR_RETURN(sqlite3_stmt* const made, Prepared(sql));
    Running statement(made);
    sqlite3_clear_bindings(made);
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (!parameters[i]) continue;  // Unbound is NULL.
      const int place = sqlite3_bind_parameter_index(made, fmt::format("${}", i + 1).c_str());
      if (sqlite3_bind_text(made, place, parameters[i]->data(), static_cast<int>(parameters[i]->size()), SQLITE_TRANSIENT) != SQLITE_OK)
        return SqliteError(database_.get(), "using");
    }
    return statement;
  }

  static Value ValueAt(sqlite3_stmt* statement, int column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    if (text == nullptr) return std::nullopt;
    return std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement, column)));
  }

  static constexpr size_t kStatementsMax = 64;

  Handle database_;
  std::map<std::string, Statement> statements_;  // By their text; before the database is closed they go.
};

// As a path inside of a URI: what has a meaning there is escaped.
std::string FileUri(const std::string& path, std::string_view query) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    else uri += c;
  }
  return uri + std::string(query);
}

Result<std::unique_ptr<SqliteDatabase>> OpenExisting(const std::string& name, int flags, int busy_timeout_ms) {
  sqlite3* opened = nullptr;
  const int done = sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_FULLMUTEX, nullptr);
  Handle handle(opened);
  if (done != SQLITE_OK) return SqliteError(opened, "opening");
  sqlite3_busy_timeout(opened, busy_timeout_ms);
  auto database = std::make_unique<SqliteDatabase>(std::move(handle));
  RETURN_IF_ERROR(database->Run("PRAGMA query_only = ON; SELECT count(*) FROM sqlite_master;"));
  return database;
}

}  // namespace

// A reader of a file in WAL mode needs the files beside it, which it may have to make; of two that may write, the last one takes them
// away again. Who may not write there reads the file alone, which is whole as long as nobody has a log beside it.
Result<std::unique_ptr<CatalogDatabase>> OpenSqliteToRead(const std::string& path, int busy_timeout_ms) {
  Result<std::unique_ptr<SqliteDatabase>> database = OpenExisting(path, SQLITE_OPEN_READWRITE, busy_timeout_ms);
  const bool logged = access((path + "-wal").c_str(), F_OK) == 0;
  if (!database.ok() && database.error().code == slu::kStoragePermission && !logged)
    database = OpenExisting(FileUri(path, "?immutable=1"), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, busy_timeout_ms);
  if (!database.ok()) return database.error();
  return std::unique_ptr<CatalogDatabase>(std::move(*database));
}

Result<std::unique_ptr<CatalogDatabase>> OpenSqliteDatabase(const std::string& path, int busy_timeout_ms) {
  sqlite3* opened = nullptr;
  const int done = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  Handle handle(opened);
  if (done != SQLITE_OK) return SqliteError(opened, "opening");
  sqlite3_busy_timeout(opened, busy_timeout_ms);
  auto database = std::make_unique<SqliteDatabase>(std::move(handle));
  RETURN_IF_ERROR(database->Run(kSettings));
  return std::unique_ptr<CatalogDatabase>(std::move(database));
}

}  // namespace sluice

#include "catalog/sqlite_database.h"

#include <fmt/format.h>

#include <utility>

#include "observability/error_catalog.h"

namespace sluice {

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

Result<SqliteStatement> SqliteStatement::Prepare(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) !=
      SQLITE_OK)
    return SqliteError(database, "using");
  return SqliteStatement(database, Handle(statement));
}

SqliteStatement& SqliteStatement::Bind(const std::optional<std::string>& value) {
  ++bound_;
  // A failed bind leaves NULL, which no statement of ours takes for a match; memory alone can make
  // it fail.
  if (value)
    sqlite3_bind_text(handle_.get(), bound_, value->data(), static_cast<int>(value->size()),
                      SQLITE_TRANSIENT);
  else
    sqlite3_bind_null(handle_.get(), bound_);
  return *this;
}

Result<bool> SqliteStatement::Next() {
  switch (sqlite3_step(handle_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return SqliteError(database_, "using");
  }
}

Result<int> SqliteStatement::Run() {
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, Next());
    if (!more) return sqlite3_changes(database_);
  }
}

std::string SqliteStatement::Text(int column) const { return OptionalText(column).value_or(""); }

std::optional<std::string> SqliteStatement::OptionalText(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (!text) return std::nullopt;
  return std::string(text, static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column)));
}

Status RunSql(sqlite3* database, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return SqliteError(database, "using");
  return Ok();
}

Result<SqliteTransaction> SqliteTransaction::Begin(sqlite3* database) {
  RETURN_IF_ERROR(RunSql(database, "BEGIN IMMEDIATE"));
  return SqliteTransaction(database);
}

SqliteTransaction::~SqliteTransaction() {
  // A failed statement may have ended the transaction by itself.
  if (database_ && sqlite3_get_autocommit(database_) == 0)
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Status SqliteTransaction::Commit() {
  RETURN_IF_ERROR(RunSql(database_, "COMMIT"));
  database_ = nullptr;
  return Ok();
}

}  // namespace sluice

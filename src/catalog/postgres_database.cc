#include "catalog/postgres_database.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "observability/error_catalog.h"
#include "postgres/connection.h"

namespace sluice {
namespace {

// The tables are where the role's or the DSN's search_path says, as for other readers of the catalog. A commit of somebody
// who is stuck must not hold us for ever.
constexpr const char* kSession = "RESET search_path; SET SESSION lock_timeout = '30s'";
constexpr const char* kReadOnly = "SET SESSION default_transaction_read_only = on";
constexpr const char* kLock = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('sluice catalog ' || $1, 0))";

class PostgresDatabase final : public CatalogDatabase {
 public:
  PostgresDatabase(std::string dsn, std::string catalog_name, CatalogAccess access) : dsn_(std::move(dsn)), catalog_name_(std::move(catalog_name)), access_(access) {}

  Status Connect() {
    if (connection_) return Ok();
    ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(dsn_, {.application_name = "sluice catalog"}));
    RETURN_IF_ERROR(connection.Execute(kSession));
    if (access_ == CatalogAccess::kRead) RETURN_IF_ERROR(connection.Execute(kReadOnly));
    connection_.emplace(std::move(connection));
    return Ok();
  }

  Result<std::vector<Row>> Query(const std::string& sql, const std::vector<Value>& parameters) override {
    ASSIGN_OR_RETURN(const PgResult result, Run(sql, parameters));
    std::vector<Row> rows(static_cast<size_t>(PQntuples(result.get())));
    for (int row = 0; row < PQntuples(result.get()); ++row)
      for (int column = 0; column < PQnfields(result.get()); ++column)
        rows[static_cast<size_t>(row)].push_back(IsNull(result, row, column) ? Value() : Value(std::string(Field(result, row, column))));
    return rows;
  }

  Result<bool> HasTable(const std::string& name) override {
    ASSIGN_OR_RETURN(const auto rows, Query("SELECT pg_catalog.to_regclass(pg_catalog.quote_ident($1)) IS NOT NULL", {name}));
    return !rows.empty() && rows.front().front() == "t";
  }

  Result<int> Change(const std::string& sql, const std::vector<Value>& parameters) override {
    ASSIGN_OR_RETURN(const PgResult result, Run(sql, parameters));
    const std::string_view changed = PQcmdTuples(result.get());
    int rows = 0;
    std::from_chars(changed.data(), changed.data() + changed.size(), rows);
    return rows;
  }

  // Whoever holds the lock has not ended, also if its connection broke: nothing of it can come later.
  Status Begin() override {
    RETURN_IF_ERROR(Run("BEGIN", {}));
    in_transaction_ = true;
    const auto locked = Run(kLock, {catalog_name_});
    if (locked.ok()) return Ok();
    Rollback();
    return locked.error();
  }

  Status Commit() override {
    const auto committed = Run("COMMIT", {});
    in_transaction_ = false;
    if (committed.ok()) return Ok();
    Error error = committed.error();
    if (!connection_) error.kind = ErrorKind::kOutcomeUnknown;  // The reply is what was lost, perhaps.
    return error;
  }

  void Rollback() override {
    if (std::exchange(in_transaction_, false) && connection_) static_cast<void>(Run("ROLLBACK", {}).ok());
  }

 private:
  // A connection that was idle may be gone since; outside of a transaction nothing is lost with it.
  Result<PgResult> Run(const std::string& sql, const std::vector<Value>& parameters) {
    const bool known = connection_.has_value();
    auto result = RunOnce(sql, parameters);
    return result.ok() || in_transaction_ || !known || connection_ ? std::move(result) : RunOnce(sql, parameters);
  }

  Result<PgResult> RunOnce(const std::string& sql, const std::vector<Value>& parameters) {
    if (in_transaction_ && !connection_) return Error{ErrorKind::kUnavailable, "the connection to the lake's catalog was lost", slu::kCatalogFailed};
    RETURN_IF_ERROR(Connect());
    auto result = parameters.empty() ? connection_->Execute(sql) : connection_->Execute(sql, parameters);
    if (result.ok()) return result;
    Error error = std::move(result).error();
    if (PQstatus(connection_->get()) != CONNECTION_OK || error.sql_state.empty() || error.sql_state.starts_with("57P")) connection_.reset();
    error.message = fmt::format("using the lake's catalog: {}", error.message);
    if (error.code == 0) error.code = slu::kCatalogFailed;
    return error;
  }

  const std::string dsn_;
  const std::string catalog_name_;
  const CatalogAccess access_;
  std::optional<PgConnection> connection_;
  bool in_transaction_ = false;
};

}  // namespace

Result<std::unique_ptr<CatalogDatabase>> OpenPostgresDatabase(const std::string& dsn, const std::string& catalog_name, CatalogAccess access) {
  auto database = std::make_unique<PostgresDatabase>(dsn, catalog_name, access);
  RETURN_IF_ERROR(database->Connect());
  return std::unique_ptr<CatalogDatabase>(std::move(database));
}

}  // namespace sluice

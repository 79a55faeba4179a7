#pragma once
// What a catalog asks of the database that it is kept in. All values are texts.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sluice {

/// Not thread-safe. Errors of all calls: kUnavailable, kNeedsOperator, kCorrupt.
class CatalogDatabase {
 public:
  using Value = std::optional<std::string>;  ///< nullopt: NULL.
  using Row = std::vector<Value>;

  virtual ~CatalogDatabase() = default;

  /// Parameters are $1, $2, …
  virtual Result<std::vector<Row>> Query(const std::string& sql, const std::vector<Value>& parameters = {}) = 0;
  virtual Result<bool> HasTable(const std::string& name) = 0;
  /// The number of rows that it changed.
  virtual Result<int> Change(const std::string& sql, const std::vector<Value>& parameters = {}) = 0;

  /// A transaction that no other of this catalog runs beside, and that begins when the one before has certainly ended.
  virtual Status Begin() = 0;
  /// Error: kOutcomeUnknown (look in a new transaction), anything else: nothing happened.
  virtual Status Commit() = 0;
  /// Nothing, where no transaction is open.
  virtual void Rollback() = 0;
};

/// Rolls back unless committed.
class CatalogTransaction {
 public:
  static Result<CatalogTransaction> Begin(CatalogDatabase& database) {
    RETURN_IF_ERROR(database.Begin());
    return CatalogTransaction(database);
  }
  CatalogTransaction(CatalogTransaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  CatalogTransaction& operator=(CatalogTransaction&&) = delete;
  ~CatalogTransaction() {
    if (database_ != nullptr) database_->Rollback();
  }

  Status Commit() {
    RETURN_IF_ERROR(database_->Commit());
    database_ = nullptr;
    return Ok();
  }

 private:
  explicit CatalogTransaction(CatalogDatabase& database) : database_(&database) {}

  CatalogDatabase* database_;  // nullptr once it has ended.
};

}  // namespace sluice

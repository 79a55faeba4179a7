#pragma once
// Values out of DuckDB's vectors as text, or as JSON.

#include <duckdb.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "duckdb/library.h"

namespace sluice {

/// Prints the values of one type. Not thread-safe.
class ValuePrinter {
 public:
  explicit ValuePrinter(const DuckDbLibrary& duckdb) : duckdb_(duckdb) {}
  virtual ~ValuePrinter() = default;

  /// Appends the row's value, which is not null, as PostgreSQL would print it; of a list, struct or map its JSON.
  virtual void Text(duckdb_vector vector, idx_t row, std::string& out) = 0;
  /// Appends it as JSON: numbers bare unless JSON has no such number, the rest as strings, arrays and objects.
  virtual void Json(duckdb_vector vector, idx_t row, std::string& out);
  /// Whether a table aligns it at the right.
  virtual bool is_number() const { return false; }

 protected:
  const DuckDbLibrary& duckdb_;
};

/// `type`: its owner from then on. Error: kNeedsOperator (4162) for a type that is not printed: it must be cast.
Result<std::unique_ptr<ValuePrinter>> MakeValuePrinter(const DuckDbLibrary& duckdb, duckdb_logical_type type);

/// In quotes and escaped; bytes that are no UTF-8 become U+FFFD.
void AppendJsonText(std::string_view text, std::string& out);

}  // namespace sluice

#pragma once
// Rows that are not in a file yet, as Arrow columns.

#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "change/lsn.h"
#include "sink/lake/cell.h"
#include "sink/lake/lake_schema.h"

namespace arrow {
class Array;
class ArrayBuilder;
class DataType;
}  // namespace arrow

namespace sluice {

/// What sluice adds to a row.
struct RowStamp {
  Timestamp ingested_at{};
  Timestamp committed_at{};
  Lsn lsn;
};

using Columns = std::vector<std::shared_ptr<arrow::Array>>;

/// The same values under a type that is stored alike: extension types and what they are stored as, also inside lists.
std::shared_ptr<arrow::Array> AsType(const std::shared_ptr<arrow::Array>& array, const std::shared_ptr<arrow::DataType>& type);

/// Not thread-safe.
class ColumnBuffer {
 public:
  explicit ColumnBuffer(LakeSchemaPtr schema);
  ~ColumnBuffer();

  /// `cells`: one per source column, of the types that the schema says.
  void Append(std::span<const Cell> cells, const RowStamp& stamp);

  /// Where rows are appended column by column: the builder of a column of the source. All must have got as many rows before Appended is called.
  arrow::ArrayBuilder& column(size_t number);
  /// So many rows were appended to each of them; `bytes`: about what they take.
  void Appended(int64_t rows, size_t bytes, const RowStamp& stamp);

  /// The rows so far, one array per column of the lake's schema; the buffer is empty then.
  Columns Finish();

  int64_t rows() const { return rows_; }
  /// About what the rows take in memory.
  size_t size_bytes() const { return size_bytes_; }
  const LakeSchema& schema() const { return *schema_; }

 private:
  struct Column;
  static constexpr int64_t kWorthReserving = 1024;

  void Reserve();

  const LakeSchemaPtr schema_;
  std::vector<Column> columns_;
  int64_t rows_ = 0;
  int64_t rows_before_ = 0;  ///< When it was finished last.
  size_t size_bytes_ = 0;
};

}  // namespace sluice

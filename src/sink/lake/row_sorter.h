#pragma once
// The order of rows within the files of a table.

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "iceberg/partition_spec.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/lake_schema.h"

namespace sluice {

/// What the configuration says for one table.
const std::vector<SortFieldConfig>& SortConfigOf(const LakeConfig& config, const TableName& table);

/// The order that the configuration asks for. "_ingested_at" means sluice's own column, whatever it had to be named.
/// Error: kNeedsOperator (4105) if a column is missing or has no order.
Result<iceberg::SortOrder> MakeSortOrder(const std::vector<SortFieldConfig>& fields, const LakeSchema& schema);
Result<iceberg::SortOrder> MakeSortOrder(const std::vector<SortFieldConfig>& fields, const TableName& table, const iceberg::Schema& schema, size_t ingested_at);

/// Collects what rows are sorted by, and says their order. Compares as Iceberg says: texts by bytes, -0 before 0, NaN last.
class RowSorter {
 public:
  /// `order`: not empty, by columns of the schema.
  RowSorter(const iceberg::SortOrder& order, const iceberg::Schema& schema);

  /// Where in the schema the columns are that it sorts by.
  const std::vector<size_t>& columns() const { return columns_; }
  /// Adds rows: the columns at columns(). All, or those at `rows`.
  void Add(const Columns& keys, std::span<const int64_t> rows = {});

  int64_t rows() const { return rows_; }
  /// The numbers of the rows that were added, in order; equal ones stay as they came. Empty: all were in order.
  std::vector<int64_t> Order() const;

 private:
  struct Text {
    std::string_view value;
    bool is_null = false;
  };
  struct Key {
    const iceberg::Type* type;
    bool ascending, nulls_first;
    // One of both has an element for each row. Of numbers null and direction are in the number already.
    std::vector<__int128> numbers;
    std::vector<Text> texts;
  };

  bool Less(int64_t a, int64_t b) const;

  std::vector<size_t> columns_;
  std::vector<Key> keys_;
  std::vector<std::shared_ptr<arrow::Array>> held_;  // What texts point into.
  int64_t rows_ = 0;
};

/// Puts row numbers of `columns` (of the whole schema) in order; empty stands for all in theirs, and stays so where that is the order.
void SortRows(const iceberg::SortOrder& order, const iceberg::Schema& schema, const Columns& columns, std::vector<int64_t>& rows);

}  // namespace sluice

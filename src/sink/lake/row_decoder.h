#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "change/table_schema.h"
#include "sink/lake/cell.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/value_decoder.h"

namespace sluice {

/// Turns tuples of one table into cells, one per source column. Not thread-safe.
class RowDecoder {
 public:
  explicit RowDecoder(const LakeSchema& schema);
  /// For columns as MapType maps them where no reader needs anything.
  explicit RowDecoder(const TableSchema& schema);

  /// A tuple that MeasureTuple accepted. A column that the tuple says is unchanged keeps its cell from the call
  /// before: decode the full old tuple first to fill those. Error: kCorrupt, naming the column.
  Status DecodeTuple(const std::byte* tuple);

  /// The next row of binary COPY. Error: kCorrupt.
  Status DecodeCopyRow(ByteReader& reader);

  /// The next rows of binary COPY, at most `count`, to the end of the buffer; how many: as are decoded together well, at least one.
  /// Error: kCorrupt, and the buffer is of no use any more.
  Result<size_t> DecodeCopyRows(ByteReader& reader, size_t count, const RowStamp& stamp, ColumnBuffer& buffer);

  /// Forgets all cells: unchanged columns of the next tuple become null.
  void Reset();

  /// Valid until the next row is decoded, and as long as that row's bytes.
  std::span<const Cell> cells() const { return cells_; }
  /// Columns of the last tuple that it says are unchanged, ascending.
  std::span<const uint32_t> unchanged() const { return unchanged_; }

  /// Per column; taking them resets them.
  std::vector<PolicyCounts> TakeCounts();

 private:
  Error Malformed(size_t column) const;

  const TableSchema& schema_;  // Of the caller.
  std::vector<std::unique_ptr<ValueDecoder>> decoders_;
  std::vector<Cell> cells_;
  std::vector<uint32_t> unchanged_;
  std::vector<PolicyCounts> counts_;
  std::vector<Bytes> values_;  // Of some rows, column after column.
};

}  // namespace sluice

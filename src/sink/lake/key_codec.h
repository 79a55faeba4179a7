#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sink/lake/cell.h"
#include "sink/lake/lake_schema.h"

namespace sluice {

/// What identifies a row. A key of one column of at most eight bytes is itself (no collisions); any other is the
/// 128-bit hash of its cells.
struct RowKey {
  uint64_t low = 0;
  uint64_t high = 0;  ///< 0 in narrow keys.

  bool operator==(const RowKey&) const = default;
};

/// Makes keys out of cells, whether those come from the wire or from Parquet. Not thread-safe.
class KeyCodec {
 public:
  /// Without key columns the whole row is the key.
  explicit KeyCodec(const LakeSchema& schema);

  bool narrow() const { return narrow_; }
  /// Indexes into the lake schema's columns, ascending where the key is the whole row.
  std::span<const size_t> columns() const { return columns_; }

  /// `cells`: one per source column.
  RowKey Encode(std::span<const Cell> cells);
  /// `cells`: one per column of columns().
  RowKey EncodeKeyCells(std::span<const Cell> cells);

 private:
  std::vector<size_t> columns_;
  bool narrow_ = false;
  bool single_ = false;  ///< One column that is never null.
  std::string canonical_;
};

/// XXH3, 128 bits.
RowKey HashOf(std::string_view bytes);

}  // namespace sluice

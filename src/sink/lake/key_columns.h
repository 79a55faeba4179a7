#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sink/lake/cell_reader.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/key_codec.h"

namespace sluice {

/// Makes keys out of the key columns of a file, column by column where types are common. Not thread-safe.
class KeyColumns {
 public:
  explicit KeyColumns(const KeyCodec& codec) : codec_(codec), readers_(codec.columns().size()), cells_(codec.columns().size()) {}

  /// The keys of the rows from `first` on, one per key. `columns`: as codec.columns(); they are what EncodeKeyCells makes of
  /// their cells.
  void Encode(const Columns& columns, int64_t first, std::span<RowKey> keys);

 private:
  KeyCodec codec_;
  std::vector<CellReader> readers_;
  std::vector<Cell> cells_;
};

}  // namespace sluice

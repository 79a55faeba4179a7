#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sink/lake/column_buffer.h"

namespace sluice {

/// Rows that come in any order and make a part of a file.
class SortedPart {
 public:
  /// `places`: in the file, of each row.
  void Add(Columns columns, std::vector<uint32_t> places);
  /// Drops the rows from this place on.
  Status KeepBelow(uint32_t end);
  /// Of Arrow's buffers.
  int64_t bytes() const { return bytes_; }

  /// The rows from `begin` to `end`. Called once. Error: kCorrupt unless these and no others were added.
  Result<Columns> InOrder(uint32_t begin, uint32_t end);

 private:
  struct Piece {
    Columns columns;
    std::vector<uint32_t> places;
    int64_t bytes = 0;
  };

  std::vector<Piece> pieces_;
  int64_t bytes_ = 0;
};

}  // namespace sluice

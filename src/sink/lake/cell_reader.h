#pragma once

#include <deque>
#include <string>
#include <vector>

#include "sink/lake/cell.h"

namespace arrow {
class Array;
}

namespace sluice {

/// Reads cells back out of Arrow columns, the same cells that went in. Not thread-safe.
class CellReader {
 public:
  /// `cell` is valid until the next call and as long as `array`.
  void Read(const arrow::Array& array, int64_t row, Cell& cell);

 private:
  std::vector<Cell> items_;
};

}  // namespace sluice

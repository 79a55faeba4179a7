#pragma once
// Where the rows of a file went that were put into another order.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "sink/lake/index_file.h"

namespace sluice {

class RowPlaces;
using RowPlacesPtr = std::shared_ptr<const RowPlaces>;

/// One number for each row, in its old order. Few are kept in memory, more in a file, as the key index is. Thread-safe.
class RowPlaces {
 public:
  /// Error: as IndexFile.
  static Result<RowPlacesPtr> Make(std::span<const uint32_t> places, const std::string& folder);

  uint32_t operator[](uint32_t row) const { return begin_[row]; }
  size_t size() const { return size_; }

 private:
  std::vector<uint32_t> held_;
  FileMapping mapped_;
  const uint32_t* begin_ = nullptr;
  size_t size_ = 0;
};

}  // namespace sluice

#pragma once
// Values that an update did not send because they didn't change (TOAST): where the old version has them, and how
// they get into the new version when it is written.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/row_location.h"
#include "storage/object_store.h"

namespace sluice {

/// Speaks of the rows of one open buffer, to which the new versions belong.
class UnchangedValues {
 public:
  /// The value of `column` in open row `row` is that of the row at `old`, in a file or in the same buffer.
  void Note(uint32_t column, uint32_t row, RowLocation old);

  /// Puts the values into `columns`, which hold the open rows with nulls instead. Reads only the columns and row
  /// groups of old files that are needed. `path_of`: a file's URI.
  Status Fill(ObjectStore& store, const LakeSchema& schema, const std::function<std::string(uint32_t file)>& path_of,
              Columns& columns);

  void Clear() { by_column_.clear(); count_ = 0; }
  /// About what the values will take in memory, by what those of the last fill took.
  size_t size_bytes() const { return count_ * bytes_per_value_; }

 private:
  using Rows = std::unordered_map<uint32_t, RowLocation>;  // Open row → where the value is, never through another entry.

  std::map<uint32_t, Rows> by_column_;
  size_t count_ = 0;
  size_t bytes_per_value_ = 16 << 10;
};

}  // namespace sluice

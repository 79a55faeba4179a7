#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "iceberg/literal.h"

namespace sluice::iceberg {

enum class FileContent { kData = 0, kPositionDeletes = 1, kEqualityDeletes = 2 };

/// Per leaf field id, ascending.
using CountById = std::vector<std::pair<int32_t, int64_t>>;
using BoundById = std::vector<std::pair<int32_t, std::string>>;

/// A data file or delete file as a manifest describes it. Empty lists (not maps) are written as
/// null.
struct DataFile {
  FileContent content = FileContent::kData;
  std::string path;  ///< Absolute URI.
  std::string format = "PARQUET";
  int32_t spec_id = 0;
  PartitionTuple partition;  ///< Of a delete file: the partition of the data files it speaks of.
  int64_t record_count = 0;
  int64_t file_size_bytes = 0;  ///< Exact: readers find the footer by it.
  CountById column_sizes;       ///< Compressed bytes.
  CountById value_counts;       ///< Nulls and NaNs included.
  CountById null_value_counts;
  CountById nan_value_counts;
  BoundById lower_bounds;  ///< EncodeBound of the lowest value, or below it.
  BoundById upper_bounds;
  std::optional<std::string> key_metadata;
  std::vector<int64_t> split_offsets;
  std::vector<int32_t> equality_ids;
  std::optional<int32_t> sort_order_id;
  std::optional<int64_t> first_row_id;  ///< Format 3.
  std::optional<std::string>
      referenced_data_file;                   ///< Of a delete file that speaks of one data file.
  std::optional<int64_t> content_offset;      ///< Format 3, deletion vectors.
  std::optional<int64_t> content_size_bytes;  ///< Format 3, deletion vectors.

  bool is_vector() const { return content == FileContent::kPositionDeletes && format == "PUFFIN"; }
  bool operator==(const DataFile&) const = default;
};

}  // namespace sluice::iceberg

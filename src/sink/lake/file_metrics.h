#pragma once

#include <map>
#include <memory>

#include "iceberg/data_file.h"

namespace arrow {
class Schema;
}
namespace parquet {
class FileMetaData;
}

namespace sluice {

/// NaNs per field id, counted while writing: Parquet's statistics leave them out.
using NanCounts = std::map<int32_t, int64_t>;

/// What Iceberg wants to know of a Parquet file's columns: sizes, counts, and bounds for columns outside of
/// lists, truncated to 16 characters or bytes.
void FillMetrics(const parquet::FileMetaData& parquet, const arrow::Schema& schema, const NanCounts& nans,
                 iceberg::DataFile& file);

}  // namespace sluice

#pragma once

#include <vector>

#include "sink/lake/table_writer.h"

namespace sluice {

/// Deleted rows of one data file.
struct FileDeletes {
  std::string path;
  int32_t spec_id = 0;
  const iceberg::PartitionTuple* partition = nullptr;
  const Roaring* rows = nullptr;  ///< At least one.
};

/// Writes one delete file per partition that is touched. `spec`: the one that new files are written by.
Result<std::vector<iceberg::DataFile>> WriteDeletesByPartition(const LakeContext& context, const iceberg::Schema& schema, const iceberg::PartitionSpec& spec,
                                                               const std::string& location, const std::vector<FileDeletes>& files);

}  // namespace sluice

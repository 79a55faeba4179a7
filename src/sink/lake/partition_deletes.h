#pragma once
// Deletes of rows, as the table's format has them: files of positions in format 2, deletion vectors in format 3.

#include <vector>

#include "sink/lake/table_writer.h"

namespace sluice {

/// Deleted rows of one data file.
struct FileDeletes {
  std::string path;
  int32_t spec_id = 0;
  const iceberg::PartitionTuple* partition = nullptr;
  const Roaring* rows = nullptr;  ///< At least one. A vector takes the place of the file's earlier deletes, so all of them.
};

/// Writes one file of positions for each partition that is touched, or one vector for each data file.
Result<std::vector<iceberg::DataFile>> WriteDeletesByPartition(const LakeContext& context, const TableLayout& layout, const iceberg::Schema& schema,
                                                               const std::vector<FileDeletes>& files);

/// Adds the rows that a delete file names to those of each data file's path. Error: kCorrupt, and as ObjectStore.
Status ReadDeletes(ObjectStore& store, const iceberg::DataFile& deletes, std::unordered_map<std::string, Roaring>& rows);

}  // namespace sluice

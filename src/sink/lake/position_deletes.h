#pragma once
// Position delete files of format 2, and the rows of each data file that are deleted.

#include <roaring/roaring.hh>

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "iceberg/data_file.h"
#include "iceberg/deletion_vector.h"
#include "sink/lake/data_file_writer.h"
#include "storage/object_store.h"

namespace sluice {

/// Writes one delete file, sorted by path and position, for data files of one partition. `files` in the order of
/// their paths, each with at least one row.
Result<iceberg::DataFile> WritePositionDeletes(ObjectStore& store, const std::string& uri, std::span<const iceberg::DeletedRows> files,
                                               const ParquetOptions& options);

/// Adds the rows that a delete file names to those of each path. Error: kCorrupt, and as ObjectStore.
Status ReadPositionDeletes(ObjectStore& store, const std::string& uri, std::unordered_map<std::string, Roaring>& rows);

}  // namespace sluice

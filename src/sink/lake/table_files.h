#pragma once
// The data files of one table that the key index speaks of, and their rows that are deleted.

#include <roaring/roaring.hh>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "iceberg/data_file.h"
#include "iceberg/manifest_list.h"
#include "iceberg/table_scan.h"
#include "storage/object_store.h"

namespace sluice {

struct TableFile {
  std::string path;
  int32_t spec_id = 0;
  iceberg::PartitionTuple partition;
  int64_t rows = 0;
  bool committed = false;
  Roaring committed_deletes;
  Roaring new_deletes;        ///< Since the last commit.
  int64_t deleted_count = 0;  ///< Of both kinds.
  bool removed = false;       ///< All rows are deleted, and a commit said so.
};

/// Appends the live files of a snapshot with their deletes to `files`.
Status LoadTableFiles(ObjectStore& store, iceberg::ManifestReader& reader, const std::vector<iceberg::ManifestFile>& manifests,
                      std::vector<TableFile>& files);

}  // namespace sluice

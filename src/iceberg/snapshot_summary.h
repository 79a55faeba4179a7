#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "iceberg/data_file.h"
#include "iceberg/snapshot.h"

namespace sluice::iceberg {

/// Counts what a commit adds and removes, for the summary of its snapshot.
class SnapshotSummary {
 public:
  void Add(const DataFile& file);
  void Remove(const DataFile& file);

  struct ManifestCounts {
    size_t created = 0;
    size_t kept = 0;
    size_t replaced = 0;
  };

  /// The whole summary. Totals go on from `previous` (nullptr: the first snapshot); a total that
  /// isn't known there stays away. `keeps_rows`: the operation is `replace`.
  Properties Build(const Snapshot* previous, bool keeps_rows,
                   const ManifestCounts& manifests) const;

 private:
  struct Counts {
    int64_t data_files = 0;
    int64_t delete_files = 0;
    int64_t position_delete_files = 0;
    int64_t equality_delete_files = 0;
    int64_t deletion_vectors = 0;
    int64_t records = 0;
    int64_t position_deletes = 0;
    int64_t equality_deletes = 0;
    int64_t files_size = 0;

    void Count(const DataFile& file);
  };

  const char* Operation(bool keeps_rows) const;

  Counts added_;
  Counts removed_;
  std::set<std::string> partitions_;  // Changed ones, by an unambiguous text.
};

}  // namespace sluice::iceberg

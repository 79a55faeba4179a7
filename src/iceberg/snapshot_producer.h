#pragma once
// Plans a commit: which files to write and which updates to send. Reads manifests only where one
// must be rewritten; does nothing else. The caller then writes the files durably, in order, and
// commits the updates.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "iceberg/manifest_cache.h"
#include "iceberg/manifest_list.h"
#include "iceberg/table_metadata.h"
#include "iceberg/table_update.h"
#include "storage/object_store.h"

namespace sluice::iceberg {

/// What a commit does to a table's files. All that is removed must be live in the base.
struct TableChange {
  std::vector<DataFile> added_files;  ///< Data and delete files; content and spec_id tell which.
  std::vector<std::string> removed_data_files;    ///< Paths.
  std::vector<std::string> removed_delete_files;  ///< Paths.
  std::vector<std::string> removed_vectors;       ///< Paths of the data files they speak of.
  bool remove_everything = false;  ///< All files of the base, before added_files: TRUNCATE.
  bool keeps_rows = false;         ///< Compaction: the snapshot's operation becomes `replace`.
  Properties summary;              ///< Goes into the snapshot's summary as it is.
};

struct CommitPolicy {
  /// As many manifests of about one size (within this factor by files), spec and content are merged
  /// into one. At least 2.
  int32_t manifests_to_merge = 10;
  int64_t manifest_size_bytes_target = 8 << 20;  ///< Larger ones are not merged.
  int32_t files_per_manifest_max = 20'000;
  /// The newest ones on each branch; tags always stay.
  int32_t snapshots_to_keep = 100;
  /// Snapshots are expired so many at a time, to spread the cost.
  int32_t snapshots_to_expire_min = 1;
};

/// What makes one attempt unlike every other.
struct CommitAttempt {
  int64_t snapshot_id = 0;  ///< Positive, not in use: see NewSnapshotId.
  std::string commit_uuid;
  int32_t attempt = 1;
  int64_t timestamp_ms = 0;  ///< Raised to the base's last update where it is lower.
};

struct CommitPlan {
  std::vector<ObjectBytes> files;  ///< To be made durable before the commit, in this order.
  std::vector<TableRequirement> requirements;
  std::vector<TableUpdate> updates;
  int64_t snapshot_id = 0;
  ManifestFiles manifests;  ///< Of the new snapshot: the base of the next commit.
  std::vector<std::pair<std::string, ManifestEntries>>
      written_manifests;      ///< By URI: for ManifestCache.
  std::string manifest_list;  ///< Its URI.
  /// What no snapshot reaches any more once the commit has succeeded: manifest lists, manifests,
  /// data and delete files. To be deleted after a time in which readers may still use it.
  std::vector<std::string> unreachable;
};

/// `base_manifests`: of the base's current snapshot; empty where it has none.
/// Error: kConflict if a file to be removed isn't live; what `reader` returns.
Result<CommitPlan> PlanCommit(const TableMetadata& base,
                              const std::vector<ManifestFile>& base_manifests,
                              const TableChange& change, const CommitPolicy& policy,
                              const CommitAttempt& attempt, ManifestReader& reader);

/// A random positive id that `metadata` doesn't use.
int64_t NewSnapshotId(const TableMetadata& metadata);

/// A random UUID (version 4) in its text form.
std::string NewUuid();

/// The manifests of the current snapshot; none in an empty table.
Result<ManifestFiles> CurrentManifests(const TableMetadata& metadata, ManifestReader& reader);

/// The value that the nearest ancestor of the current snapshot (itself first) carries under `key`
/// in its summary.
std::optional<std::string> FindInSummaries(const TableMetadata& metadata, std::string_view key);

}  // namespace sluice::iceberg

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "iceberg/manifest_cache.h"
#include "iceberg/table_metadata.h"

namespace sluice::iceberg {

/// The snapshots of `metadata` that may go, oldest first: not referenced and not among the `keep`
/// newest ancestors of a branch's head.
std::vector<int64_t> SnapshotsToExpire(const TableMetadata& metadata, int32_t keep);

/// A snapshot that isn't in the metadata yet, with its manifests: what a commit adds.
struct NewSnapshot {
  const Snapshot* snapshot = nullptr;
  ManifestFiles manifests;
};

/// What only the `expired` snapshots reach: their manifest lists, manifests, and the files live in
/// those. `latest` counts as kept. Reads the manifest lists of expired snapshots and, where history
/// is a line, of the oldest kept one only: a manifest that has left a line never comes back, and so
/// it is with files.
Result<std::vector<std::string>> FindUnreachable(const TableMetadata& metadata,
                                                 const std::vector<int64_t>& expired,
                                                 const NewSnapshot& latest, ManifestReader& reader);

}  // namespace sluice::iceberg

#pragma once

#include <cstdint>

#include "base/result.h"
#include "iceberg/manifest_cache.h"
#include "iceberg/table_metadata.h"

namespace sluice {

/// Data and delete files that only tags keep: without them they would have gone with their snapshots.
struct TagCost {
  int64_t snapshots = 0, files = 0, bytes = 0;
};

/// `snapshots_kept`: so many of the newest stay without a tag. Reads the manifests of all snapshots, where a tag costs anything.
/// Error: as ManifestReader.
Result<TagCost> FindTagCost(const iceberg::TableMetadata& metadata, int32_t snapshots_kept, iceberg::ManifestReader& reader);

}  // namespace sluice

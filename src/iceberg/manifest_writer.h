#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_list.h"
#include "iceberg/table_metadata.h"
#include "storage/object_store.h"

namespace sluice::iceberg {

/// What all manifests of one commit share.
struct ManifestWriterOptions {
  const TableMetadata& metadata;
  const Schema& schema;
  std::string commit_uuid;
  int64_t snapshot_id = 0;
  int64_t sequence_number = 0;
};

/// A manifest that was made: its bytes, its line in the manifest list, and its entries with all
/// they inherit.
struct WrittenManifest {
  ObjectBytes object;
  ManifestFile file;
  ManifestEntries entries;
};

/// Makes the manifests of one commit. Pure; counts their names.
class ManifestWriter {
 public:
  explicit ManifestWriter(ManifestWriterOptions options) : options_(std::move(options)) {}

  /// `entries`: of this commit where added or deleted; existing ones carry their numbers. Not
  /// empty.
  Result<WrittenManifest> Write(int32_t spec_id, ManifestContent content,
                                std::vector<ManifestEntry> entries);

  int32_t count() const { return count_; }

 private:
  const ManifestWriterOptions options_;
  int32_t count_ = 0;
};

}  // namespace sluice::iceberg

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iceberg/manifest.h"

namespace sluice::iceberg {

/// Over all live and deleted files of a manifest, for one partition field.
struct FieldSummary {
  bool contains_null = false;
  std::optional<bool> contains_nan;
  std::optional<std::string> lower_bound;
  std::optional<std::string> upper_bound;

  bool operator==(const FieldSummary&) const = default;
};

/// A manifest as a manifest list describes it.
struct ManifestFile {
  std::string path;
  int64_t length_bytes = 0;
  int32_t spec_id = 0;
  ManifestContent content = ManifestContent::kData;
  int64_t sequence_number = 0;      ///< Of the snapshot that wrote the manifest.
  int64_t min_sequence_number = 0;  ///< The lowest data sequence number of its live files.
  int64_t added_snapshot_id = 0;
  int32_t added_files_count = 0;
  int32_t existing_files_count = 0;
  int32_t deleted_files_count = 0;
  int64_t added_rows_count = 0;
  int64_t existing_rows_count = 0;
  int64_t deleted_rows_count = 0;
  std::vector<FieldSummary> partitions;  ///< One per partition field.
  std::optional<std::string> key_metadata;
  std::optional<int64_t> first_row_id;  ///< Format 3.

  int64_t live_files_count() const { return int64_t{added_files_count} + existing_files_count; }
  bool operator==(const ManifestFile&) const = default;
};

using ManifestFiles = std::shared_ptr<const std::vector<ManifestFile>>;

struct ManifestListHeader {
  int32_t format_version = 2;
  int64_t snapshot_id = 0;
  std::optional<int64_t> parent_snapshot_id;
  int64_t sequence_number = 0;
  std::optional<int64_t> first_row_id;  ///< Format 3.
};

}  // namespace sluice::iceberg

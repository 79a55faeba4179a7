#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace sluice::iceberg {

using Properties = std::map<std::string, std::string, std::less<>>;

/// The table at one commit.
struct Snapshot {
  int64_t sequence_number = 0;
  int64_t snapshot_id = 0;
  std::optional<int64_t> parent_snapshot_id;
  int64_t timestamp_ms = 0;
  Properties summary;  ///< With "operation": append, replace, overwrite or delete.
  std::string manifest_list;
  std::optional<int32_t> schema_id;
  std::optional<int64_t> first_row_id;  ///< Format 3.
  std::optional<int64_t> added_rows;    ///< Format 3.

  bool operator==(const Snapshot&) const = default;
};

/// A branch or tag.
struct SnapshotRef {
  int64_t snapshot_id = 0;
  bool is_tag = false;
  std::optional<int64_t> min_snapshots_to_keep;
  std::optional<int64_t> max_snapshot_age_ms;
  std::optional<int64_t> max_ref_age_ms;

  bool operator==(const SnapshotRef&) const = default;
};

inline constexpr char kMainBranch[] = "main";

struct SnapshotLogEntry {
  int64_t timestamp_ms = 0;
  int64_t snapshot_id = 0;
  bool operator==(const SnapshotLogEntry&) const = default;
};

struct MetadataLogEntry {
  int64_t timestamp_ms = 0;
  std::string metadata_file;
  bool operator==(const MetadataLogEntry&) const = default;
};

}  // namespace sluice::iceberg

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "iceberg/data_file.h"
#include "iceberg/partition_spec.h"
#include "iceberg/schema.h"

namespace sluice::iceberg {

enum class EntryStatus { kExisting = 0, kAdded = 1, kDeleted = 2 };

/// A file and its fate. Numbers that are missing are inherited from the manifest list.
struct ManifestEntry {
  EntryStatus status = EntryStatus::kAdded;
  std::optional<int64_t> snapshot_id;           ///< That added or deleted the file.
  std::optional<int64_t> sequence_number;       ///< Of the data: decides which deletes apply.
  std::optional<int64_t> file_sequence_number;  ///< Of the commit that added the file.
  DataFile file;

  bool is_live() const { return status != EntryStatus::kDeleted; }
  bool operator==(const ManifestEntry&) const = default;
};

using ManifestEntries = std::shared_ptr<const std::vector<ManifestEntry>>;

enum class ManifestContent { kData = 0, kDeletes = 1 };

/// What stands at the head of a manifest: all its files are of one partition spec.
struct ManifestHeader {
  int32_t format_version = 2;
  ManifestContent content = ManifestContent::kData;
  Schema schema;  ///< Of the table.
  PartitionSpec spec;
};

}  // namespace sluice::iceberg

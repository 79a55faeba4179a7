#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iceberg/partition_spec.h"
#include "iceberg/schema.h"
#include "iceberg/snapshot.h"

namespace sluice::iceberg {

/// Everything a table's metadata file says. ApplyUpdates (table_update.h) makes the next one.
struct TableMetadata {
  int32_t format_version = 2;
  std::string table_uuid;
  std::string location;  ///< URI without a slash at its end.
  int64_t last_sequence_number = 0;
  int64_t last_updated_ms = 0;
  int32_t last_column_id = 0;
  std::vector<Schema> schemas;
  int32_t current_schema_id = -1;
  std::vector<PartitionSpec> specs;
  int32_t default_spec_id = -1;
  int32_t last_partition_id = kFirstPartitionFieldId - 1;
  std::vector<SortOrder> sort_orders;
  int32_t default_sort_order_id = -1;
  Properties properties;
  std::optional<int64_t> current_snapshot_id;
  std::map<std::string, SnapshotRef, std::less<>> refs;
  std::vector<Snapshot> snapshots;
  std::vector<SnapshotLogEntry> snapshot_log;
  std::vector<MetadataLogEntry> metadata_log;
  std::optional<int64_t> next_row_id;  ///< Format 3.
  std::string statistics_json = "[]";  ///< Other writers' statistics files, kept as they are.
  std::string partition_statistics_json = "[]";  ///< The same.

  /// nullptr if there is none.
  const Schema* FindSchema(int32_t schema_id) const;
  const PartitionSpec* FindSpec(int32_t spec_id) const;
  const Snapshot* FindSnapshot(int64_t snapshot_id) const;
  const Snapshot* current_snapshot() const;

  /// Exist in every metadata that was parsed or made by ApplyUpdates to its end.
  const Schema& schema() const;
  const PartitionSpec& spec() const;
  /// The default one; without fields where there is none.
  const SortOrder& sort_order() const;

  bool operator==(const TableMetadata&) const = default;
};

using TableMetadataPtr = std::shared_ptr<const TableMetadata>;

}  // namespace sluice::iceberg

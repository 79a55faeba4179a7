#pragma once
// What a commit changes and what it relies on, in the REST catalog's terms. One list, two
// back-ends: a catalog that owns the metadata files applies the updates itself, a REST catalog
// sends them.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "iceberg/table_metadata.h"

namespace sluice::iceberg {

struct AssignUuid {
  std::string uuid;
};
struct UpgradeFormatVersion {
  int32_t format_version = 2;
};
/// An equal schema that exists already is taken instead; otherwise it gets the next free id.
struct AddSchema {
  Schema schema;
};
struct SetCurrentSchema {
  int32_t schema_id = -1;
};  ///< -1: the one added last.
struct AddPartitionSpec {
  PartitionSpec spec;
};  ///< Ids as in AddSchema; its field ids are taken as they are.
struct SetDefaultSpec {
  int32_t spec_id = -1;
};
struct AddSortOrder {
  SortOrder order;
};
struct SetDefaultSortOrder {
  int32_t order_id = -1;
};
struct SetLocation {
  std::string location;
};
struct SetProperties {
  Properties updates;
};
struct RemoveProperties {
  std::vector<std::string> removals;
};
struct AddSnapshot {
  Snapshot snapshot;
};
struct SetSnapshotRef {
  std::string ref_name;
  SnapshotRef ref;
};
struct RemoveSnapshotRef {
  std::string ref_name;
};
struct RemoveSnapshots {
  std::vector<int64_t> snapshot_ids;
};

using TableUpdate =
    std::variant<AssignUuid, UpgradeFormatVersion, AddSchema, SetCurrentSchema, AddPartitionSpec,
                 SetDefaultSpec, AddSortOrder, SetDefaultSortOrder, SetLocation, SetProperties,
                 RemoveProperties, AddSnapshot, SetSnapshotRef, RemoveSnapshotRef, RemoveSnapshots>;

struct AssertCreate {};  ///< The table doesn't exist.
struct AssertUuid {
  std::string uuid;
};
struct AssertRefSnapshotId {
  std::string ref_name;
  std::optional<int64_t> snapshot_id;
};  ///< nullopt: no such ref.
struct AssertCurrentSchemaId {
  int32_t schema_id = 0;
};
struct AssertLastAssignedFieldId {
  int32_t field_id = 0;
};
struct AssertDefaultSpecId {
  int32_t spec_id = 0;
};

using TableRequirement =
    std::variant<AssertCreate, AssertUuid, AssertRefSnapshotId, AssertCurrentSchemaId,
                 AssertLastAssignedFieldId, AssertDefaultSpecId>;

/// The metadata after the updates; `base` is nullptr for a table that is being created. Pure.
/// `now_ms`: becomes last-updated-ms, unless the base or a snapshot is later.
/// Error: kCorrupt if an update names what doesn't exist.
Result<TableMetadata> ApplyUpdates(const TableMetadata* base, std::span<const TableUpdate> updates,
                                   int64_t now_ms);

/// Error: kConflict, naming the requirement that `current` (nullptr: there is no table) doesn't
/// meet.
Status CheckRequirements(const TableMetadata* current,
                         std::span<const TableRequirement> requirements);

/// What makes a table. Columns must carry their field ids, partition fields theirs (from 1000).
struct NewTable {
  std::string uuid;
  std::string location;
  Schema schema;
  PartitionSpec spec;
  SortOrder sort_order;
  Properties properties;
  int32_t format_version = 2;
};
std::vector<TableUpdate> UpdatesToCreate(const NewTable& table);

}  // namespace sluice::iceberg

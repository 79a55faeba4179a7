#include "iceberg/table_metadata.h"

#include "base/check.h"

namespace sluice::iceberg {

const Schema* TableMetadata::FindSchema(int32_t schema_id) const {
  for (const Schema& candidate : schemas)
    if (candidate.id == schema_id) return &candidate;
  return nullptr;
}

const PartitionSpec* TableMetadata::FindSpec(int32_t spec_id) const {
  for (const PartitionSpec& candidate : specs)
    if (candidate.id == spec_id) return &candidate;
  return nullptr;
}

const Snapshot* TableMetadata::FindSnapshot(int64_t snapshot_id) const {
  // Newest first: that is what is asked for.
  for (size_t i = snapshots.size(); i-- > 0;)
    if (snapshots[i].snapshot_id == snapshot_id) return &snapshots[i];
  return nullptr;
}

const Snapshot* TableMetadata::current_snapshot() const {
  return current_snapshot_id ? FindSnapshot(*current_snapshot_id) : nullptr;
}

const Schema& TableMetadata::schema() const {
  const Schema* found = FindSchema(current_schema_id);
  SLUICE_CHECK(found != nullptr);
  return *found;
}

const PartitionSpec& TableMetadata::spec() const {
  const PartitionSpec* found = FindSpec(default_spec_id);
  SLUICE_CHECK(found != nullptr);
  return *found;
}

const SortOrder& TableMetadata::sort_order() const {
  static const SortOrder kUnsorted;
  for (const SortOrder& order : sort_orders)
    if (order.id == default_sort_order_id) return order;
  return kUnsorted;
}

}  // namespace sluice::iceberg

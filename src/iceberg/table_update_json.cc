#include "iceberg/table_update_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"
#include "iceberg/table_metadata_json.h"

namespace sluice::iceberg {
namespace {

using Json = nlohmann::ordered_json;

struct UpdateToJson {
  int32_t last_column_id;

  Json operator()(const AssignUuid& update) const { return {{"action", "assign-uuid"}, {"uuid", update.uuid}}; }
  Json operator()(const UpgradeFormatVersion& update) const { return {{"action", "upgrade-format-version"}, {"format-version", update.format_version}}; }
  Json operator()(const AddSchema& update) const {
    return {{"action", "add-schema"}, {"schema", iceberg::ToJson(update.schema)}, {"last-column-id", std::max(last_column_id, update.schema.HighestFieldId())}};
  }
  Json operator()(const SetCurrentSchema& update) const { return {{"action", "set-current-schema"}, {"schema-id", update.schema_id}}; }
  Json operator()(const AddPartitionSpec& update) const { return {{"action", "add-spec"}, {"spec", iceberg::ToJson(update.spec)}}; }
  Json operator()(const SetDefaultSpec& update) const { return {{"action", "set-default-spec"}, {"spec-id", update.spec_id}}; }
  Json operator()(const AddSortOrder& update) const { return {{"action", "add-sort-order"}, {"sort-order", iceberg::ToJson(update.order)}}; }
  Json operator()(const SetDefaultSortOrder& update) const { return {{"action", "set-default-sort-order"}, {"sort-order-id", update.order_id}}; }
  Json operator()(const SetLocation& update) const { return {{"action", "set-location"}, {"location", update.location}}; }
  Json operator()(const SetProperties& update) const {
    Json updates = Json::object();
    for (const auto& [key, value] : update.updates) updates[key] = value;
    return {{"action", "set-properties"}, {"updates", std::move(updates)}};
  }
  Json operator()(const RemoveProperties& update) const { return {{"action", "remove-properties"}, {"removals", update.removals}}; }
  Json operator()(const AddSnapshot& update) const { return {{"action", "add-snapshot"}, {"snapshot", iceberg::ToJson(update.snapshot)}}; }
  Json operator()(const SetSnapshotRef& update) const {
    Json json = {{"action", "set-snapshot-ref"}, {"ref-name", update.ref_name}};
    json.update(iceberg::ToJson(update.ref));
    return json;
  }
  Json operator()(const RemoveSnapshotRef& update) const { return {{"action", "remove-snapshot-ref"}, {"ref-name", update.ref_name}}; }
  Json operator()(const RemoveSnapshots& update) const { return {{"action", "remove-snapshots"}, {"snapshot-ids", update.snapshot_ids}}; }
};

struct RequirementToJson {
  Json operator()(const AssertCreate&) const { return {{"type", "assert-create"}}; }
  Json operator()(const AssertUuid& required) const { return {{"type", "assert-table-uuid"}, {"uuid", required.uuid}}; }
  Json operator()(const AssertRefSnapshotId& required) const {
    return {{"type", "assert-ref-snapshot-id"}, {"ref", required.ref_name}, {"snapshot-id", required.snapshot_id ? Json(*required.snapshot_id) : Json()}};
  }
  Json operator()(const AssertCurrentSchemaId& required) const { return {{"type", "assert-current-schema-id"}, {"current-schema-id", required.schema_id}}; }
  Json operator()(const AssertLastAssignedFieldId& required) const {
    return {{"type", "assert-last-assigned-field-id"}, {"last-assigned-field-id", required.field_id}};
  }
  Json operator()(const AssertDefaultSpecId& required) const { return {{"type", "assert-default-spec-id"}, {"default-spec-id", required.spec_id}}; }
};

}  // namespace

Json ToJson(const TableUpdate& update, int32_t last_column_id) { return std::visit(UpdateToJson{last_column_id}, update); }

Json ToJson(const TableRequirement& requirement) { return std::visit(RequirementToJson{}, requirement); }

}  // namespace sluice::iceberg

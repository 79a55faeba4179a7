#include "iceberg/table_update.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

/// Applies one update after the other; remembers what -1 ("the one added last") means.
class Applier {
 public:
  explicit Applier(TableMetadata& metadata) : metadata_(metadata) {}

  Status operator()(const AssignUuid& update) {
    if (!metadata_.table_uuid.empty() && metadata_.table_uuid != update.uuid)
      return Corrupt("a table's UUID cannot be changed");
    metadata_.table_uuid = update.uuid;
    return Ok();
  }

  Status operator()(const UpgradeFormatVersion& update) {
    if (update.format_version < metadata_.format_version || update.format_version > 3)
      return Corrupt(fmt::format("the format version cannot become {}", update.format_version));
    metadata_.format_version = update.format_version;
    if (update.format_version >= 3 && !metadata_.next_row_id) metadata_.next_row_id = 0;
    return Ok();
  }

  Status operator()(const AddSchema& update) {
    Schema schema = update.schema;
    metadata_.last_column_id = std::max(metadata_.last_column_id, schema.HighestFieldId());
    const auto same = std::find_if(metadata_.schemas.begin(), metadata_.schemas.end(),
                                   [&](const Schema& other) { return other.SameColumns(schema); });
    if (same != metadata_.schemas.end()) {
      last_schema_id_ = same->id;
      return Ok();
    }
    schema.id = NextId(metadata_.schemas);
    last_schema_id_ = schema.id;
    metadata_.schemas.push_back(std::move(schema));
    return Ok();
  }

  Status operator()(const SetCurrentSchema& update) {
    const int32_t id = update.schema_id < 0 ? last_schema_id_ : update.schema_id;
    if (!metadata_.FindSchema(id)) return Corrupt(fmt::format("there is no schema {}", id));
    metadata_.current_schema_id = id;
    return Ok();
  }

  Status operator()(const AddPartitionSpec& update) {
    PartitionSpec spec = update.spec;
    for (const PartitionField& field : spec.fields)
      metadata_.last_partition_id = std::max(metadata_.last_partition_id, field.field_id);
    const auto same =
        std::find_if(metadata_.specs.begin(), metadata_.specs.end(),
                     [&](const PartitionSpec& other) { return other.fields == spec.fields; });
    if (same != metadata_.specs.end()) {
      last_spec_id_ = same->id;
      return Ok();
    }
    spec.id = NextId(metadata_.specs);
    last_spec_id_ = spec.id;
    metadata_.specs.push_back(std::move(spec));
    return Ok();
  }

  Status operator()(const SetDefaultSpec& update) {
    const int32_t id = update.spec_id < 0 ? last_spec_id_ : update.spec_id;
    if (!metadata_.FindSpec(id)) return Corrupt(fmt::format("there is no partition spec {}", id));
    metadata_.default_spec_id = id;
    return Ok();
  }

  Status operator()(const AddSortOrder& update) {
    SortOrder order = update.order;
    // The order without fields has the id 0 by definition, the others follow.
    if (order.fields.empty()) {
      order.id = 0;
    } else {
      order.id = std::max(1, NextId(metadata_.sort_orders));
    }
    for (const SortOrder& other : metadata_.sort_orders)
      if (other.fields == order.fields) order.id = other.id;
    last_order_id_ = order.id;
    const auto same = std::find_if(metadata_.sort_orders.begin(), metadata_.sort_orders.end(),
                                   [&](const SortOrder& other) { return other.id == order.id; });
    if (same == metadata_.sort_orders.end()) metadata_.sort_orders.push_back(std::move(order));
    return Ok();
  }

  Status operator()(const SetDefaultSortOrder& update) {
    const int32_t id = update.order_id < 0 ? last_order_id_ : update.order_id;
    const bool known = std::any_of(metadata_.sort_orders.begin(), metadata_.sort_orders.end(),
                                   [&](const SortOrder& order) { return order.id == id; });
    if (!known) return Corrupt(fmt::format("there is no sort order {}", id));
    metadata_.default_sort_order_id = id;
    return Ok();
  }

  Status operator()(const SetLocation& update) {
    metadata_.location = update.location;
    return Ok();
  }

  Status operator()(const SetProperties& update) {
    for (const auto& [key, value] : update.updates)
      metadata_.properties.insert_or_assign(key, value);
    return Ok();
  }

  Status operator()(const RemoveProperties& update) {
    for (const std::string& key : update.removals) metadata_.properties.erase(key);
    return Ok();
  }

  Status operator()(const AddSnapshot& update) {
    const Snapshot& snapshot = update.snapshot;
    if (metadata_.FindSnapshot(snapshot.snapshot_id))
      return Corrupt(fmt::format("there is a snapshot {} already", snapshot.snapshot_id));
    if (snapshot.parent_snapshot_id && snapshot.sequence_number <= metadata_.last_sequence_number)
      return Corrupt(fmt::format("snapshot {} has an old sequence number", snapshot.snapshot_id));
    metadata_.last_sequence_number =
        std::max(metadata_.last_sequence_number, snapshot.sequence_number);
    metadata_.last_updated_ms = std::max(metadata_.last_updated_ms, snapshot.timestamp_ms);
    if (metadata_.format_version >= 3)
      metadata_.next_row_id = metadata_.next_row_id.value_or(0) + snapshot.added_rows.value_or(0);
    metadata_.snapshots.push_back(snapshot);
    return Ok();
  }

  Status operator()(const SetSnapshotRef& update) {
    const Snapshot* snapshot = metadata_.FindSnapshot(update.ref.snapshot_id);
    if (!snapshot) return Corrupt(fmt::format("there is no snapshot {}", update.ref.snapshot_id));
    metadata_.refs[update.ref_name] = update.ref;
    if (update.ref_name != kMainBranch) return Ok();
    if (metadata_.current_snapshot_id == update.ref.snapshot_id) return Ok();
    metadata_.current_snapshot_id = update.ref.snapshot_id;
    const int64_t since_ms = std::max(snapshot->timestamp_ms, LastLogged());
    metadata_.snapshot_log.push_back({since_ms, update.ref.snapshot_id});
    return Ok();
  }

  Status operator()(const RemoveSnapshotRef& update) {
    metadata_.refs.erase(update.ref_name);
    if (update.ref_name == kMainBranch) metadata_.current_snapshot_id.reset();
    return Ok();
  }

  Status operator()(const RemoveSnapshots& update) {
    const std::set<int64_t> removed(update.snapshot_ids.begin(), update.snapshot_ids.end());
    for (const auto& [name, ref] : metadata_.refs)
      if (removed.contains(ref.snapshot_id))
        return Corrupt("the snapshot of the reference " + name + " cannot be removed");
    std::erase_if(metadata_.snapshots,
                  [&](const Snapshot& snapshot) { return removed.contains(snapshot.snapshot_id); });
    // The log must have no gap: what lies before a snapshot that is gone goes too.
    auto& log = metadata_.snapshot_log;
    const auto last_gone = std::find_if(
        log.rbegin(), log.rend(),
        [&](const SnapshotLogEntry& entry) { return removed.contains(entry.snapshot_id); });
    log.erase(log.begin(), last_gone.base());
    metadata_.statistics_json = WithoutSnapshots(metadata_.statistics_json, removed);
    metadata_.partition_statistics_json =
        WithoutSnapshots(metadata_.partition_statistics_json, removed);
    return Ok();
  }

 private:
  template <class List>
  static int32_t NextId(const List& list) {
    int32_t next = 0;
    for (const auto& item : list) next = std::max(next, item.id + 1);
    return next;
  }

  int64_t LastLogged() const {
    return metadata_.snapshot_log.empty() ? 0 : metadata_.snapshot_log.back().timestamp_ms;
  }

  static std::string WithoutSnapshots(const std::string& text, const std::set<int64_t>& removed) {
    if (text == "[]") return text;
    const auto list = nlohmann::ordered_json::parse(text, nullptr, false);
    auto kept = nlohmann::ordered_json::array();
    for (const auto& item : list) {
      const auto id = item.is_object() ? item.find("snapshot-id") : item.end();
      const bool gone = item.is_object() && id != item.end() && id->is_number_integer() &&
                        removed.contains(id->get<int64_t>());
      if (!gone) kept.push_back(item);
    }
    return kept.dump();
  }

  TableMetadata& metadata_;
  int32_t last_schema_id_ = -1;
  int32_t last_spec_id_ = -1;
  int32_t last_order_id_ = -1;
};

/// nullopt if it holds, else what was found.
struct RequirementCheck {
  const TableMetadata& current;

  std::optional<std::string> operator()(const AssertCreate&) const { return "the table exists"; }
  std::optional<std::string> operator()(const AssertUuid& required) const {
    if (required.uuid == current.table_uuid) return std::nullopt;
    return "the table was dropped and made again";
  }
  std::optional<std::string> operator()(const AssertRefSnapshotId& required) const {
    const auto found = current.refs.find(required.ref_name);
    const std::optional<int64_t> actual =
        found == current.refs.end() ? std::nullopt : std::optional(found->second.snapshot_id);
    if (actual == required.snapshot_id) return std::nullopt;
    return fmt::format("the branch {} has moved to snapshot {}", required.ref_name,
                       actual.value_or(-1));
  }
  std::optional<std::string> operator()(const AssertCurrentSchemaId& required) const {
    if (required.schema_id == current.current_schema_id) return std::nullopt;
    return fmt::format("the schema is now {}", current.current_schema_id);
  }
  std::optional<std::string> operator()(const AssertLastAssignedFieldId& required) const {
    if (required.field_id == current.last_column_id) return std::nullopt;
    return fmt::format("the last column id is now {}", current.last_column_id);
  }
  std::optional<std::string> operator()(const AssertDefaultSpecId& required) const {
    if (required.spec_id == current.default_spec_id) return std::nullopt;
    return fmt::format("the partition spec is now {}", current.default_spec_id);
  }
};

}  // namespace

Result<TableMetadata> ApplyUpdates(const TableMetadata* base, std::span<const TableUpdate> updates,
                                   int64_t now_ms) {
  TableMetadata metadata = base ? *base : TableMetadata();
  metadata.last_updated_ms = std::max(metadata.last_updated_ms, now_ms);
  Applier applier(metadata);
  for (const TableUpdate& update : updates) RETURN_IF_ERROR(std::visit(applier, update));
  if (!metadata.FindSchema(metadata.current_schema_id) ||
      !metadata.FindSpec(metadata.default_spec_id) || metadata.default_sort_order_id < 0 ||
      metadata.table_uuid.empty() || metadata.location.empty())
    return Corrupt("the updates don't make a whole table");
  return metadata;
}

Status CheckRequirements(const TableMetadata* current,
                         std::span<const TableRequirement> requirements) {
  for (const TableRequirement& requirement : requirements) {
    const bool creates = std::holds_alternative<AssertCreate>(requirement);
    if (!current && creates) continue;
    const std::optional<std::string> found =
        current ? std::visit(RequirementCheck{*current}, requirement) : "the table doesn't exist";
    if (found) return Error{ErrorKind::kConflict, *found, slu::kCatalogConflict};
  }
  return Ok();
}

std::vector<TableUpdate> UpdatesToCreate(const NewTable& table) {
  return {AssignUuid{table.uuid},
          UpgradeFormatVersion{table.format_version},
          AddSchema{table.schema},
          SetCurrentSchema{-1},
          AddPartitionSpec{table.spec},
          SetDefaultSpec{-1},
          AddSortOrder{table.sort_order},
          SetDefaultSortOrder{-1},
          SetLocation{table.location},
          SetProperties{table.properties}};
}

}  // namespace sluice::iceberg

// The members are those of the specification's "Table Metadata Fields", in the order in which Java
// writes them.

#include "iceberg/table_metadata_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "iceberg/json_object.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"

namespace sluice::iceberg {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const SnapshotLogEntry& entry) {
  return {{"timestamp-ms", entry.timestamp_ms}, {"snapshot-id", entry.snapshot_id}};
}

Json ToJson(const MetadataLogEntry& entry) {
  return {{"timestamp-ms", entry.timestamp_ms}, {"metadata-file", entry.metadata_file}};
}

template <class List>
Json ListToJson(const List& list) {
  Json json = Json::array();
  for (const auto& item : list) json.push_back(ToJson(item));
  return json;
}

Json ToJson(const TableMetadata& metadata) {
  Json json = {{"format-version", metadata.format_version},
               {"table-uuid", metadata.table_uuid},
               {"location", metadata.location},
               {"last-sequence-number", metadata.last_sequence_number},
               {"last-updated-ms", metadata.last_updated_ms},
               {"last-column-id", metadata.last_column_id},
               {"current-schema-id", metadata.current_schema_id},
               {"schemas", ListToJson(metadata.schemas)},
               {"default-spec-id", metadata.default_spec_id},
               {"partition-specs", ListToJson(metadata.specs)},
               {"last-partition-id", metadata.last_partition_id},
               {"default-sort-order-id", metadata.default_sort_order_id},
               {"sort-orders", ListToJson(metadata.sort_orders)}};
  json["properties"] = metadata.properties;
  if (metadata.current_snapshot_id)
    json["current-snapshot-id"] = *metadata.current_snapshot_id;
  else if (metadata.format_version < 3)
    json["current-snapshot-id"] = -1;  // What Java writes, and older readers expect.
  if (metadata.format_version >= 3) json["next-row-id"] = metadata.next_row_id.value_or(0);
  json["refs"] = Json::object();
  for (const auto& [name, ref] : metadata.refs) json["refs"][name] = ToJson(ref);
  json["statistics"] = Json::parse(metadata.statistics_json, nullptr, false);
  json["partition-statistics"] = Json::parse(metadata.partition_statistics_json, nullptr, false);
  json["snapshot-log"] = ListToJson(metadata.snapshot_log);
  json["metadata-log"] = ListToJson(metadata.metadata_log);
  return json;
}

Result<SnapshotRef> RefFromJson(const Json& json) {
  JsonObject object(json, "a snapshot reference");
  SnapshotRef ref;
  ref.snapshot_id = object.Long("snapshot-id");
  ref.is_tag = object.Text("type") == "tag";
  ref.max_ref_age_ms = object.OptionalLong("max-ref-age-ms");
  ref.min_snapshots_to_keep = object.OptionalLong("min-snapshots-to-keep");
  ref.max_snapshot_age_ms = object.OptionalLong("max-snapshot-age-ms");
  RETURN_IF_ERROR(object.status());
  return ref;
}

Result<SnapshotLogEntry> SnapshotLogFromJson(const Json& json) {
  JsonObject object(json, "a snapshot log entry");
  const SnapshotLogEntry entry{object.Long("timestamp-ms"), object.Long("snapshot-id")};
  RETURN_IF_ERROR(object.status());
  return entry;
}

Result<MetadataLogEntry> MetadataLogFromJson(const Json& json) {
  JsonObject object(json, "a metadata log entry");
  MetadataLogEntry entry{object.Long("timestamp-ms"), object.Text("metadata-file")};
  RETURN_IF_ERROR(object.status());
  return entry;
}

template <class Item, class Parse>
Status ReadList(JsonObject& object, const char* key, bool required, std::vector<Item>& items,
                Parse&& parse) {
  const Json& list = object.Array(key, required);
  RETURN_IF_ERROR(object.status());
  for (const Json& json : list) {
    ASSIGN_OR_RETURN(items.emplace_back(), parse(json));
  }
  return Ok();
}

Status ReadRefs(JsonObject& object, TableMetadata& metadata) {
  const Json& refs = object.Object("refs");
  RETURN_IF_ERROR(object.status());
  for (const auto& [name, json] : refs.items()) {
    ASSIGN_OR_RETURN(metadata.refs[name], RefFromJson(json));
  }
  // Writers may leave the main branch to the current snapshot.
  if (metadata.current_snapshot_id && !metadata.refs.contains(kMainBranch))
    metadata.refs[kMainBranch].snapshot_id = *metadata.current_snapshot_id;
  return Ok();
}

void AppendText(std::string& to, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
  });
  if (plain) {
    to.append("\"").append(text).append("\"");
    return;
  }
  to += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Snapshots are nearly all of a table's metadata, which every commit writes anew, so they go
/// to text without a tree between.
void AppendSnapshot(std::string& to, const Snapshot& snapshot) {
  const auto add = [&](std::string_view name, int64_t number) {
    fmt::format_to(std::back_inserter(to), ",\"{}\":{}", name, number);
  };
  fmt::format_to(std::back_inserter(to), "{{\"sequence-number\":{}", snapshot.sequence_number);
  add("snapshot-id", snapshot.snapshot_id);
  if (snapshot.parent_snapshot_id) add("parent-snapshot-id", *snapshot.parent_snapshot_id);
  add("timestamp-ms", snapshot.timestamp_ms);
  to += ",\"summary\":";
  char separator = '{';
  const auto add_summary = [&](const auto& pair) {
    to += separator;
    separator = ',';
    AppendText(to, pair.first);
    to += ':';
    AppendText(to, pair.second);
  };
  // "operation" comes first, as people expect it.
  const auto operation = snapshot.summary.find("operation");
  if (operation != snapshot.summary.end()) add_summary(*operation);
  for (auto pair = snapshot.summary.begin(); pair != snapshot.summary.end(); ++pair)
    if (pair != operation) add_summary(*pair);
  if (separator == '{') to += separator;
  to += "},\"manifest-list\":";
  AppendText(to, snapshot.manifest_list);
  if (snapshot.schema_id) add("schema-id", *snapshot.schema_id);
  if (snapshot.first_row_id) add("first-row-id", *snapshot.first_row_id);
  if (snapshot.added_rows) add("added-rows", *snapshot.added_rows);
  to += '}';
}

/// What must hold for the rest of the code to walk the metadata without looking.
Status CheckConsistent(const TableMetadata& metadata) {
  if (!metadata.FindSchema(metadata.current_schema_id))
    return Corrupt("table metadata lacks its current schema");
  if (!metadata.FindSpec(metadata.default_spec_id))
    return Corrupt("table metadata lacks its default partition spec");
  if (metadata.current_snapshot_id && !metadata.current_snapshot())
    return Corrupt("table metadata lacks its current snapshot");
  for (const auto& [name, ref] : metadata.refs)
    if (!metadata.FindSnapshot(ref.snapshot_id))
      return Corrupt("table metadata lacks the snapshot of the reference " + name);
  if (metadata.last_sequence_number < 0)
    return Corrupt("table metadata has a negative sequence number");
  return Ok();
}

std::string KeepList(const JsonObject& object, const char* key) {
  const Json* list = object.Find(key);
  return list && list->is_array() ? list->dump(-1, ' ', false, Json::error_handler_t::replace)
                                  : "[]";
}

}  // namespace

Json ToJson(const SnapshotRef& ref) {
  Json json = {{"snapshot-id", ref.snapshot_id}, {"type", ref.is_tag ? "tag" : "branch"}};
  if (ref.max_ref_age_ms) json["max-ref-age-ms"] = *ref.max_ref_age_ms;
  if (ref.min_snapshots_to_keep) json["min-snapshots-to-keep"] = *ref.min_snapshots_to_keep;
  if (ref.max_snapshot_age_ms) json["max-snapshot-age-ms"] = *ref.max_snapshot_age_ms;
  return json;
}

Json ToJson(const Snapshot& snapshot) {
  std::string text;
  AppendSnapshot(text, snapshot);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Result<Snapshot> SnapshotFromJson(const Json& json) {
  JsonObject object(json, "a snapshot");
  Snapshot snapshot;
  snapshot.sequence_number = object.OptionalLong("sequence-number").value_or(0);
  snapshot.snapshot_id = object.Long("snapshot-id");
  snapshot.parent_snapshot_id = object.OptionalLong("parent-snapshot-id");
  snapshot.timestamp_ms = object.Long("timestamp-ms");
  snapshot.summary = object.Texts("summary");
  snapshot.manifest_list = object.Text("manifest-list");
  snapshot.schema_id = object.OptionalInt("schema-id");
  snapshot.first_row_id = object.OptionalLong("first-row-id");
  snapshot.added_rows = object.OptionalLong("added-rows");
  RETURN_IF_ERROR(object.status());
  return snapshot;
}

std::string ToJsonText(const TableMetadata& metadata) {
  std::string text = ToJson(metadata).dump(-1, ' ', false, Json::error_handler_t::replace);
  text.back() = ',';
  text += "\"snapshots\":[";
  for (const Snapshot& snapshot : metadata.snapshots) {
    if (&snapshot != &metadata.snapshots.front()) text += ',';
    AppendSnapshot(text, snapshot);
  }
  return text + "]}";
}

Result<TableMetadata> ParseTableMetadata(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text, "table metadata"));
  return TableMetadataFromJson(json);
}

Result<TableMetadata> TableMetadataFromJson(const Json& json) {
  JsonObject object(json, "table metadata");
  TableMetadata metadata;
  metadata.format_version = object.Int("format-version");
  RETURN_IF_ERROR(object.status());
  if (metadata.format_version < 2 || metadata.format_version > 3)
    return Unknown(fmt::format("the table has the format version {}", metadata.format_version));
  metadata.table_uuid = object.Text("table-uuid");
  metadata.location = object.Text("location");
  while (metadata.location.size() > 1 && metadata.location.ends_with('/'))
    metadata.location.pop_back();
  metadata.last_sequence_number = object.Long("last-sequence-number");
  metadata.last_updated_ms = object.Long("last-updated-ms");
  metadata.last_column_id = object.Int("last-column-id");
  metadata.current_schema_id = object.Int("current-schema-id");
  metadata.default_spec_id = object.Int("default-spec-id");
  metadata.last_partition_id = object.Int("last-partition-id");
  metadata.default_sort_order_id = object.Int("default-sort-order-id");
  metadata.properties = object.Texts("properties");
  metadata.current_snapshot_id = object.OptionalLong("current-snapshot-id");
  if (metadata.current_snapshot_id == -1) metadata.current_snapshot_id.reset();
  metadata.next_row_id = object.OptionalLong("next-row-id");
  metadata.statistics_json = KeepList(object, "statistics");
  metadata.partition_statistics_json = KeepList(object, "partition-statistics");
  RETURN_IF_ERROR(object.status());
  RETURN_IF_ERROR(ReadList(object, "schemas", true, metadata.schemas, SchemaFromJson));
  RETURN_IF_ERROR(ReadList(object, "partition-specs", true, metadata.specs, PartitionSpecFromJson));
  RETURN_IF_ERROR(ReadList(object, "sort-orders", true, metadata.sort_orders, SortOrderFromJson));
  RETURN_IF_ERROR(ReadList(object, "snapshots", false, metadata.snapshots, SnapshotFromJson));
  RETURN_IF_ERROR(
      ReadList(object, "snapshot-log", false, metadata.snapshot_log, SnapshotLogFromJson));
  RETURN_IF_ERROR(
      ReadList(object, "metadata-log", false, metadata.metadata_log, MetadataLogFromJson));
  RETURN_IF_ERROR(ReadRefs(object, metadata));
  RETURN_IF_ERROR(CheckConsistent(metadata));
  return metadata;
}

}  // namespace sluice::iceberg

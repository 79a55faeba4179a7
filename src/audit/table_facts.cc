#include "audit/table_facts.h"

#include <cstdlib>
#include <set>

namespace sluice::audit {
namespace {

constexpr int kLevelsMax = 32;

void ReadType(const Json& type, ColumnFacts facts, int64_t id, int level, Columns& columns);

void ReadFields(const Json& owner, const std::string& path, bool in_collection, int level, Columns& columns) {
  for (const Json& field : Array(owner, "fields")) {
    const auto id = Number(field, "id");
    const Json* type = Member(field, "type");
    if (!id || type == nullptr) continue;
    ColumnFacts facts;
    facts.path = (path.empty() ? "" : path + ".") + Text(field, "name").value_or("");
    const Json* required = Member(field, "required");
    facts.required = required && required->is_boolean() && required->get<bool>();
    facts.in_collection = in_collection;
    ReadType(*type, facts, *id, level, columns);
  }
}

void ReadPart(const Json& type, const char* part, const ColumnFacts& owner, int level, Columns& columns) {
  const auto id = Number(type, (std::string(part) + "-id").c_str());
  const Json* inner = Member(type, part);
  if (!id || inner == nullptr) return;
  const Json* required = Member(type, (std::string(part) + "-required").c_str());
  ColumnFacts facts{owner.path + "." + part, "", std::string_view(part) == "key" || (required && required->is_boolean() && required->get<bool>()), true};
  ReadType(*inner, facts, *id, level, columns);
}

void ReadType(const Json& type, ColumnFacts facts, int64_t id, int level, Columns& columns) {
  if (level > kLevelsMax) return;
  facts.type = type.is_string() ? type.get<std::string>() : Text(type, "type").value_or("");
  const ColumnFacts& kept = columns[id] = std::move(facts);
  if (kept.type == "struct") ReadFields(type, kept.path, kept.in_collection, level + 1, columns);
  if (kept.type == "list") ReadPart(type, "element", kept, level + 1, columns);
  if (kept.type == "map") {
    ReadPart(type, "key", kept, level + 1, columns);
    ReadPart(type, "value", kept, level + 1, columns);
  }
}

std::vector<PartitionFieldFacts> ReadSpec(const Json& spec) {
  std::vector<PartitionFieldFacts> fields;
  for (const Json& field : Array(spec, "fields"))
    fields.push_back({Number(field, "source-id").value_or(0), Number(field, "field-id").value_or(0), Text(field, "name").value_or(""), Text(field, "transform").value_or("")});
  return fields;
}

}  // namespace

TableFacts ReadTableFacts(const Json& metadata) {
  TableFacts facts;
  facts.format_version = Number(metadata, "format-version").value_or(0);
  facts.last_sequence_number = Number(metadata, "last-sequence-number").value_or(0);
  facts.location = Text(metadata, "location").value_or("");
  while (facts.location.size() > 1 && facts.location.ends_with('/')) facts.location.pop_back();
  facts.current_schema_id = Number(metadata, "current-schema-id").value_or(-1);
  for (const Json& schema : Array(metadata, "schemas")) {
    const auto id = Number(schema, "schema-id");
    if (!id) continue;
    ReadFields(schema, "", false, 0, facts.schemas[*id]);
    facts.schema_json[*id] = schema;
  }
  for (const Json& spec : Array(metadata, "partition-specs"))
    if (const auto id = Number(spec, "spec-id")) facts.specs[*id] = ReadSpec(spec);
  for (const Json& snapshot : Array(metadata, "snapshots")) {
    const auto id = Number(snapshot, "snapshot-id");
    if (!id) continue;
    const Json* summary = Member(snapshot, "summary");
    facts.snapshots.push_back({*id, Number(snapshot, "sequence-number").value_or(0), Number(snapshot, "timestamp-ms").value_or(0), Number(snapshot, "parent-snapshot-id"),
                               Number(snapshot, "schema-id"), Text(snapshot, "manifest-list").value_or(""), summary ? *summary : Json()});
  }
  facts.current_snapshot_id = Number(metadata, "current-snapshot-id");
  if (facts.current_snapshot_id == -1) facts.current_snapshot_id.reset();
  return facts;
}

const SnapshotFacts* TableFacts::FindSnapshot(int64_t id) const {
  for (const SnapshotFacts& snapshot : snapshots)
    if (snapshot.id == id) return &snapshot;
  return nullptr;
}

const SnapshotFacts* TableFacts::current_snapshot() const { return current_snapshot_id ? FindSnapshot(*current_snapshot_id) : nullptr; }

const ColumnFacts* TableFacts::FindColumn(int64_t field_id) const {
  const auto in = [&](const Columns& columns) -> const ColumnFacts* {
    const auto found = columns.find(field_id);
    return found == columns.end() ? nullptr : &found->second;
  };
  if (const auto current = schemas.find(current_schema_id); current != schemas.end())
    if (const ColumnFacts* found = in(current->second)) return found;
  for (const auto& [id, columns] : schemas)
    if (const ColumnFacts* found = in(columns)) return found;
  return nullptr;
}

std::optional<std::pair<int, int>> ParametersOf(const std::string& type, const char* name) {
  if (!type.starts_with(name) || type.size() < std::string_view(name).size() + 3) return std::nullopt;
  const std::string inner = type.substr(std::string_view(name).size() + 1);
  char* end = nullptr;
  const long first = std::strtol(inner.c_str(), &end, 10);
  if (end == inner.c_str() || first < 0 || first > 1'000'000'000) return std::nullopt;
  long second = 0;
  if (*end == ',') {
    const char* const from = end + 1;
    second = std::strtol(from, &end, 10);
    if (end == from || second < 0 || second > 1000) return std::nullopt;
  }
  if ((*end != ')' && *end != ']') || end[1] != '\0') return std::nullopt;
  return std::pair(static_cast<int>(first), static_cast<int>(second));
}

bool IsPrimitive(const std::string& type, int64_t format_version) {
  static const std::set<std::string> plain = {"boolean", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz", "string", "uuid", "binary"};
  static const std::set<std::string> third = {"timestamp_ns", "timestamptz_ns", "unknown", "variant", "geometry", "geography"};
  if (plain.contains(type)) return true;
  if (const auto decimal = ParametersOf(type, "decimal")) return decimal->first >= 1 && decimal->first <= 38 && decimal->second <= decimal->first;
  if (ParametersOf(type, "fixed")) return true;
  return format_version >= 3 && (third.contains(type) || type.starts_with("geometry(") || type.starts_with("geography("));
}

}  // namespace sluice::audit

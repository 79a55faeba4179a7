#include "sink/lake/foreign_changes.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

void AddType(const iceberg::Type& type, std::string& text) {
  text += iceberg::ToString(type);
  for (const iceberg::Field& element : type.fields) {
    text += fmt::format("<{}:{}>", element.id, element.required);
    AddType(element.type, text);
  }
}

const std::string* Property(const iceberg::TableMetadata& table, const char* key) {
  const auto found = table.properties.find(key);
  return found == table.properties.end() ? nullptr : &found->second;
}

/// Whether the current snapshot comes from `snapshot_id`, as far as the snapshots that are left can tell.
bool ComesFrom(const iceberg::TableMetadata& table, const std::string& snapshot_id) {
  const iceberg::Snapshot* at = table.current_snapshot();
  for (size_t steps = 0; at != nullptr && steps <= table.snapshots.size(); ++steps) {
    if (std::to_string(at->snapshot_id) == snapshot_id) return true;
    if (!at->parent_snapshot_id) break;
    if (std::to_string(*at->parent_snapshot_id) == snapshot_id) return true;
    at = table.FindSnapshot(*at->parent_snapshot_id);
  }
  // The line of its parents may have been cut by expiry; what is still there and not on the line was left behind.
  for (const iceberg::Snapshot& snapshot : table.snapshots)
    if (std::to_string(snapshot.snapshot_id) == snapshot_id) return false;
  return true;
}

}  // namespace

std::string SchemaMark(const iceberg::Schema& schema) {
  std::string text;
  for (const iceberg::Field& field : schema.fields) {
    text += fmt::format("{}:{}:{}:{}:", field.id, field.required, field.name.size(), field.name);
    AddType(field.type, text);
  }
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

Status CheckForeignChanges(const iceberg::TableMetadata& table, const std::string& name) {
  const std::string* const head = Property(table, kHeadProperty);
  if (head != nullptr && !ComesFrom(table, *head)) {
    const std::string now = table.current_snapshot_id ? std::to_string(*table.current_snapshot_id) : "none";
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: somebody set it back in the lake: its snapshot is {}, which does not come from {}", name, now, *head), slu::kLakeSetBack};
  }
  const std::string* const columns = Property(table, kSchemaProperty);
  if (columns != nullptr && *columns != SchemaMark(table.schema()))
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: somebody changed its columns in the lake", name), slu::kLakeColumnsForeign};
  return Ok();
}

}  // namespace sluice

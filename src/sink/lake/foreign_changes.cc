#include "sink/lake/foreign_changes.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>

#include "observability/error_catalog.h"
#include "sink/lake/cuts.h"

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

/// Whether the current snapshot comes from `head`, as far as the snapshots that are left can tell.
bool ComesFrom(const iceberg::TableMetadata& table, const std::string& head) {
  int64_t id = 0;
  std::from_chars(head.data(), head.data() + head.size(), id);
  const std::vector<MarkedSnapshot> history = MainHistory(table);
  const bool on_line = std::any_of(history.begin(), history.end(), [&](const MarkedSnapshot& at) { return at.snapshot->snapshot_id == id; });
  // The line may have been cut by expiry; what is still there and not on it was left behind.
  return on_line || table.FindSnapshot(id) == nullptr;
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

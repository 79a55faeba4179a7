#include "sink/lake/reader_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

using iceberg::TypeId;

constexpr std::array<std::string_view, 10> kReservedNames = {"_file", "_pos", "_deleted", "_spec_id", "_partition", "_row_id",
                                                             "_last_updated_sequence_number", "_change_type", "_change_ordinal",
                                                             "_commit_snapshot_id"};

Error Refused(const TableSchema& table, std::string what, const std::string& readers) {
  return {ErrorKind::kNeedsOperator, fmt::format("table {}: {}; among the lake's readers is {}", ToString(table.name), what, readers), slu::kLakeReaderNames};
}

// A list's elements count too.
bool Holds(const iceberg::Type& type, TypeId wanted) {
  return type.id == wanted || std::any_of(type.fields.begin(), type.fields.end(), [&](const iceberg::Field& field) { return Holds(field.type, wanted); });
}

std::string ColumnsThatHold(const iceberg::Schema& schema, TypeId type, std::string_view name) {
  std::string columns;
  for (const iceberg::Field& field : schema.fields)
    if (Holds(field.type, type)) columns += fmt::format("{}{} ({})", columns.empty() ? "" : ", ", field.name, name);
  return columns;
}

}  // namespace

std::string LowerCase(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

bool IsReservedColumnName(const std::string& name) { return std::find(kReservedNames.begin(), kReservedNames.end(), LowerCase(name)) != kReservedNames.end(); }

Status CheckNamesFor(const std::vector<ReaderEngine>& readers, const TableSchema& table, const std::vector<TableIdentifier>& others) {
  const ReaderNeeds needs = NeedsOf(readers);
  if (needs.names_ignore_case) {
    const std::string who = ReadersThat(readers, &ReaderNeeds::names_ignore_case);
    const TableIdentifier own{table.name.name_space, table.name.name};
    for (const TableIdentifier& other : others)
      if (other != own && LowerCase(ToString(other)) == LowerCase(ToString(own))) return Refused(table, fmt::format("its name differs from {} only by case", ToString(other)), who);
    std::map<std::string, std::string> seen;
    for (const Column& column : table.columns)
      if (const auto [first, is_new] = seen.emplace(LowerCase(column.name), column.name); !is_new)
        return Refused(table, fmt::format("columns {} and {} differ only by case", first->second, column.name), who);
  }
  if (needs.no_reserved_names)
    for (const Column& column : table.columns)
      if (IsReservedColumnName(column.name)) return Refused(table, fmt::format("Iceberg keeps the column name {} for itself", column.name), ReadersThat(readers, &ReaderNeeds::no_reserved_names));
  return Ok();
}

std::string UnreadableFor(const std::vector<ReaderEngine>& readers, const iceberg::TableMetadata& table) {
  const ReaderNeeds needs = NeedsOf(readers);
  std::string text;
  const auto add = [&](const std::string& who, const std::string& what) {
    if (!who.empty() && !what.empty()) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", who, what);
  };
  if (needs.no_uuid) add(ReadersThat(readers, &ReaderNeeds::no_uuid), ColumnsThatHold(table.schema(), TypeId::kUuid, "uuid"));
  if (needs.no_lists) add(ReadersThat(readers, &ReaderNeeds::no_lists), ColumnsThatHold(table.schema(), TypeId::kList, "list"));
  add(ReadersRefuseFormat(readers, table.format_version), fmt::format("format {}", table.format_version));
  return text;
}

}  // namespace sluice

#include "sink/lake/lake_schema.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "config/did_you_mean.h"
#include "config/printable.h"
#include "observability/error_catalog.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

using iceberg::TypeId;

constexpr std::array<std::pair<std::string_view, TypeId>, 3> kAddedColumns = {{
    {"_ingested_at", TypeId::kTimestamptz}, {"_committed_at", TypeId::kTimestamptz}, {"_lsn", TypeId::kLong}}};

// Readers compare names without regard to case.
std::string Lower(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

std::vector<std::string> NamesOfAddedColumns(const TableSchema& source) {
  std::set<std::string> taken;
  for (const Column& column : source.columns) taken.insert(Lower(column.name));
  std::vector<std::string> names;
  for (const auto& [name, type] : kAddedColumns) {
    std::string free(name);
    while (taken.contains(free)) free.push_back('_');
    taken.insert(free);
    names.push_back(std::move(free));
  }
  return names;
}

bool MayIdentify(const iceberg::Type& type) {
  return type.is_primitive() && type.id != TypeId::kFloat && type.id != TypeId::kDouble;
}

void SetIdentifiers(const TableSchema& source, iceberg::Schema& schema) {
  schema.identifier_field_ids.clear();
  for (const size_t column : source.key) {
    // A column that became part of the key may hold nulls in older rows.
    if (!schema.fields[column].required || !MayIdentify(schema.fields[column].type)) {
      schema.identifier_field_ids.clear();
      return;
    }
    schema.identifier_field_ids.push_back(schema.fields[column].id);
  }
  std::sort(schema.identifier_field_ids.begin(), schema.identifier_field_ids.end());
}

bool IsKey(const TableSchema& source, size_t column) {
  return std::find(source.key.begin(), source.key.end(), column) != source.key.end();
}

LakeSchemaPtr Complete(const TableSchemaPtr& source, iceberg::Schema schema, FieldIds field_ids, bool older = false) {
  SetIdentifiers(*source, schema);
  arrow::FieldVector fields;
  for (const iceberg::Field& field : schema.fields) fields.push_back(ToArrowField(field));
  auto made = std::make_shared<LakeSchema>();
  made->source = source;
  made->arrow = arrow::schema(std::move(fields));
  made->iceberg = std::move(schema);
  made->field_ids = std::move(field_ids);
  made->older = older;
  return made;
}

iceberg::Field FieldOf(const TableSchema& source, size_t column, int32_t id, const ReaderNeeds& needs) {
  const Column& from = source.columns[column];
  return {id, from.name, IsKey(source, column), MapType(*from.type, from.typmod, needs).type, ""};
}

Error Changed(const TableSchema& source, std::string_view column, std::string_view how) {
  return {ErrorKind::kNeedsOperator, fmt::format("table {}: column {} {}", ToString(source.name), column, how),
          slu::kLakeSchemaChanged};
}

const iceberg::Field* FindOld(const iceberg::Schema& current, const FieldIds& field_ids, const Column& column) {
  const auto known = field_ids.find(column.attribute_number);
  if (column.attribute_number != 0 && !field_ids.empty()) {
    return known == field_ids.end() ? nullptr : current.FindField(known->second);
  }
  return current.FindColumn(column.name);
}

// Attribute numbers only grow, so a column that the source does not know yet has a higher one than all it knows.
bool IsNewerThanAll(int32_t field, const FieldIds& field_ids, const TableSchema& source) {
  const auto entry = std::find_if(field_ids.begin(), field_ids.end(), [&](const auto& one) { return one.second == field; });
  return entry != field_ids.end() && std::all_of(source.columns.begin(), source.columns.end(), [&](const Column& column) {
           return column.attribute_number != 0 && column.attribute_number < entry->first;
         });
}

}  // namespace

std::string LacksColumn(const iceberg::Schema& schema, const std::string& column) {
  std::vector<std::string> names;
  for (const iceberg::Field& field : schema.fields) names.push_back(field.name);
  const auto meant = DidYouMean(column, names);
  return std::string("names a column that the table doesn't have") + (meant ? fmt::format("; did you mean {}?", Printable(*meant)) : "");
}

void AssignElementIds(iceberg::Type& type, int32_t& last_id) {
  for (iceberg::Field& field : type.fields) {
    if (field.id == 0) field.id = ++last_id;
    AssignElementIds(field.type, last_id);
  }
}

size_t AddedColumnCount() { return kAddedColumns.size(); }

LakeSchemaPtr MakeLakeSchema(const TableSchemaPtr& source, const ReaderNeeds& needs, Numbering numbering) {
  iceberg::Schema schema;
  FieldIds field_ids;
  int32_t last_id = 0;
  for (size_t i = 0; i < source->columns.size(); ++i) {
    schema.fields.push_back(FieldOf(*source, i, ++last_id, needs));
    if (source->columns[i].attribute_number != 0) field_ids[source->columns[i].attribute_number] = last_id;
    // Each column's ids come before those of the next: the one order that Nessie keeps.
    if (numbering == Numbering::kNested) AssignElementIds(schema.fields.back().type, last_id);
  }
  const std::vector<std::string> names = NamesOfAddedColumns(*source);
  for (size_t i = 0; i < names.size(); ++i) {
    schema.fields.push_back({++last_id, names[i], false, iceberg::Primitive(kAddedColumns[i].second), ""});
  }
  for (iceberg::Field& field : schema.fields) AssignElementIds(field.type, last_id);
  return Complete(source, std::move(schema), std::move(field_ids));
}

namespace {

Result<LakeSchemaPtr> Evolve(const iceberg::Schema& current, int32_t last_column_id, const FieldIds& field_ids,
                             const TableSchemaPtr& source, const std::set<int32_t>& pinned, bool may_be_older, bool rows_are_replaced, const ReaderNeeds& needs) {
  iceberg::Schema schema;
  FieldIds new_ids;
  std::set<int32_t> used;
  for (size_t i = 0; i < source->columns.size(); ++i) {
    const Column& column = source->columns[i];
    iceberg::Field field = FieldOf(*source, i, 0, needs);
    const iceberg::Field* old = FindOld(current, field_ids, column);
    // The rows that are there stay as they are when the readers become others.
    const bool fits = old != nullptr && (rows_are_replaced ? SameType(old->type, field.type) : MayBeHeldAs(*column.type, column.typmod, old->type));
    if (old != nullptr && !fits) {
      if (!rows_are_replaced) return Changed(*source, column.name, "has another type now");
      old = nullptr;
    }
    if (old != nullptr) {
      field.id = old->id;
      field.type = old->type;
      field.required = field.required && old->required;  // Old rows may hold nulls.
    } else {
      if (column.fills_old_rows && !rows_are_replaced) return Changed(*source, column.name, "was added with a value for the rows that were there");
      field.id = ++last_column_id;
      field.required = false;
    }
    used.insert(field.id);
    if (column.attribute_number != 0) new_ids[column.attribute_number] = field.id;
    schema.fields.push_back(std::move(field));
  }
  if (current.fields.size() < kAddedColumns.size()) {
    return Error{ErrorKind::kCorrupt, fmt::format("table {}: the lake's schema lacks sluice's columns", ToString(source->name))};
  }
  // The added columns are the last of every schema that sluice made.
  const size_t added_from = current.fields.size() - kAddedColumns.size();
  bool older = false;
  for (size_t i = 0; i < added_from; ++i) {
    if (used.contains(current.fields[i].id) || rows_are_replaced) continue;
    const bool added_since = may_be_older && !current.fields[i].required && IsNewerThanAll(current.fields[i].id, field_ids, *source);
    if (!added_since && pinned.contains(current.fields[i].id)) return Changed(*source, current.fields[i].name, "was removed, and the lake's table is partitioned by it");
    older |= added_since;
  }
  const std::vector<std::string> names = NamesOfAddedColumns(*source);
  for (size_t i = 0; i < names.size(); ++i) {
    iceberg::Field field = current.fields[added_from + i];
    field.name = names[i];
    schema.fields.push_back(std::move(field));
  }
  for (iceberg::Field& field : schema.fields) AssignElementIds(field.type, last_column_id);
  schema.id = current.id;
  return Complete(source, std::move(schema), std::move(new_ids), older);
}

}  // namespace

Result<LakeSchemaPtr> EvolveLakeSchema(const iceberg::Schema& current, int32_t last_column_id,
                                       const FieldIds& field_ids, const TableSchemaPtr& source, const std::set<int32_t>& pinned, bool may_be_older,
                                       const ReaderNeeds& needs) {
  return Evolve(current, last_column_id, field_ids, source, pinned, may_be_older, /*rows_are_replaced=*/false, needs);
}

Result<LakeSchemaPtr> ReplaceLakeSchema(const iceberg::Schema& current, int32_t last_column_id, const FieldIds& field_ids,
                                        const TableSchemaPtr& source, const ReaderNeeds& needs) {
  return Evolve(current, last_column_id, field_ids, source, {}, /*may_be_older=*/false, /*rows_are_replaced=*/true, needs);
}

std::string ToText(const FieldIds& field_ids) {
  std::string text;
  for (const auto& [attribute, id] : field_ids) text += fmt::format("{}{}:{}", text.empty() ? "" : ",", attribute, id);
  return text;
}

Result<FieldIds> ParseFieldIds(std::string_view text) {
  FieldIds ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    int16_t attribute = 0;
    int32_t id = 0;
    const auto first = std::from_chars(at, end, attribute);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') break;
    const auto second = std::from_chars(first.ptr + 1, end, id);
    if (second.ec != std::errc() || (second.ptr != end && *second.ptr != ',')) break;
    ids[attribute] = id;
    at = second.ptr == end ? end : second.ptr + 1;
  }
  if (at != end) return Error{ErrorKind::kCorrupt, "the property sluice.columns of a lake table is malformed"};
  return ids;
}

Result<FieldIds> FieldIdsOf(const iceberg::TableMetadata& metadata) {
  const auto property = metadata.properties.find(kColumnsProperty);
  return ParseFieldIds(property == metadata.properties.end() ? "" : property->second);
}

}  // namespace sluice

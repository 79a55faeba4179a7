#include "sink/lake/changes_schema.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "sink/lake/lake_properties.h"
#include "sink/lake/reader_profile.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

using iceberg::Field;
using iceberg::Type;
using iceberg::TypeId;

constexpr int16_t kOpNumber = -1, kSequenceNumber = -2;
// The last three columns of the table.
constexpr std::array<int16_t, 3> kStampNumbers{-3, -4, -5};

/// A column that the table of changes must have.
struct Wanted {
  int16_t number = 0;  ///< 0: not known.
  Field field;         ///< With the table's id, or 0.
};

// What every reader takes for the same column of older files (Iceberg, "Schema Evolution").
bool Promotes(const Type& from, const Type& to) {
  if (from.id == TypeId::kInt) return to.id == TypeId::kLong;
  if (from.id == TypeId::kFloat) return to.id == TypeId::kDouble;
  return from.id == TypeId::kDecimal && to.id == TypeId::kDecimal && from.scale == to.scale && from.precision < to.precision;
}

std::string FreeName(std::string name, const std::set<std::string>& taken, std::string_view filler) {
  while (taken.contains(LowerCase(name))) name += filler;
  return name;
}

void ForgetElementIds(Type& type) {
  for (Field& element : type.fields) {
    element.id = 0;
    ForgetElementIds(element.type);
  }
}

std::vector<Wanted> WantedColumns(const iceberg::TableMetadata& table, const FieldIds& table_ids, size_t& own) {
  std::map<int32_t, int16_t> numbers;
  for (const auto& [number, id] : table_ids) numbers[id] = number;
  const std::vector<Field>& fields = table.schema().fields;
  std::set<std::string> taken;
  for (const Field& field : fields) taken.insert(LowerCase(field.name));
  std::vector<Wanted> wanted;
  own = fields.size() - AddedColumnCount();
  for (size_t i = 0; i < own; ++i) {
    const auto number = numbers.find(fields[i].id);
    wanted.push_back({number == numbers.end() ? int16_t{0} : number->second, fields[i]});
  }
  wanted.push_back({kOpNumber, {0, FreeName("_op", taken, "_"), false, iceberg::Primitive(TypeId::kString), "copy, insert, update, delete, truncate or repair"}});
  wanted.push_back({kSequenceNumber, {0, FreeName("_seq", taken, "_"), false, iceberg::Primitive(TypeId::kLong), "The order among the versions of one _lsn"}});
  for (size_t i = 0; i < kStampNumbers.size(); ++i) wanted.push_back({kStampNumbers[i], fields[own + i]});
  return wanted;
}

}  // namespace

Result<ChangesSchema> MakeChangesSchema(const iceberg::TableMetadata& table, const iceberg::TableMetadata* existing) {
  ASSIGN_OR_RETURN(const FieldIds table_ids, FieldIdsOf(table));
  if (table.schema().fields.size() < AddedColumnCount())
    return Error{ErrorKind::kCorrupt, "the lake's schema of " + table.location + " lacks sluice's columns"};
  FieldIds known;
  int32_t last_id = 0;
  std::vector<Field> old;
  if (existing != nullptr) {
    ASSIGN_OR_RETURN(known, FieldIdsOf(*existing));
    // Of another table under the same name the numbers say nothing.
    const auto oid = [](const iceberg::TableMetadata& of) { const auto found = of.properties.find(kTableOidProperty); return found == of.properties.end() ? "" : found->second; };
    if (oid(*existing) != oid(table)) std::erase_if(known, [](const auto& entry) { return entry.first > 0; });
    last_id = existing->last_column_id;
    old = existing->schema().fields;
  }
  const auto find_old = [&](const Wanted& column) {
    const auto id = known.find(column.number);
    return std::find_if(old.begin(), old.end(), [&](const Field& field) {
      if (column.number != 0 && !known.empty() && (id != known.end() || column.number < 0)) return id != known.end() && field.id == id->second;
      return field.name == column.field.name && std::none_of(known.begin(), known.end(), [&](const auto& entry) { return entry.second == field.id; });
    });
  };
  // Partitions hold a column's values as it has them, so there its type stays.
  const auto is_partitioned_by = [&](int32_t id) {
    return std::any_of(existing->specs.begin(), existing->specs.end(), [&](const iceberg::PartitionSpec& spec) {
      return std::any_of(spec.fields.begin(), spec.fields.end(), [&](const iceberg::PartitionField& field) { return field.source_id == id; });
    });
  };
  ChangesSchema made;
  std::set<std::string> taken;
  for (Wanted& column : WantedColumns(table, table_ids, made.own)) {
    made.from.push_back(column.field.id);
    const auto found = find_old(column);
    Field& field = column.field;
    field.required = false;
    const bool same = found != old.end() && SameType(found->type, field.type);
    if (same) field.type = found->type;
    else ForgetElementIds(field.type);
    if (same || (found != old.end() && Promotes(found->type, field.type) && !is_partitioned_by(found->id))) {
      field.id = found->id;
      old.erase(found);
    } else {
      field.id = ++last_id;
    }
    AssignElementIds(field.type, last_id);
    if (column.number != 0) made.field_ids[column.number] = field.id;
    taken.insert(LowerCase(field.name));
    made.iceberg.fields.push_back(std::move(field));
  }
  for (Field& gone : old) {
    gone.name = FreeName(std::move(gone.name), taken, "_" + std::to_string(gone.id));
    taken.insert(LowerCase(gone.name));
    for (const auto& [number, id] : known)
      if (id == gone.id) made.field_ids.emplace(number, id);
    made.from.push_back(0);
    made.iceberg.fields.push_back(std::move(gone));
  }
  if (existing != nullptr) made.iceberg.id = existing->schema().id;
  return made;
}

}  // namespace sluice

#include "iceberg/schema.h"

#include <algorithm>

namespace sluice::iceberg {
namespace {

const Field* FindIn(const std::vector<Field>& fields, int32_t field_id) {
  for (const Field& field : fields) {
    if (field.id == field_id) return &field;
    if (const Field* inside = FindIn(field.type.fields, field_id)) return inside;
  }
  return nullptr;
}

int32_t HighestIn(const std::vector<Field>& fields) {
  int32_t highest = 0;
  for (const Field& field : fields)
    highest = std::max({highest, field.id, HighestIn(field.type.fields)});
  return highest;
}

}  // namespace

const Field* Schema::FindField(int32_t field_id) const { return FindIn(fields, field_id); }

const Field* Schema::FindColumn(std::string_view name) const {
  for (const Field& field : fields)
    if (field.name == name) return &field;
  return nullptr;
}

int32_t Schema::HighestFieldId() const { return HighestIn(fields); }

}  // namespace sluice::iceberg

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "iceberg/type.h"

namespace sluice::iceberg {

/// A table's columns at one version.
struct Schema {
  int32_t id = 0;
  std::vector<Field> fields;
  std::vector<int32_t>
      identifier_field_ids;  ///< Ascending. Required, primitive, not float or double.

  /// The field of that id, also inside nested types; nullptr if there is none. The pointer lives as
  /// long as the schema is not changed.
  const Field* FindField(int32_t field_id) const;

  /// The column of that name; nullptr if there is none.
  const Field* FindColumn(std::string_view name) const;

  /// The highest field id, also inside nested types; 0 in an empty schema.
  int32_t HighestFieldId() const;

  bool operator==(const Schema&) const = default;

  /// Equal but for the schema id.
  bool SameColumns(const Schema& other) const {
    return fields == other.fields && identifier_field_ids == other.identifier_field_ids;
  }
};

}  // namespace sluice::iceberg

#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "change/table_schema.h"

namespace sluice {

/// Rows of one table as the source has them under some of its keys. Tuples are TupleData in text form.
struct RowRepair {
  struct Row {
    size_t key_offset = 0;               ///< A tuple whose key columns alone are set.
    std::optional<size_t> tuple_offset;  ///< The row; absent where the source has none under this key.
  };

  TableSchemaPtr schema;
  std::vector<std::byte> bytes;
  std::vector<Row> rows;

  const std::byte* key(const Row& row) const { return bytes.data() + row.key_offset; }
  /// Null: none.
  const std::byte* tuple(const Row& row) const { return row.tuple_offset ? bytes.data() + *row.tuple_offset : nullptr; }
};

}  // namespace sluice

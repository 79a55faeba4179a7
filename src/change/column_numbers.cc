#include "change/column_numbers.h"

#include <algorithm>

namespace sluice {

ColumnNames NamesOf(const TableSchema& schema) {
  ColumnNames names;
  for (const Column& column : schema.columns)
    if (column.attribute_number != 0) names[column.attribute_number] = column.name;
  return names;
}

std::optional<TableSchema> NumberColumns(const TableSchema& schema, const ColumnNames& known) {
  TableSchema numbered = schema;
  if (known.empty()) return numbered;
  int16_t last = 0;
  for (Column& column : numbered.columns) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const auto& entry) { return entry.second == column.name; });
    if (same != known.end() && column.attribute_number == 0) column.attribute_number = same->first;  // Dropped since.
    const bool another = same != known.end() && column.attribute_number != same->first;
    if (another || column.attribute_number <= last) return std::nullopt;  // Columns come in the order of their numbers.
    last = column.attribute_number;
  }
  return numbered;
}

}  // namespace sluice

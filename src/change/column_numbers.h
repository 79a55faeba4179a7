#pragma once
// Which columns of a destination those of the stream are. The stream names columns without their numbers, and the
// catalog that knows the numbers may be ahead of it.

#include <map>
#include <optional>
#include <string>

#include "change/table_schema.h"

namespace sluice {

/// By pg_attribute.attnum of the source, which survives renames and is never used again. Empty: not known.
using ColumnNames = std::map<int16_t, std::string>;

ColumnNames NamesOf(const TableSchema& schema);

/// `schema` with the number of each column. `known`: what the destination has. nullopt: a name stands for another column
/// now or later, since it was dropped and added again or two changed places, and nobody can tell before or after which.
std::optional<TableSchema> NumberColumns(const TableSchema& schema, const ColumnNames& known);

}  // namespace sluice

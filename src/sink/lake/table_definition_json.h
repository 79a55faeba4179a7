#pragma once
// A table's definition as it is kept beside its rows in the lake, so that the table can be made again without its source.

#include <string>
#include <string_view>

#include "base/result.h"
#include "change/table_definition.h"

namespace sluice {

/// Without what is only of one moment: sizes, sequences' values, when columns were changed. The same for the same table.
std::string ToJson(const TableDefinition& table);

/// Without leaves. Error: kCorrupt.
Result<TableDefinition> ParseTableDefinition(std::string_view json);

}  // namespace sluice

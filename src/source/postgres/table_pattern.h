#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "change/table_schema.h"

namespace sluice {

/// Whether `pattern` matches all of `text`: '*' any run of characters, '?' any one, everything else itself.
bool MatchesGlob(std::string_view pattern, std::string_view text);

/// Whether the configuration takes this table: some include and no exclude pattern matches "namespace.name".
bool TakesTable(const std::vector<std::string>& include, const std::vector<std::string>& exclude, const TableName& table);

}  // namespace sluice

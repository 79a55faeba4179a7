#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace sluice {

/// "facility_id", "hit_at desc", "name asc nulls last". Without a word for them nulls are where Iceberg has them: first, last with desc.
/// nullopt: no column.
std::optional<SortFieldConfig> ParseSortField(std::string_view text);

}  // namespace sluice

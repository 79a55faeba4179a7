#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace sluice {

/// "day(_ingested_at)", "bucket(16, facility_id)", "truncate(10, name)", "kind" or "identity(kind)".
/// nullopt: no such transform, or a width missing, superfluous or out of range.
std::optional<PartitionFieldConfig> ParsePartitionField(std::string_view text);

}  // namespace sluice

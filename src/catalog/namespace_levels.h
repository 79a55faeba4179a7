#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// "a.b" is {"a", "b"}: the catalog's tables join levels by a dot, as Iceberg's JDBC catalog and PyIceberg do.
std::vector<std::string> LevelsOf(std::string_view name_space);

}  // namespace sluice

#pragma once
// Namespaces of several levels. The catalog's tables join levels by a dot, as Iceberg's JDBC catalog and PyIceberg do; paths
// join them by the unit separator.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/namespace_levels.h"

namespace sluice {

/// "a\x1Fb" is "a.b", as the catalog names it.
std::string NamespaceFromPath(std::string_view path_part);

/// The namespaces right below `parent` (nullopt: the top) among those that the catalog names, each once, sorted. A level that
/// only leads to others counts too.
std::vector<std::string> Children(const std::vector<std::string>& name_spaces, const std::optional<std::string>& parent);

/// Whether it is one of them or leads to one.
bool Contains(const std::vector<std::string>& name_spaces, std::string_view name_space);

}  // namespace sluice

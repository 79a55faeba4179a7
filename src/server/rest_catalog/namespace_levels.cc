#include "server/rest_catalog/namespace_levels.h"

#include <algorithm>
#include <set>

namespace sluice {

std::string NamespaceFromPath(std::string_view path_part) {
  std::string name_space(path_part);
  std::replace(name_space.begin(), name_space.end(), '\x1f', '.');
  return name_space;
}

std::vector<std::string> Children(const std::vector<std::string>& name_spaces, const std::optional<std::string>& parent) {
  const std::string start = parent ? *parent + "." : "";
  std::set<std::string> children;
  for (const std::string& name_space : name_spaces)
    if (name_space.starts_with(start)) children.insert(name_space.substr(0, name_space.find('.', start.size())));
  return {children.begin(), children.end()};
}

bool Contains(const std::vector<std::string>& name_spaces, std::string_view name_space) {
  const std::string start = std::string(name_space) + ".";
  return std::any_of(name_spaces.begin(), name_spaces.end(), [&](const std::string& one) { return one == name_space || one.starts_with(start); });
}

}  // namespace sluice

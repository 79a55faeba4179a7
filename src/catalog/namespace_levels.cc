#include "catalog/namespace_levels.h"

namespace sluice {

std::vector<std::string> LevelsOf(std::string_view name_space) {
  std::vector<std::string> levels;
  for (;;) {
    const size_t dot = name_space.find('.');
    levels.emplace_back(name_space.substr(0, dot));
    if (dot == std::string_view::npos) return levels;
    name_space.remove_prefix(dot + 1);
  }
}

}  // namespace sluice

#pragma once

#include <fnmatch.h>

#include <string>
#include <vector>

#include "change/table_schema.h"

namespace sluice {

/// No globs match everything. A name that holds glob characters matches itself; one without namespace is good for all of them.
inline bool MatchesAny(const std::vector<std::string>& globs, const std::string& table) {
  if (globs.empty()) return true;
  const std::string name = table.substr(table.find('.') + 1);
  for (const std::string& glob : globs) {
    const auto fits = [&](const std::string& text) { return glob == text || fnmatch(glob.c_str(), text.c_str(), FNM_NOESCAPE) == 0; };
    if (fits(table) || (glob.find('.') == std::string::npos && fits(name))) return true;
  }
  return false;
}

}  // namespace sluice

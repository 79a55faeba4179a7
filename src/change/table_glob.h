#pragma once

#include <fnmatch.h>

#include <string>
#include <vector>

#include "change/table_schema.h"

namespace sluice {

/// No globs match everything. A name that holds glob characters matches itself.
inline bool MatchesAny(const std::vector<std::string>& globs, const std::string& table) {
  if (globs.empty()) return true;
  for (const std::string& glob : globs)
    if (glob == table || fnmatch(glob.c_str(), table.c_str(), FNM_NOESCAPE) == 0) return true;
  return false;
}

}  // namespace sluice

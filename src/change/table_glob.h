#pragma once

#include <fnmatch.h>

#include <string>
#include <vector>

#include "change/table_schema.h"

namespace sluice {

/// No globs match everything. A name that holds glob characters matches itself; one without namespace is good for all of them.
inline bool MatchesAny(const std::vector<std::string>& globs, const std::string& table) {
  if (globs.empty()) return true;
  for (const std::string& glob : globs) {
    const std::string whole = glob.find('.') == std::string::npos ? "*." + glob : glob;
    if (glob == table || fnmatch(whole.c_str(), table.c_str(), FNM_NOESCAPE) == 0) return true;
  }
  return false;
}

}  // namespace sluice

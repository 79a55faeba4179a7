#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

/// Whether brackets and braces outside of strings of a JSON text are open more than `levels` deep somewhere. The JSON
/// library writes and copies trees by recursion, so that a text must not choose how deep.
inline bool NestsDeeperThan(std::string_view json, size_t levels) {
  size_t open = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (open > levels) return true;
  }
  return false;
}

}  // namespace sluice

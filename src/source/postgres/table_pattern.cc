#include "source/postgres/table_pattern.h"

#include <algorithm>

namespace sluice {

bool MatchesGlob(std::string_view pattern, std::string_view text) {
  // Linear in practice: only the last '*' is ever tried again.
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool TakesTable(const std::vector<std::string>& include, const std::vector<std::string>& exclude, const TableName& table) {
  const std::string name = ToString(table);
  const auto matches = [&](const std::string& pattern) { return MatchesGlob(pattern, name); };
  return std::any_of(include.begin(), include.end(), matches) && std::none_of(exclude.begin(), exclude.end(), matches);
}

}  // namespace sluice

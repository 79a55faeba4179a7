#include "config/sort.h"

namespace sluice {
namespace {

/// Takes the last word off, if it is this one.
bool TakeWord(std::string_view& text, std::string_view word) {
  if (text.size() <= word.size() || !text.ends_with(word) || text[text.size() - word.size() - 1] != ' ') return false;
  text.remove_suffix(word.size());
  while (text.ends_with(' ')) text.remove_suffix(1);
  return true;
}

}  // namespace

std::optional<SortFieldConfig> ParseSortField(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  SortFieldConfig field;
  std::optional<bool> nulls_first;
  for (const std::string_view word : {"first", "last"}) {
    std::string_view rest = text;
    if (!TakeWord(rest, word) || !TakeWord(rest, "nulls")) continue;
    nulls_first = word == "first";
    text = rest;
  }
  if (TakeWord(text, "desc")) field.ascending = false;
  else TakeWord(text, "asc");
  field.nulls_first = nulls_first.value_or(field.ascending);
  if (text.empty()) return std::nullopt;
  field.column = text;
  return field;
}

}  // namespace sluice

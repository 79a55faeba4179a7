#include "change/row_text.h"

namespace sluice {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value)
    if (c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || IsSpace(c)) return true;
  return false;
}

}  // namespace

void RowText::Add(std::optional<std::string_view> value) {
  text_.push_back(text_.empty() ? '(' : ',');
  if (!value) return;
  if (!NeedsQuotes(*value)) {
    text_.append(*value);
    return;
  }
  text_.push_back('"');
  for (const char c : *value) {
    if (c == '"' || c == '\\') text_.push_back(c);
    text_.push_back(c);
  }
  text_.push_back('"');
}

std::string_view RowText::Finish() {
  if (text_.empty()) text_.push_back('(');
  text_.push_back(')');
  return text_;
}

}  // namespace sluice

#include "sink/lake/value_text.h"

namespace sluice::text {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool AppendByte(std::string_view two_digits, std::string& out) {
  const int high = HexDigit(two_digits[0]), low = HexDigit(two_digits[1]);
  out.push_back(static_cast<char>(high * 16 + low));
  return high >= 0 && low >= 0;
}

}  // namespace

bool ParseBytea(std::string_view text, std::string& out) {
  out.clear();
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  for (size_t i = 2; i < text.size(); i += 2)
    if (!AppendByte(text.substr(i, 2), out)) return false;
  return true;
}

bool ParseUuid(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size();) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i++] != '-') return false;
      continue;
    }
    if (!AppendByte(text.substr(i, 2), out)) return false;
    i += 2;
  }
  return true;
}

}  // namespace sluice::text

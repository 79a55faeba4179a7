#include "config/printable.h"

#include <fmt/format.h>

namespace sluice {
namespace {

// How many bytes the character at the front has; 0 if it is no UTF-8.
size_t CharacterLength(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t at = 1; at < length; ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) return 0;
  return length;
}

// Control characters, also those of the second half (C1), of direction and of line separation.
bool IsControl(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  const auto second = static_cast<unsigned char>(character[1]);
  if (first == 0xc2) return second < 0xa0;
  if (character.size() != 3 || first != 0xe2) return false;
  const auto third = static_cast<unsigned char>(character[2]);
  return (second == 0x80 && third >= 0xa8 && third <= 0xae) || (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(character.size());
    if (character == "\n") clean += "\\n";
    else if (character == "\t") clean += "\\t";
    else if (length == 0 || IsControl(character))
      for (const char c : character) clean += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else clean += character;
  }
  return clean;
}

}  // namespace sluice

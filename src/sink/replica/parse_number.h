#pragma once

#include <charconv>
#include <string_view>

namespace sluice {

/// Of what the server prints: 0 where it is no number.
template <class Number>
Number ParseNumber(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace sluice

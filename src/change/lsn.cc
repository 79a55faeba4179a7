#include "change/lsn.h"

#include <fmt/format.h>

#include <charconv>

namespace sluice {

std::string ToString(Lsn lsn) {
  return fmt::format("{:X}/{:X}", lsn.value >> 32, lsn.value & 0xffffffff);
}

Result<Lsn> ParseLsn(std::string_view text) {
  const size_t slash = text.find('/');
  uint32_t high = 0;
  uint32_t low = 0;
  const auto parse = [](std::string_view digits, uint32_t& into) {
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), into, 16);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  };
  if (slash == std::string_view::npos || !parse(text.substr(0, slash), high) ||
      !parse(text.substr(slash + 1), low))
    return Error{ErrorKind::kCorrupt, fmt::format("not a log position: {:.40}", text)};
  return Lsn{static_cast<uint64_t>(high) << 32 | low};
}

}  // namespace sluice

#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// A byte position in the write-ahead log. Comparable only within one system identifier and timeline.
struct Lsn {
  uint64_t value = 0;

  auto operator<=>(const Lsn&) const = default;
  bool valid() const { return value != 0; }
};

/// As PostgreSQL prints it: "5C/9A01F2E8".
std::string ToString(Lsn lsn);

/// Error: kCorrupt unless `text` is two hexadecimal numbers of at most eight digits with a slash between.
Result<Lsn> ParseLsn(std::string_view text);

}  // namespace sluice

#pragma once

#include <compare>
#include <cstdint>

namespace sluice {

/// Where a row of a table lies: a file by the writer's number, and the row in it.
struct RowLocation {
  uint32_t file = 0;
  uint32_t row = 0;

  auto operator<=>(const RowLocation&) const = default;
};

/// Means rows that are not in a file yet; orders after all files.
inline constexpr uint32_t kOpenFile = 0xFFFFFFFE;
inline constexpr uint32_t kNoFile = 0xFFFFFFFF;

}  // namespace sluice

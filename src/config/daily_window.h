#pragma once

#include <chrono>

namespace sluice {

/// A part of every day, in UTC.
struct DailyWindow {
  std::chrono::minutes begin{0};
  std::chrono::minutes end{0};  ///< Before begin: over midnight. Equal: the whole day.

  bool Contains(std::chrono::sys_time<std::chrono::microseconds> at) const {
    const auto minute = std::chrono::floor<std::chrono::minutes>(at - std::chrono::floor<std::chrono::days>(at));
    if (begin == end) return true;
    return begin < end ? begin <= minute && minute < end : minute >= begin || minute < end;
  }
};

}  // namespace sluice

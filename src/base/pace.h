#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stop_token>

#include "base/pause.h"

namespace sluice {

/// Keeps work within bytes per second, on the average. Time in which nothing was to be done is not caught up. Not thread-safe.
class Pace {
 public:
  /// 0: as fast as it can.
  explicit Pace(uint64_t bytes_per_second_max) : bytes_per_second_max_(bytes_per_second_max) {}

  /// Waits until what was admitted before has had its time, or a request to stop; these bytes have theirs from then on.
  void Admit(uint64_t bytes, const std::stop_token& stop) {
    if (bytes_per_second_max_ == 0) return;
    const auto now = std::chrono::steady_clock::now();
    next_ = std::max(next_, now);
    Pause(next_ - now, stop);
    const std::chrono::duration<double> taken(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_max_));
    next_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(taken);
  }

 private:
  const uint64_t bytes_per_second_max_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace sluice

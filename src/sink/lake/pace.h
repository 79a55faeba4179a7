#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "base/pause.h"

namespace sluice {

/// Keeps work within bytes per second, on the average since it began. Not thread-safe.
class Pace {
 public:
  /// 0: as fast as it can.
  explicit Pace(uint64_t bytes_per_second_max) : bytes_per_second_max_(bytes_per_second_max) {}

  /// Waits as long as these bytes should have taken, or until stopped.
  void Spend(uint64_t bytes, const std::stop_token& stop) {
    if (bytes_per_second_max_ == 0) return;
    const auto now = std::chrono::steady_clock::now();
    // What was not used while nothing was to be done is not caught up.
    if (due_ < now) due_ = now;
    due_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_max_)));
    Pause(due_ - now, stop);
  }

 private:
  const uint64_t bytes_per_second_max_;
  std::chrono::steady_clock::time_point due_{};
};

}  // namespace sluice

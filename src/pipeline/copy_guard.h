#pragma once
// Keeps a copy from being felt at the source: a limited rate, and a pause while a standby of the source is behind.

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>

#include "base/pace.h"
#include "base/result.h"

namespace sluice {

/// Thread-safe: all that read wait at the same gate.
class CopyGuard {
 public:
  struct Limits {
    uint64_t bytes_per_second_max = 0;              ///< 0: as fast as it can.
    std::chrono::milliseconds standby_lag_max{0};   ///< 0: not looked at.
  };
  /// How far behind the slowest standby is; nullopt: there is none, or we may not know.
  using StandbyLag = std::function<Result<std::optional<std::chrono::milliseconds>>()>;

  CopyGuard(Limits limits, StandbyLag standby_lag) : limits_(limits), standby_lag_(std::move(standby_lag)), pace_(limits.bytes_per_second_max) {}

  /// Waits until so many bytes more may be read, or a request to stop.
  void Admit(uint64_t bytes, const std::stop_token& stop);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  void WaitForStandbys(const std::stop_token& stop);

  const Limits limits_;
  const StandbyLag standby_lag_;

  std::mutex mutex_;  // Guards everything below, and is held while waiting.
  Pace pace_;
  SteadyTime looked_at_{};
};

}  // namespace sluice

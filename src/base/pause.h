#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace sluice {

/// Waits on nothing but time and a request to stop.
inline void Pause(std::chrono::steady_clock::duration time, const std::stop_token& stop) {
  if (time <= std::chrono::steady_clock::duration::zero()) return;
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace sluice

#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "storage/object_store.h"

namespace sluice {

/// Files that nothing reaches any more, deleted after a time in which readers may still use them. A cache: what is
/// forgotten at an end of the process stays as an orphan. Thread-safe.
class Garbage {
 public:
  using Clock = std::chrono::steady_clock;

  Garbage(ObjectStore& store, std::chrono::seconds grace) : store_(store), grace_(grace) {}

  void Add(std::vector<std::string> uris);
  /// Deletes what is due, at most `count_max` files; failures are logged and tried again later.
  void Collect(size_t count_max = 1000);
  size_t size() const;

 private:
  static constexpr size_t kHeldMax = 200'000;

  ObjectStore& store_;
  const std::chrono::seconds grace_;

  mutable std::mutex mutex_;  // Guards everything below.
  std::deque<std::pair<Clock::time_point, std::string>> waiting_;
};

}  // namespace sluice

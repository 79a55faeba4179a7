#pragma once
// A queue between two threads, bounded in bytes, since rows differ a thousandfold.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/check.h"

namespace sluice {

enum class QueueState { kDone, kTimedOut, kClosed };

/// Thread-safe. Closing lets the consumer drain what is left and refuses everything new.
template <class Item>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {
    SLUICE_CHECK(capacity_bytes > 0);
  }

  /// Waits for room up to `wait_max`; moves from `item` only when it returns kDone.
  QueueState Push(Item& item, size_t size_bytes, std::chrono::milliseconds wait_max) {
    std::unique_lock lock(mutex_);
    // An item above the capacity enters an empty queue alone: refusing it would deadlock.
    const bool room = changed_.wait_for(lock, wait_max, [&] {
      return closed_ || items_.empty() || held_bytes_ + size_bytes <= capacity_bytes_;
    });
    if (closed_) return QueueState::kClosed;
    if (!room) return QueueState::kTimedOut;
    items_.emplace_back(std::move(item), size_bytes);
    held_bytes_ += size_bytes;
    changed_.notify_all();
    return QueueState::kDone;
  }

  /// Waits for an item up to `wait_max`. kClosed only once the queue is closed *and* empty.
  QueueState Pop(std::optional<Item>& item, std::chrono::milliseconds wait_max) {
    std::unique_lock lock(mutex_);
    const bool ready = changed_.wait_for(lock, wait_max, [&] { return closed_ || !items_.empty(); });
    if (!items_.empty()) {
      const size_t size_bytes = items_.front().second;
      item = std::move(items_.front().first);
      items_.pop_front();
      SLUICE_CHECK(held_bytes_ >= size_bytes);  // Nothing leaves that didn't enter.
      held_bytes_ -= size_bytes;
      changed_.notify_all();
      return QueueState::kDone;
    }
    return ready ? QueueState::kClosed : QueueState::kTimedOut;
  }

  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  bool empty() const {
    const std::lock_guard lock(mutex_);
    return items_.empty();
  }

  size_t held_bytes() const {
    const std::lock_guard lock(mutex_);
    return held_bytes_;
  }

  size_t capacity_bytes() const { return capacity_bytes_; }

 private:
  const size_t capacity_bytes_;

  mutable std::mutex mutex_;  // Guards everything below.
  std::condition_variable changed_;
  std::deque<std::pair<Item, size_t>> items_;
  size_t held_bytes_ = 0;
  bool closed_ = false;
};

}  // namespace sluice

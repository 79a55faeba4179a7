#pragma once
// How old a destination may be. It grows by itself: a sink that is cut off, stuck or idle without proof gets
// older with every second. Pure.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.h"

namespace sluice {

class Freshness {
 public:
  /// Everything the source committed up to `source_time` (by its clock) is visible. Never goes back; zero: unknown.
  void Visible(Timestamp source_time) { visible_until_ = std::max(visible_until_, source_time); }

  /// How far the source's clock is ahead of ours.
  void SourceClockAhead(std::chrono::microseconds ahead) { source_ahead_ = ahead; }

  /// By the source's clock; nothing is known before the first copy is complete.
  std::optional<Timestamp> visible_until() const {
    return visible_until_ == Timestamp{} ? std::nullopt : std::optional(visible_until_);
  }

  std::optional<std::chrono::microseconds> Age(const Clock& clock) const {
    if (visible_until_ == Timestamp{}) return std::nullopt;
    return std::max(std::chrono::microseconds(0), clock.Now() + source_ahead_ - visible_until_);
  }

 private:
  Timestamp visible_until_{};
  std::chrono::microseconds source_ahead_{0};
};

/// Events per second over the last ten.
class Rate {
 public:
  void Add(Timestamp now, uint64_t count) {
    Forget(now);
    counts_.push_back({now, count});
  }

  double PerSecond(Timestamp now) {
    Forget(now);
    uint64_t sum = 0;
    for (const auto& entry : counts_) sum += entry.count;
    return static_cast<double>(sum) / 10.0;
  }

 private:
  struct Entry {
    Timestamp at;
    uint64_t count;
  };

  void Forget(Timestamp now) {
    while (!counts_.empty() && counts_.front().at + std::chrono::seconds(10) < now) counts_.pop_front();
    if (counts_.size() < 1024) return;
    counts_[1].count += counts_[0].count;  // Bounded: a commit per 10 ms and more share an entry.
    counts_.pop_front();
  }

  std::deque<Entry> counts_;
};

}  // namespace sluice

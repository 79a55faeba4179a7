#pragma once
// When the log that a slot retains will pass a size, by how it grew over the last minutes. Pure.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace sluice {

class SlotForecast {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  void Add(SteadyTime now, uint64_t retained_bytes) {
    samples_.push_back({now, retained_bytes});
    while (samples_.front().at + kWindow < now) samples_.pop_front();
  }

  /// Nullopt: it does not grow, or is not known for long enough. Zero: passed already.
  std::optional<std::chrono::seconds> Until(uint64_t bytes) const {
    if (!samples_.empty() && samples_.back().bytes >= bytes) return std::chrono::seconds(0);
    const double rate = BytesPerSecond();
    if (rate <= 0) return std::nullopt;
    const double left = static_cast<double>(bytes - samples_.back().bytes) / rate;
    return std::chrono::seconds(static_cast<int64_t>(std::min(left, 1e9)));
  }

 private:
  struct Sample {
    SteadyTime at;
    uint64_t bytes;
  };
  static constexpr std::chrono::minutes kWindow{10};
  static constexpr std::chrono::seconds kKnownAfter{60};

  // What a healthy slot retains is a sawtooth, so its troughs are compared.
  double BytesPerSecond() const {
    if (samples_.size() < 2 || samples_.back().at - samples_.front().at < kKnownAfter) return 0;
    const SteadyTime middle = samples_.front().at + (samples_.back().at - samples_.front().at) / 2;
    uint64_t older = UINT64_MAX, newer = UINT64_MAX;
    for (const Sample& sample : samples_) {
      uint64_t& trough = sample.at < middle ? older : newer;
      trough = std::min(trough, sample.bytes);
    }
    if (newer <= older) return 0;
    const std::chrono::duration<double> apart = (samples_.back().at - samples_.front().at) / 2;
    return static_cast<double>(newer - older) / apart.count();
  }

  std::deque<Sample> samples_;  // Bounded by the window: one every few seconds.
};

}  // namespace sluice

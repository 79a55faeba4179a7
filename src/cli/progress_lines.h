#pragma once
// What a terminal shows while sluice runs, as lines. Pure.

#include <chrono>
#include <string>
#include <vector>

#include "pipeline/progress.h"
#include "pipeline/status.h"

namespace sluice::cli {

/// Bytes per second over about the last minute, and what follows from it.
class Speed {
 public:
  /// `bytes`: all that was read so far, `now`: seconds since any fixed moment.
  void Sample(double now, uint64_t bytes);
  double bytes_per_second() const { return rate_; }
  /// "3m 37s", or "–" until ten seconds of data are there.
  std::string Eta(uint64_t bytes_left) const;

 private:
  bool started_ = false;
  double first_ = 0, last_ = 0;
  uint64_t bytes_ = 0;
  double rate_ = 0;
};

/// "▕██████▍░░░▏", `cells` wide between its ends. Full only at 1.
std::string Bar(double share, size_t cells);

/// Per running table one line and an overall line. At most `lines_max` tables; at most `width` columns.
std::vector<std::string> CopyLines(const PipelineStatus& status, const CopyProgressSnapshot& copy, const Speed& speed, size_t width, size_t lines_max);

/// Per sink how fresh it is, and what the slot holds.
std::vector<std::string> StreamLines(const PipelineStatus& status, size_t width);

/// "1.8 s", or "unknown" before the first copy is complete.
std::string FreshnessOf(const SinkStatus& sink);

}  // namespace sluice::cli

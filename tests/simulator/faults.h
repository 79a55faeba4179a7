#pragma once
// Which calls of the fakes fail in a seed, and how often.

#include <array>
#include <cstddef>

#include "random.h"

namespace sluice::simulator {

enum class Fault {
  kStreamCut,       ///< Per message.
  kSourceError,     ///< Per call.
  kSourceSlow,      ///< Per call.
  kExporterKilled,  ///< Per snapshot.
  kSinkError,       ///< Per call.
  kSinkSlow,        ///< Per call.
  kCommitLost,      ///< Per commit, as the three below: it took effect, the reply did not come.
  kCommitUndone,    ///< It did not take effect, nor did the reply come.
  kCommitLate,      ///< It takes effect only after the reply did not come, if nobody fences it.
  kTableError,      ///< Per table and batch.
  kFollowError,     ///< Per table that is followed.
  kEnd,
};

class Faults {
 public:
  explicit Faults(uint64_t seed) : random_(seed, 2) {
    constexpr double kMost[] = {0.01, 0.05, 0.05, 0.3, 0.02, 0.05, 0.1, 0.05, 0.1, 0.01, 0.9};
    static_assert(std::size(kMost) == static_cast<size_t>(Fault::kEnd));
    for (size_t i = 0; i < rates_.size(); ++i)
      if (random_.Chance(0.35)) rates_[i] = kMost[i] * (random_.Chance(0.5) ? 1 : 0.15);
  }

  bool Strikes(Fault fault) { return on_ && random_.Chance(rates_[static_cast<size_t>(fault)]); }
  bool on() const { return on_; }
  void End() { on_ = false; }
  Random& random() { return random_; }

 private:
  Random random_;
  std::array<double, static_cast<size_t>(Fault::kEnd)> rates_{};
  bool on_ = true;
};

}  // namespace sluice::simulator

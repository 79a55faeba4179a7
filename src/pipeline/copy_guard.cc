#include "pipeline/copy_guard.h"

#include <string>

#include "base/pause.h"
#include "observability/log.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kLookInterval{1};

}  // namespace

void CopyGuard::Admit(uint64_t bytes, const std::stop_token& stop) {
  const std::lock_guard lock(mutex_);
  WaitForStandbys(stop);
  pace_.Admit(bytes, stop);
}

void CopyGuard::WaitForStandbys(const std::stop_token& stop) {
  if (limits_.standby_lag_max.count() == 0) return;
  bool waiting = false;
  while (!stop.stop_requested()) {
    if (!waiting && std::chrono::steady_clock::now() - looked_at_ < kLookInterval) return;
    const auto lag = standby_lag_();
    looked_at_ = std::chrono::steady_clock::now();
    // Looking is a side matter: if the source is gone, the copy says so itself.
    if (!lag.ok() || !*lag || **lag <= limits_.standby_lag_max) break;
    if (!waiting)
      log::Warn("pipeline", "copy.gives_way", "the copy waits, because a standby of the source is behind",
                {{"lag_ms", std::to_string((*lag)->count())}, {"lag_ms_max", std::to_string(limits_.standby_lag_max.count())}});
    waiting = true;
    Pause(kLookInterval, stop);
  }
  if (waiting) log::Info("pipeline", "copy.goes_on", "the copy goes on");
}

}  // namespace sluice

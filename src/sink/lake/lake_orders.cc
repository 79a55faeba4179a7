#include "sink/lake/lake_orders.h"

#include <utility>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kTellInterval{200};

Error Busy(std::string message) { return Error{ErrorKind::kUnavailable, std::move(message), slu::kLakeBusy}; }

}  // namespace

Result<LakeReport> LakeOrders::Ask(LakeOrder order, const Observer& observe, std::stop_token stop, std::chrono::milliseconds begin_within) {
  const auto begin_until = std::chrono::steady_clock::now() + begin_within;
  std::unique_lock lock(mutex_);
  if (state_ != State::kIdle) return Busy("other work that was asked for goes on in the lake");
  state_ = State::kWaiting;
  order_ = std::move(order);
  progress_ = {};
  report_.reset();
  abandoned_ = false;
  waiting_ = true;
  while (!changed_.wait_for(lock, kTellInterval, [&] { return state_ == State::kDone; })) {
    const bool begun = state_ == State::kAtWork;
    if (!begun && std::chrono::steady_clock::now() >= begin_until) {
      waiting_ = false;
      state_ = State::kIdle;
      return Busy("nothing streams into the lake at the moment, so there was nobody to do it");
    }
    const LakeProgress progress = progress_;
    lock.unlock();
    const bool wanted = !stop.stop_requested() && (!begun || observe(progress));
    lock.lock();
    if (wanted) continue;
    if (state_ == State::kWaiting) {
      waiting_ = false;
      state_ = State::kIdle;
      return Error{ErrorKind::kCancelled, "stopped on request"};
    }
    abandoned_ = true;  // The sink ends it at its next step.
  }
  state_ = State::kIdle;
  return *std::exchange(report_, std::nullopt);
}

std::optional<LakeOrder> LakeOrders::Begin() {
  if (!waiting_.load(std::memory_order_relaxed)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (state_ != State::kWaiting) return std::nullopt;
  waiting_ = false;
  state_ = State::kAtWork;
  return std::move(order_);
}

void LakeOrders::Tell(LakeProgress progress) {
  const std::lock_guard lock(mutex_);
  progress_ = std::move(progress);
}

void LakeOrders::End(Result<LakeReport> report) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kAtWork) return;
  report_ = std::move(report);
  state_ = State::kDone;
  changed_.notify_all();
}

}  // namespace sluice

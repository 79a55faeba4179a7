#include "pipeline/sink_hold.h"

#include <fmt/format.h>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kGiveUpPoll{100};

}  // namespace

Status SinkHold::Order(std::vector<RowRepair> repairs) {
  std::unique_lock lock(mutex_);
  if (state_ != State::kHeld)
    return Error{ErrorKind::kUnavailable, fmt::format("sink \"{}\" went on before its rows were there", sink_), slu::kRepairTooLate};
  repairs_ = std::move(repairs);
  state_ = State::kOrdered;
  changed_.notify_all();
  changed_.wait(lock, [&] { return state_ == State::kDone || state_ == State::kReleased; });
  if (state_ == State::kReleased)
    return Error{ErrorKind::kUnavailable, fmt::format("sink \"{}\" ended before its rows were put right", sink_), slu::kRepairTooLate};
  return outcome_;
}

void SinkHold::Release() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kHeld) state_ = State::kReleased;
  changed_.notify_all();
}

std::vector<RowRepair> SinkHold::Await(const std::function<bool()>& give_up) {
  const auto deadline = std::chrono::steady_clock::now() + kSinkHoldMax;
  std::unique_lock lock(mutex_);
  while (state_ == State::kHeld) {
    if (give_up() || std::chrono::steady_clock::now() >= deadline) {
      state_ = State::kReleased;
      changed_.notify_all();
      return {};
    }
    changed_.wait_for(lock, kGiveUpPoll, [&] { return state_ != State::kHeld; });
  }
  if (state_ != State::kOrdered) return {};
  state_ = State::kWorking;
  return std::move(repairs_);
}

void SinkHold::Done(Status status) {
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(status);
  state_ = State::kDone;
  changed_.notify_all();
}

}  // namespace sluice

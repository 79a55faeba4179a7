#pragma once
// One sink that stands still behind a barrier until it is told which rows to put right.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "sink/row_repair.h"

namespace sluice {

/// From the moment when the sink is there; the other sinks go on meanwhile, as far as their queues reach.
inline constexpr std::chrono::seconds kSinkHoldMax{60};

/// Thread-safe.
class SinkHold {
 public:
  explicit SinkHold(std::string sink) : sink_(std::move(sink)) {}

  const std::string& sink() const { return sink_; }

  // ── who repairs ──

  /// Hands the rows over and waits until they are durable. Error: kUnavailable (7008: the sink went on), or the sink's.
  Status Order(std::vector<RowRepair> repairs);
  /// There is nothing (more) to do. Harmless after Order.
  void Release();

  // ── the sink's thread ──

  /// What to put right; empty: nothing, go on. `give_up`: asked often; true ends the wait.
  std::vector<RowRepair> Await(const std::function<bool()>& give_up);
  void Done(Status status);

 private:
  enum class State { kHeld, kOrdered, kWorking, kDone, kReleased };

  const std::string sink_;

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable changed_;
  State state_ = State::kHeld;
  std::vector<RowRepair> repairs_;
  Status outcome_;
};

}  // namespace sluice

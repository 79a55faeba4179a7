#pragma once
// A moment of the source that every sink is held to for as long as it takes to look.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/copy_state.h"
#include "pipeline/sink_hold.h"
#include "sink/sink.h"

namespace sluice {

/// What one sink showed at the barrier.
struct SinkCut {
  std::string sink;
  CopiedTables copied;
  std::unique_ptr<SinkView> view;
  HeldTables held;
};

/// Travels through every sink's queue behind the last transaction that commits before lsn(). Thread-safe.
class Barrier {
 public:
  /// `held_sink`: the one that waits behind its view for what is to be put right; empty: none.
  Barrier(Lsn lsn, size_t sinks, const std::string& held_sink = "") : lsn_(lsn), missing_(sinks) {
    if (!held_sink.empty()) hold_.emplace(held_sink);
  }

  /// Exported snapshot's LSN: transactions with commit_lsn < lsn() are before the barrier.
  Lsn lsn() const { return lsn_; }

  /// The hold on this sink, or null.
  SinkHold* HoldOf(std::string_view sink) { return hold_ && hold_->sink() == sink ? &*hold_ : nullptr; }
  SinkHold* hold() { return hold_ ? &*hold_ : nullptr; }

  void Arrive(SinkCut cut) {
    const std::lock_guard lock(mutex_);
    cuts_.push_back(std::move(cut));
    --missing_;
    changed_.notify_all();
  }

  /// A sink will not arrive.
  void Fail(Error error) {
    const std::lock_guard lock(mutex_);
    if (missing_ > 0 && failure_.ok()) failure_ = std::move(error);
    changed_.notify_all();
  }

  /// Until all sinks have arrived, in the order in which they did; or the failure.
  Result<std::vector<SinkCut>> Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return missing_ == 0 || !failure_.ok(); });
    if (!failure_.ok()) return failure_.error();
    return std::move(cuts_);
  }

 private:
  const Lsn lsn_;
  std::optional<SinkHold> hold_;

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable changed_;
  size_t missing_;
  std::vector<SinkCut> cuts_;
  Status failure_;
};

}  // namespace sluice

#pragma once
// How verification and the running pipeline meet: who wants to compare asks here, the reader answers between two
// batches. Outlives the pipelines that come and go.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "pipeline/barrier.h"
#include "source/initial_copy.h"

namespace sluice {

/// How long the stream may stand still for an exported snapshot.
inline constexpr std::chrono::seconds kReaderPauseMax{5};

/// All sinks and the source at one moment.
struct ConsistentCut {
  std::shared_ptr<void> sinks_owner;          ///< Keeps what the views look at. Destroyed last.
  std::unique_ptr<InitialCopy> source_rows;   ///< The exported snapshot.
  std::vector<SinkCut> sinks;
  std::shared_ptr<Barrier> barrier;
};

/// Thread-safe.
class CutRequests {
 public:
  using Export = std::function<Result<std::unique_ptr<InitialCopy>>()>;

  // ── who compares ──

  /// Until a pipeline streams. Error: what ended the pipeline before that.
  Status WaitUntilStreaming();
  /// Or until `wait_max` has passed; whatever the last pipeline ended with.
  void WaitUntilStreaming(std::chrono::milliseconds wait_max);

  /// Pauses the reader, calls `export_snapshot`, and waits until every sink stands at that moment.
  /// Error: kUnavailable (no pipeline streams 7003; the snapshot took too long 7004; the pipeline ended),
  /// kConflict (7005: somebody else compares). `held_sink`: stands still from then on, until its hold is released.
  Result<ConsistentCut> Take(const Export& export_snapshot, const std::string& held_sink = "");

  // ── the pipeline ──

  /// The stream runs. `owner` keeps the sinks.
  void Attach(size_t sinks, std::shared_ptr<void> owner);
  /// The pipeline ends, for this reason; `another_follows` at once.
  void Detach(const Error& reason, bool another_follows = false);

  /// Called by the reader between two batches: at once null if nobody asked; otherwise stands still, at most
  /// kReaderPauseMax, and returns the barrier to put into the queues. `keep_alive` is called meanwhile.
  Result<std::shared_ptr<Barrier>> PauseIfAsked(const std::function<Status()>& keep_alive, std::stop_token stop);

 private:
  Result<ConsistentCut> TakeOnce(const Export& export_snapshot, const std::string& held_sink);

  enum class State { kIdle, kAsked, kPaused, kExpired, kReady };

  std::atomic<bool> asked_{false};  // Read on every batch; the rest only when it is set.

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable_any changed_;
  State state_ = State::kIdle;
  bool busy_ = false;       // One comparison takes its cut at a time.
  bool attached_ = false;
  bool another_follows_ = false;
  Status ended_;            // Why the last pipeline ended; Ok while none has.
  size_t sinks_ = 0;
  std::shared_ptr<void> owner_;
  std::shared_ptr<Barrier> barrier_;  // The one being waited for.
};

}  // namespace sluice

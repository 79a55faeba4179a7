#pragma once
// One sink at work: takes batches from its queue, writes them, commits when the schedule says so.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <variant>

#include "base/bounded_queue.h"
#include "change/position.h"
#include "pipeline/barrier.h"
#include "pipeline/commit_schedule.h"
#include "sink/sink.h"

namespace sluice {

using SinkItem = std::variant<ChangeBatchPtr, std::shared_ptr<Barrier>>;

/// Told by the sink's thread; must be thread-safe and quick.
class SinkObserver {
 public:
  virtual ~SinkObserver() = default;
  /// `visible_until`: by the source's clock. `changes`: how many became durable.
  virtual void SinkMoved(std::string_view sink, Lsn durable, Timestamp visible_until, uint64_t changes) = 0;
};

class SinkThread {
 public:
  /// `on_failure` is called once, on the sink's thread, when it ends by an error.
  SinkThread(Sink& sink, LogIdentity log, CommitPolicy policy, size_t queue_bytes_max, SinkObserver& observer,
             std::function<void(Error)> on_failure);
  ~SinkThread();

  void Start();

  /// Moves from `item` only when it returns kDone. kClosed: the thread has failed or was told to finish.
  QueueState Push(SinkItem& item, size_t size_bytes, std::chrono::milliseconds wait_max);

  /// Nothing more will come: drain, commit at the last transaction end, end.
  void Finish();
  /// After Finish() or a failure.
  void Join();

  std::string_view name() const { return sink_.name(); }
  Lsn durable() const { return Lsn{durable_.load()}; }
  size_t queued_bytes() const { return queue_.held_bytes(); }

 private:
  void Run();
  Status WorkUntilClosed();
  Status Take(const SinkItem& item);
  Status TakeBatch(const ChangeBatchPtr& batch);
  Status TakeBarrier(Barrier& barrier);
  Status StandStill(SinkHold& hold);
  /// `refused`: nothing was changed, and the sink goes on.
  Status PutRight(const std::vector<RowRepair>& repairs, bool& refused);
  Status Commit();

  Sink& sink_;
  const LogIdentity log_;
  const CommitPolicy policy_;
  SinkObserver& observer_;
  const std::function<void(Error)> on_failure_;
  BoundedQueue<SinkItem> queue_;
  std::atomic<uint64_t> durable_;
  std::atomic<bool> finishing_{false};
  CommitSchedule schedule_;  // Of the sink's thread alone.
  std::thread thread_;
};

}  // namespace sluice

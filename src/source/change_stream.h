#pragma once

#include <chrono>

#include "base/result.h"
#include "change/change_batch.h"

namespace sluice {

/// Pulls batches from one replication slot. One thread uses it at a time.
class ChangeStream {
 public:
  virtual ~ChangeStream() = default;

  /// Waits up to `wait_max` for changes, then returns all that is there, up to one batch. Null: nothing came.
  /// A batch without transactions tells that the log moved on without changes for us.
  /// Error: kUnavailable (connection lost: open again), kSourceLost (slot or WAL gone), kCorrupt (malformed
  /// message), kNeedsOperator.
  virtual Result<ChangeBatchPtr> Next(std::chrono::milliseconds wait_max) = 0;

  /// Tells the source that everything up to `durable` may be forgotten; also says that we are alive, so call it
  /// while waiting for room. Sent at most once a second unless `durable` advanced. Never goes backwards.
  virtual Status Acknowledge(Lsn durable) = 0;
};

}  // namespace sluice

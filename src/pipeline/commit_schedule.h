#pragma once
// When a sink commits. Pure: told what happened and when, it says whether a commit is due.

#include <chrono>
#include <cstdint>

#include "change/change_batch.h"

namespace sluice {

using SteadyTime = std::chrono::steady_clock::time_point;

struct CommitPolicy {
  std::chrono::milliseconds commit_interval{0};  ///< 0: as soon as nothing more is queued.
  uint64_t commit_bytes_max = 32ull << 20;
};

/// A bookmark that moves without data costs a commit for nothing but the slot's sake.
inline constexpr std::chrono::seconds kIdleBookmarkInterval{10};
/// The first such move after data comes soon: the log has gone on a little behind the last change, and whoever
/// waits for a position, or shuts the source down, should not wait for long.
inline constexpr std::chrono::seconds kFirstIdleBookmarkInterval{1};
/// With commit_interval 0 a queue that is never empty must not put the commit off for ever.
inline constexpr std::chrono::milliseconds kBacklogCommitInterval{1000};

class CommitSchedule {
 public:
  CommitSchedule(CommitPolicy policy, Lsn bookmark, Timestamp visible_until, SteadyTime now);

  /// Everything in it is durable already, so it needs no writing.
  bool Covers(const ChangeBatch& batch) const;
  void Wrote(const ChangeBatch& batch, SteadyTime now);
  /// What Wrote() told up to here is durable.
  void Committed(SteadyTime now);

  bool Due(SteadyTime now, bool queue_empty, uint64_t uncommitted_bytes) const;
  /// How long Due() will stay false if nothing more comes.
  std::chrono::milliseconds WaitMax(SteadyTime now) const;

  /// There is something that a commit would make durable or move, and a transaction ends here.
  bool CanCommit() const { return !in_transaction_ && lsn_ > bookmark_; }
  bool dirty() const { return dirty_; }
  bool in_transaction() const { return in_transaction_; }

  Lsn lsn() const { return lsn_; }                          ///< What a commit now would make durable.
  Timestamp source_time() const { return source_time_; }    ///< Goes with lsn().
  Lsn bookmark() const { return bookmark_; }
  /// Everything the source committed up to then is visible at the destination.
  Timestamp visible_until() const { return visible_until_; }
  uint64_t changes() const { return changes_; }             ///< Written since the last commit.

 private:
  SteadyTime Deadline() const;

  const CommitPolicy policy_;
  Lsn bookmark_;
  Lsn lsn_;
  Timestamp source_time_{};
  Timestamp visible_until_{};
  bool dirty_ = false;
  bool in_transaction_ = false;
  uint64_t changes_ = 0;
  SteadyTime dirty_since_{};
  SteadyTime last_commit_{};
  bool data_in_last_commit_ = true;
};

}  // namespace sluice

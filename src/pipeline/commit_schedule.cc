#include "pipeline/commit_schedule.h"

#include <algorithm>

namespace sluice {

using std::chrono::milliseconds;

CommitSchedule::CommitSchedule(CommitPolicy policy, Lsn bookmark, Timestamp visible_until, SteadyTime now)
    : policy_(policy), bookmark_(bookmark), lsn_(bookmark), source_time_(visible_until),
      visible_until_(visible_until), last_commit_(now) {}

bool CommitSchedule::Covers(const ChangeBatch& batch) const {
  if (batch.transactions.empty()) return batch.end_lsn <= lsn_ && batch.source_time <= source_time_;
  const Lsn end = batch.transactions.back().end_lsn;
  return !in_transaction_ && end.valid() && end <= bookmark_;
}

void CommitSchedule::Wrote(const ChangeBatch& batch, SteadyTime now) {
  uint64_t changes = 0;
  for (const Transaction& transaction : batch.transactions) changes += transaction.change_count;
  if (changes > 0 && !dirty_) {
    dirty_ = true;
    dirty_since_ = now;
  }
  changes_ += changes;
  if (!batch.transactions.empty()) in_transaction_ = !batch.transactions.back().ends_here;
  if (in_transaction_) return;
  lsn_ = std::max(lsn_, batch.end_lsn);
  if (!batch.transactions.empty()) lsn_ = std::max(lsn_, batch.transactions.back().end_lsn);
  source_time_ = std::max(source_time_, batch.source_time);
  // Sent again although it is durable: nothing to commit.
  if (lsn_ <= bookmark_) {
    dirty_ = false;
    changes_ = 0;
  }
  // Nothing is outstanding, so what the source says about its progress is true of the destination too.
  if (!dirty_) visible_until_ = source_time_;
}

void CommitSchedule::Committed(SteadyTime now) {
  bookmark_ = lsn_;
  visible_until_ = source_time_;
  data_in_last_commit_ = dirty_;
  dirty_ = false;
  changes_ = 0;
  last_commit_ = now;
}

SteadyTime CommitSchedule::Deadline() const {
  if (!CanCommit()) return SteadyTime::max();
  if (!dirty_) return last_commit_ + (data_in_last_commit_ ? kFirstIdleBookmarkInterval : kIdleBookmarkInterval);
  if (policy_.commit_interval.count() == 0) return dirty_since_ + kBacklogCommitInterval;
  return dirty_since_ + policy_.commit_interval;
}

bool CommitSchedule::Due(SteadyTime now, bool queue_empty, uint64_t uncommitted_bytes) const {
  if (!CanCommit()) return false;
  if (now >= Deadline()) return true;
  if (!dirty_) return false;
  if (policy_.commit_interval.count() == 0 && queue_empty) return true;
  return uncommitted_bytes >= policy_.commit_bytes_max;
}

milliseconds CommitSchedule::WaitMax(SteadyTime now) const {
  constexpr milliseconds kLongest{60'000};
  const SteadyTime deadline = Deadline();
  if (deadline == SteadyTime::max()) return kLongest;
  if (deadline <= now) return milliseconds(0);
  return std::min(kLongest, std::chrono::ceil<milliseconds>(deadline - now));
}

}  // namespace sluice

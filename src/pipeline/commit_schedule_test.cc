#include "pipeline/commit_schedule.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const SteadyTime kStart{};
constexpr CommitPolicy kAtOnce{milliseconds(0), 1000};
constexpr CommitPolicy kEveryMinute{milliseconds(60'000), 1000};

Timestamp At(int second) { return Timestamp(std::chrono::seconds(second)); }

ChangeBatch Batch(uint64_t end_lsn, size_t changes, bool ends = true, int second = 0) {
  ChangeBatch batch;
  Transaction transaction;
  transaction.commit_lsn = Lsn{end_lsn - 5};
  transaction.end_lsn = Lsn{end_lsn};
  transaction.change_count = changes;
  transaction.ends_here = ends;
  batch.transactions = {transaction};
  if (ends) batch.end_lsn = Lsn{end_lsn};
  batch.source_time = At(second);
  return batch;
}

ChangeBatch Progress(uint64_t end_lsn, int second = 0) {
  ChangeBatch batch;
  batch.end_lsn = Lsn{end_lsn};
  batch.source_time = At(second);
  return batch;
}

TEST(CommitSchedule, WithoutIntervalItCommitsAsSoonAsNothingIsQueued) {
  CommitSchedule schedule(kAtOnce, Lsn{100}, {}, kStart);
  schedule.Wrote(Batch(200, 3), kStart);
  EXPECT_FALSE(schedule.Due(kStart, /*queue_empty=*/false, 0));
  EXPECT_TRUE(schedule.Due(kStart, /*queue_empty=*/true, 0));
  EXPECT_EQ(schedule.lsn(), Lsn{200});
  EXPECT_EQ(schedule.changes(), 3u);
}

TEST(CommitSchedule, ABacklogIsCutByBytesAndByTime) {
  CommitSchedule schedule(kAtOnce, Lsn{100}, {}, kStart);
  schedule.Wrote(Batch(200, 3), kStart);
  EXPECT_FALSE(schedule.Due(kStart, false, 999));
  EXPECT_TRUE(schedule.Due(kStart, false, 1000));
  EXPECT_TRUE(schedule.Due(kStart + kBacklogCommitInterval, false, 0));
}

TEST(CommitSchedule, WithAnIntervalItWaitsForItAlsoWhileNothingComes) {
  CommitSchedule schedule(kEveryMinute, Lsn{100}, {}, kStart);
  schedule.Wrote(Batch(200, 3), kStart + seconds(5));
  EXPECT_FALSE(schedule.Due(kStart + seconds(64), true, 0));
  EXPECT_EQ(schedule.WaitMax(kStart + seconds(35)), milliseconds(30'000));
  EXPECT_EQ(schedule.WaitMax(kStart + seconds(70)), milliseconds(0));
  EXPECT_TRUE(schedule.Due(kStart + seconds(65), true, 0));
  EXPECT_TRUE(schedule.Due(kStart + seconds(6), true, 1000)) << "bytes make it early";
}

TEST(CommitSchedule, NeverInsideATransaction) {
  CommitSchedule schedule(kAtOnce, Lsn{100}, {}, kStart);
  schedule.Wrote(Batch(200, 3, /*ends=*/false), kStart);
  EXPECT_FALSE(schedule.Due(kStart + seconds(3600), true, 1u << 30));
  EXPECT_FALSE(schedule.CanCommit());
  EXPECT_GT(schedule.WaitMax(kStart + seconds(3600)), seconds(1)) << "or the thread would spin";
  schedule.Wrote(Batch(200, 3), kStart);
  EXPECT_TRUE(schedule.Due(kStart, true, 0));
}

TEST(CommitSchedule, ProgressAloneMovesTheBookmarkSoonAfterDataThenSeldom) {
  CommitSchedule schedule(kAtOnce, Lsn{100}, {}, kStart);
  schedule.Wrote(Batch(200, 3), kStart);
  schedule.Committed(kStart);
  schedule.Wrote(Progress(300), kStart);
  EXPECT_FALSE(schedule.Due(kStart + milliseconds(999), true, 0));
  EXPECT_TRUE(schedule.Due(kStart + kFirstIdleBookmarkInterval, true, 0));
  schedule.Committed(kStart + seconds(1));
  schedule.Wrote(Progress(400), kStart + seconds(2));
  EXPECT_FALSE(schedule.Due(kStart + seconds(10), true, 0));
  EXPECT_EQ(schedule.WaitMax(kStart + seconds(2)), milliseconds(9'000));
  EXPECT_TRUE(schedule.Due(kStart + seconds(11), true, 0));
  EXPECT_EQ(schedule.lsn(), Lsn{400});
}

TEST(CommitSchedule, WithoutProgressThereIsNothingToCommit) {
  CommitSchedule schedule(kAtOnce, Lsn{100}, {}, kStart);
  schedule.Wrote(Progress(100), kStart);
  EXPECT_FALSE(schedule.CanCommit());
  EXPECT_FALSE(schedule.Due(kStart + seconds(3600), true, 0));
}

TEST(CommitSchedule, WhatIsDurableAlreadyIsNotWrittenAndMovesNothingBack) {
  CommitSchedule schedule(kAtOnce, Lsn{500}, {}, kStart);
  EXPECT_TRUE(schedule.Covers(Batch(400, 3)));
  EXPECT_TRUE(schedule.Covers(Batch(500, 3)));
  EXPECT_FALSE(schedule.Covers(Batch(600, 3)));
  schedule.Wrote(Batch(400, 3), kStart);
  EXPECT_FALSE(schedule.CanCommit());
  EXPECT_FALSE(schedule.dirty());
}

TEST(CommitSchedule, IsFreshByProgressOnlyWhileNothingIsOutstanding) {
  CommitSchedule schedule(kEveryMinute, Lsn{100}, At(10), kStart);
  schedule.Wrote(Progress(200, 20), kStart);
  EXPECT_EQ(schedule.visible_until(), At(20));
  schedule.Wrote(Batch(300, 1, true, 30), kStart);
  schedule.Wrote(Progress(400, 40), kStart);
  EXPECT_EQ(schedule.visible_until(), At(20)) << "a change from before second 30 is not visible yet";
  schedule.Committed(kStart);
  EXPECT_EQ(schedule.visible_until(), At(40));
}

TEST(CommitSchedule, AnUnknownSourceTimeKeepsTheOlderOne) {
  CommitSchedule schedule(kAtOnce, Lsn{100}, At(10), kStart);
  ChangeBatch batch = Batch(200, 1);
  batch.source_time = {};
  schedule.Wrote(batch, kStart);
  EXPECT_EQ(schedule.source_time(), At(10));
}

}  // namespace
}  // namespace sluice

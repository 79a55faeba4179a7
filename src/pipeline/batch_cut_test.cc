#include "pipeline/batch_cut.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

/// Transactions of one change each that commit at the given LSNs and end one behind.
ChangeBatchPtr Batch(std::vector<uint64_t> commits, uint64_t end_lsn, bool ends = true) {
  auto batch = std::make_shared<ChangeBatch>();
  for (const uint64_t commit : commits) {
    Transaction transaction;
    transaction.commit_lsn = Lsn{commit};
    transaction.end_lsn = Lsn{commit + 1};
    transaction.first_change = batch->changes.size();
    transaction.change_count = 1;
    batch->changes.emplace_back();
    batch->transactions.push_back(transaction);
  }
  if (!commits.empty()) batch->transactions.back().ends_here = ends;
  batch->end_lsn = Lsn{end_lsn};
  batch->source_time = Timestamp(std::chrono::seconds(9));
  return batch;
}

TEST(BatchCut, ABatchBeforeTheBarrierPassesWhole) {
  const ChangeBatchPtr batch = Batch({10, 20}, 21);
  const BatchCut cut = CutAt(batch, Lsn{30});
  EXPECT_EQ(cut.before, batch);
  EXPECT_FALSE(cut.barrier_here);
  EXPECT_EQ(cut.after, nullptr);
}

TEST(BatchCut, TheBarrierStandsBeforeATransactionThatCommitsAtIt) {
  const ChangeBatchPtr batch = Batch({30, 40}, 41);
  const BatchCut cut = CutAt(batch, Lsn{30});
  EXPECT_EQ(cut.before, nullptr);
  EXPECT_TRUE(cut.barrier_here);
  EXPECT_EQ(cut.after, batch);
}

TEST(BatchCut, ABatchOnBothSidesIsDividedWithItsChanges) {
  const BatchCut cut = CutAt(Batch({10, 20, 30, 40}, 99), Lsn{30});
  ASSERT_NE(cut.before, nullptr);
  ASSERT_NE(cut.after, nullptr);
  EXPECT_TRUE(cut.barrier_here);
  EXPECT_EQ(cut.before->transactions.size(), 2u);
  EXPECT_EQ(cut.before->changes.size(), 2u);
  EXPECT_EQ(cut.before->end_lsn, Lsn{21});
  EXPECT_EQ(cut.before->source_time, Timestamp{}) << "nothing is known of the time at this point";
  ASSERT_EQ(cut.after->transactions.size(), 2u);
  EXPECT_EQ(cut.after->transactions[0].commit_lsn, Lsn{30});
  EXPECT_LE(cut.after->transactions[1].first_change + cut.after->transactions[1].change_count, cut.after->changes.size());
  EXPECT_EQ(cut.after->end_lsn, Lsn{99});
}

TEST(BatchCut, ProgressBeyondTheBarrierProvesThatNothingIsMissing) {
  EXPECT_TRUE(CutAt(Batch({}, 30), Lsn{30}).barrier_here);
  EXPECT_TRUE(CutAt(Batch({10}, 30), Lsn{30}).barrier_here);
  EXPECT_FALSE(CutAt(Batch({}, 29), Lsn{30}).barrier_here);
}

TEST(BatchCut, ThereIsNoBarrierInsideATransaction) {
  EXPECT_FALSE(CutAt(Batch({10}, 0, /*ends=*/false), Lsn{30}).barrier_here);
  EXPECT_FALSE(CutAt(Batch({10}, 50, /*ends=*/false), Lsn{30}).barrier_here);
}

}  // namespace
}  // namespace sluice

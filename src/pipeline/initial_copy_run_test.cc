#include "pipeline/initial_copy_run.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>

#include "pipeline/testing/fake_world.h"

namespace sluice {
namespace {

using testing::FakeSink;
using testing::FakeSource;
using testing::FakeWorld;
using testing::Named;
using testing::RowSet;

class InitialCopyRunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string table : {"shot", "player", "club"}) world_.log.Insert(table, 0, 20);
    copy_ = std::move(FakeSource(world_.log).CreateSlotWithSnapshot()).value();
    world_.log.Insert("shot", 1000, 5);  // After the snapshot: not of the copy.
    run_.tables = world_.log.definitions();
    run_.targets = {{&replica_, {0, 1, 2}}, {&lake_, {0, 1, 2}}};
    run_.position = {world_.log.identity, copy_->snapshot_lsn()};
    run_.parallel = 4;
  }
  Status Run(std::stop_token stop = {}) { return RunInitialCopy(run_, *copy_, progress_, stop); }

  FakeWorld world_{{"shot", "player", "club"}, {"replica", "lake"}};
  FakeSink replica_{world_.sink(0)}, lake_{world_.sink(1)};
  std::unique_ptr<InitialCopy> copy_;
  InitialCopyRun run_;
  CopyProgress progress_;
};

RowSet TwentyRows() {
  RowSet rows;
  for (int64_t row = 0; row < 20; ++row) rows.insert(row);
  return rows;
}

TEST_F(InitialCopyRunTest, EveryRowOfTheSnapshotIsInEverySinkOnce) {
  ASSERT_TRUE(Run().ok());
  for (const std::string table : {"shot", "player", "club"}) {
    EXPECT_EQ(world_.sink(0).Rows(Named(table)), TwentyRows());
    EXPECT_EQ(world_.sink(1).Rows(Named(table)), TwentyRows());
  }
  EXPECT_EQ(world_.sink(0).prepared_at.position, run_.position);
  EXPECT_EQ(world_.sink(0).bookmark_lsn(), copy_->snapshot_lsn());
  EXPECT_EQ(world_.sink(0).copied.at(Named("shot")).copy_lsn, copy_->snapshot_lsn());
}

TEST_F(InitialCopyRunTest, ASinkGetsOnlyTheTablesItMisses) {
  run_.targets = {{&replica_, {1}}, {&lake_, {0, 2}}};
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(world_.sink(0).prepared, std::vector<std::string>{"player"});
  EXPECT_EQ(world_.sink(0).copied.size(), 1u);
  EXPECT_EQ(world_.sink(1).copied.size(), 2u);
  EXPECT_TRUE(world_.sink(1).Rows(Named("player")).empty());
  EXPECT_EQ(world_.sink(1).Rows(Named("club")), TwentyRows());
}

TEST_F(InitialCopyRunTest, ASinkThatMissesNoTableStillGetsItsBookmark) {
  run_.tables.clear();
  run_.targets = {{&replica_, {}}};
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(world_.sink(0).bookmark_lsn(), copy_->snapshot_lsn());
}

TEST_F(InitialCopyRunTest, TheFirstErrorStopsAllAndNothingUnfinishedIsComplete) {
  world_.sink(1).fail = [](const std::string& step) {
    return step == "copy" ? Status(Error{ErrorKind::kNeedsOperator, "disk full", 4999}) : Ok();
  };
  const Status ran = Run();
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().code, 4999);
  EXPECT_TRUE(world_.sink(0).copied.empty());
  EXPECT_TRUE(world_.sink(1).copied.empty());
}

TEST_F(InitialCopyRunTest, AReaderThatFailsStopsAll) {
  std::atomic<int> reads{0};
  world_.log.fail = [&](const std::string& step) {
    return step == "read" && ++reads == 3 ? Status(Error{ErrorKind::kUnavailable, "connection lost"}) : Ok();
  };
  const Status ran = Run();
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().message, "connection lost");
}

TEST_F(InitialCopyRunTest, AFailureToFinishIsTold) {
  world_.sink(0).fail = [](const std::string& step) {
    return step == "finish" ? Status(Error{ErrorKind::kNeedsOperator, "no index", 3999}) : Ok();
  };
  const Status ran = Run();
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().code, 3999);
}

TEST_F(InitialCopyRunTest, ARequestToStopEndsItAsCancelled) {
  std::stop_source stop;
  world_.sink(0).fail = [&](const std::string& step) {
    if (step == "copy") stop.request_stop();
    return Ok();
  };
  const Status ran = Run(stop.get_token());
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().kind, ErrorKind::kCancelled);
}

TEST_F(InitialCopyRunTest, FinishingOneTableOverlapsTheCopyingOfOthers) {
  // The third table's rows come only once a table has been finished.
  run_.parallel = 1;
  world_.log.fail = [this](const std::string& step) -> Status {
    if (step != "read" || progress_.Snapshot().tables[2].state != CopyState::kCopying) return Ok();
    std::unique_lock lock(world_.sink(0).mutex);
    const bool finished = world_.sink(0).changed.wait_for(lock, std::chrono::seconds(10),
                                                          [&] { return !world_.sink(0).finished_groups.empty(); });
    if (!finished) return Error{ErrorKind::kUnavailable, "nothing was finished while copying"};
    return Ok();
  };
  const Status ran = Run();
  EXPECT_TRUE(ran.ok()) << ran.error().message;
}

TEST_F(InitialCopyRunTest, ProgressCountsRowsAndEndsDone) {
  ASSERT_TRUE(Run().ok());
  const CopyProgressSnapshot progress = progress_.Snapshot();
  EXPECT_TRUE(progress.finished);
  EXPECT_EQ(progress.count(CopyState::kDone), 3u);
  for (const TableCopyProgress& table : progress.tables) {
    EXPECT_EQ(table.rows_copied, 20u);
    EXPECT_EQ(table.bytes_read, table.bytes_total);
  }
}

TEST(InitialCopyRun, AThousandSmallTablesTakeFewCommits) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("t" + std::to_string(i));
  FakeWorld world(names, {"lake"});
  FakeSink lake(world.sink(0));
  const auto copy = std::move(FakeSource(world.log).CreateSlotWithSnapshot()).value();
  InitialCopyRun run;
  run.tables = world.log.definitions();
  run.targets = {{&lake, {}}};
  for (size_t i = 0; i < run.tables.size(); ++i) run.targets[0].tables.push_back(i);
  run.position = {world.log.identity, copy->snapshot_lsn()};
  CopyProgress progress;
  ASSERT_TRUE(RunInitialCopy(run, *copy, progress, {}).ok());
  EXPECT_EQ(world.sink(0).copied.size(), 1000u);
  EXPECT_LE(world.sink(0).finished_groups.size(), 30u);
  for (const auto& group : world.sink(0).finished_groups) EXPECT_LE(group.size(), 64u);
}

}  // namespace
}  // namespace sluice

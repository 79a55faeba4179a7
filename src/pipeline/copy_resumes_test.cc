// Copies that are interrupted and go on, with sources and destinations in memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "pipeline/pipeline.h"
#include "pipeline/testing/fake_world.h"
#include "pipeline/testing/run_all.h"

namespace sluice {
namespace {

using testing::FakeChange;
using testing::FakeWorld;
using testing::Named;
using Texts = std::vector<std::string>;

constexpr Operation kInsert = Operation::kInsert, kDelete = Operation::kDelete;

/// Range after range, so that it is known which ones are read when it is stopped.
Status RunInTurn(FakeWorld& world) {
  PipelineOptions options;
  options.copy.parallel = 1;
  return testing::RunUntilCaughtUp(world, options);
}

/// The fake reads even rows in the first range and odd ones in the second. Stops at the `nth` step of this name.
template <class Where>
void StopAt(Where& where, const std::string& step, int nth) {
  where.fail = [step, left = std::make_shared<std::atomic<int>>(nth)](const std::string& at) -> Status {
    return at == step && --*left == 0 ? Status(Error{ErrorKind::kUnavailable, "stopped here"}) : Ok();
  };
}

template <class Where>
void Interrupted(FakeWorld& world, Where& where, const std::string& step, int nth) {
  StopAt(where, step, nth);
  ASSERT_FALSE(RunInTurn(world).ok());
  where.fail = nullptr;
}

TEST(CopyResumes, OnlyTheMissingRangeIsReadAndWhatChangedSince) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1, 20);
  Interrupted(world, world.log, "read", 2);
  world.log.Commit({{Named("shot"), kDelete, 2}, {Named("shot"), kDelete, 3}, {Named("shot"), kInsert, 22}, {Named("shot"), kInsert, 23}});
  world.log.Commit({{Named("shot"), kDelete, 4}, {Named("shot"), kInsert, 4}, {Named("shot"), kDelete, 22}});
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_TRUE(world.Equal());
  EXPECT_EQ(world.sink(0).ranges_written, (Texts{"shot 0", "shot 5"}));
}

TEST(CopyResumes, ATableWhoseRangesAreAllKeptIsOnlyBroughtUp) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1, 20);
  Interrupted(world, world.sink(0), "finish", 1);
  world.log.Commit({{Named("shot"), kDelete, 2}, {Named("shot"), kInsert, 30}});
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_TRUE(world.Equal());
  EXPECT_EQ(world.sink(0).ranges_written, (Texts{"shot 0", "shot 5"}));
}

TEST(CopyResumes, ChangesOfEveryInterruptionCount) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1, 20);
  Interrupted(world, world.log, "read", 2);
  world.log.Commit({{Named("shot"), kDelete, 2}});
  Interrupted(world, world.log, "read", 1);
  world.log.Commit({{Named("shot"), kDelete, 3}, {Named("shot"), kInsert, 2}});
  Interrupted(world, world.sink(0), "finish", 1);
  world.log.Commit({{Named("shot"), kDelete, 2}, {Named("shot"), kDelete, 6}, {Named("shot"), kInsert, 3}});
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_TRUE(world.Equal());
  EXPECT_EQ(world.sink(0).ranges_written, (Texts{"shot 0", "shot 5"}));
}

TEST(CopyResumes, ASinkThatKeepsLessGetsItsRangesAlone) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  world.log.Insert("shot", 1, 20);
  Interrupted(world, world.sink(1), "copying", 1);
  world.log.Commit({{Named("shot"), kDelete, 2}, {Named("shot"), kDelete, 3}, {Named("shot"), kInsert, 50}});
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_TRUE(world.Equal());
  EXPECT_EQ(world.sink(0).ranges_written, (Texts{"shot 0", "shot 5"}));
  EXPECT_EQ(world.sink(1).ranges_written, (Texts{"shot 0", "shot 5"}));
}

TEST(CopyResumes, SinksThatBeganUnderDifferentSnapshotsGoOnEachFromItsOwn) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  world.log.Insert("shot", 1, 20);
  Interrupted(world, world.sink(1), "copying", 1);
  world.log.Commit({{Named("shot"), kDelete, 2}, {Named("shot"), kDelete, 3}, {Named("shot"), kInsert, 50}});
  Interrupted(world, world.sink(1), "copying", 2);
  EXPECT_LT(world.sink(0).kept.at(Named("shot")).lsn, world.sink(1).kept.at(Named("shot")).lsn);
  world.log.Commit({{Named("shot"), kDelete, 4}, {Named("shot"), kDelete, 50}, {Named("shot"), kInsert, 51}, {Named("shot"), kInsert, 3}});
  Interrupted(world, world.log, "read_rows_of", 1);  // What changed is removed already.
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_TRUE(world.Equal());
  EXPECT_EQ(world.sink(0).ranges_written, (Texts{"shot 0", "shot 5"}));
  EXPECT_EQ(world.sink(1).ranges_written, (Texts{"shot 0", "shot 5"}));
}

TEST(CopyResumes, BesideOthersNothingIsAcknowledgedThatAnInterruptedCopyNeeds) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  world.log.Insert("shot", 1, 20);
  ASSERT_TRUE(RunInTurn(world).ok());
  world.log.AddTable("club");
  world.log.Insert("club", 1, 20);
  Interrupted(world, world.log, "read", 2);
  const Lsn first = world.sink(0).kept.at(Named("club")).lsn;
  for (int n = 0; n < 3; ++n) {
    world.log.Commit({{Named("shot"), kInsert, 100 + n}, {Named("club"), kDelete, 2 + n}, {Named("club"), kInsert, 40 + n}});
    Interrupted(world, world.log, n > 0 ? "read_rows_of" : "read", 1);
    EXPECT_LE(world.log.slot->confirmed_flush_lsn, first);
  }
  world.log.Commit({{Named("shot"), kDelete, 1}, {Named("club"), kDelete, 40}, {Named("club"), kInsert, 2}});
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_TRUE(world.Equal());
  const Texts written = world.sink(0).ranges_written;
  EXPECT_EQ(std::count(written.begin(), written.end(), "club 0"), 1);
  EXPECT_EQ(std::count(written.begin(), written.end(), "club 5"), 1);
}

TEST(CopyResumes, ATruncateInBetweenMakesTheTableStartAgain) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1, 20);
  Interrupted(world, world.log, "read", 2);
  world.log.Commit({{Named("shot"), Operation::kTruncate, 0}, {Named("shot"), kInsert, 7}});
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_TRUE(world.Equal());
  EXPECT_EQ(world.sink(0).ranges_written, (Texts{"shot 0", "shot 0", "shot 5"}));
}

TEST(CopyResumes, ATableThatHadLeftThePublicationStartsAgain) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1, 20);
  Interrupted(world, world.log, "read", 2);
  world.log.not_published = {"shot"};
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_EQ(world.sink(0).ranges_written, (Texts{"shot 0", "shot 0", "shot 5"}));
}

TEST(CopyResumes, ASlotThatHasForgottenTheChangesMakesTheTableStartAgain) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1, 20);
  Interrupted(world, world.log, "read", 2);
  world.log.Commit({{Named("shot"), kDelete, 2}});
  world.log.slot->confirmed_flush_lsn = world.log.end();
  ASSERT_TRUE(RunInTurn(world).ok());
  EXPECT_TRUE(world.Equal());
  EXPECT_EQ(world.sink(0).ranges_written, (Texts{"shot 0", "shot 0", "shot 5"}));
}

TEST(CopyResumes, FinishedRangesAreProgressForWhoeverCountsAttempts) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1, 20);
  StopAt(world.log, "read", 2);
  const Connector connector = world.connector();
  SystemClock clock;
  StatusBoard board("test", "source", {}, clock);
  CutRequests cuts;
  TableRequests requests;
  PipelineOptions options;
  options.copy.parallel = 1;
  Pipeline interrupted(connector, options, clock, board, cuts, requests);
  EXPECT_FALSE(interrupted.Run({}).ok());
  EXPECT_TRUE(interrupted.made_progress());
  StopAt(world.log, "read", 1);
  Pipeline stuck(connector, options, clock, board, cuts, requests);
  EXPECT_FALSE(stuck.Run({}).ok());
  EXPECT_FALSE(stuck.made_progress());
}

}  // namespace
}  // namespace sluice

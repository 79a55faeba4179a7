#include "pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/failpoint.h"
#include "change/table_error.h"
#include "observability/error_catalog.h"
#include "pipeline/supervisor.h"
#include "pipeline/testing/fake_world.h"
#include "pipeline/testing/run_all.h"

namespace sluice {
namespace {

using testing::FakeWorld;
using testing::Named;
using testing::RunUntilCaughtUp;

/// Pipelines over a fake world on a thread, one after the other as long as they end to begin anew.
class Running {
 public:
  explicit Running(FakeWorld& world, PipelineOptions options = {})
      : connector_(world.connector()), board_("test", "source", {}, clock_),
        thread_([this, options] { status_ = testing::RunAll(connector_, options, clock_, board_, cuts_, requests_, stop_.get_token()); }) {}
  ~Running() {
    stop_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

  Status Join() {
    thread_.join();
    return status_;
  }
  Status Stop() {
    stop_.request_stop();
    return Join();
  }
  StatusBoard& board() { return board_; }
  CutRequests& cuts() { return cuts_; }
  TableRequests& requests() { return requests_; }

 private:
  const Connector connector_;
  SystemClock clock_;
  StatusBoard board_;
  CutRequests cuts_;
  TableRequests requests_;
  std::stop_source stop_;
  Status status_;
  std::thread thread_;
};

int CodeOf(const Status& status) { return status.ok() ? 0 : status.error().code; }

TEST(Pipeline, CopiesThenFollowsIntoBothSinks) {
  FakeWorld world({"shot", "player"}, {"replica", "lake"});
  world.log.Insert("shot", 1, 10);
  Running running(world);
  ASSERT_TRUE(world.sink(0).WaitFor(Lsn{1}));
  const Lsn last = world.log.Insert("player", 100, 5);
  ASSERT_TRUE(world.sink(0).WaitFor(last));
  ASSERT_TRUE(world.sink(1).WaitFor(last));
  EXPECT_TRUE(running.Stop().ok());
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, EndsOnceAllSinksAreDurableUpToTheLsnAskedFor) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  world.commit_of["lake"].commit_interval = std::chrono::hours(1);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const Lsn last = world.log.Insert("shot", 1, 3);
  PipelineOptions options;
  options.until_lsn = last;
  ASSERT_TRUE(Running(world, options).Join().ok());
  EXPECT_GE(world.sink(0).bookmark_lsn(), last);
  EXPECT_GE(world.sink(1).bookmark_lsn(), last);
  EXPECT_GE(world.log.acknowledged.back(), last);
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, UntilCaughtUpEndsOnAnIdleSource) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const Lsn idle = world.log.Idle();
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_GE(world.sink(0).bookmark_lsn(), idle);
}

TEST(Pipeline, ARestartCopiesNoTableAgain) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  world.log.Insert("shot", 1);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.log.Insert("shot", 2);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_EQ(world.sink(0).prepared, std::vector<std::string>{"shot"});
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, ANewTableIsCopiedUnderASnapshotOfItsOwnWhileTheOldOnesStay) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  world.log.Insert("shot", 1);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.log.Insert("shot", 2);
  world.log.AddTable("player");
  world.log.Insert("player", 7, 3);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_EQ(world.log.snapshots_exported, 1);
  EXPECT_EQ(world.sink(1).prepared, (std::vector<std::string>{"shot", "player"}));
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, ChangesOfADroppedTableDoNotMeetTheRowsOfTheOneThatHasItsNameNow) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(0).copied[Named("shot")].oid = 1;  // What was copied was another table.
  bool taken_while_copied = true;
  world.log.fail = [&](const std::string& step) {
    const std::lock_guard lock(world.sink(0).mutex);
    if (step == "export") taken_while_copied = world.sink(0).copied.contains(Named("shot"));
    return Ok();
  };
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_EQ(world.log.snapshots_exported, 1);
  EXPECT_FALSE(taken_while_copied);
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, TheInitialCopyKnowsTheColumnsThatWereAddedWhileItsSnapshotWaited) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.fail = [&](const std::string& step) {
    if (step == "create_slot") world.log.columns = 7;
    return Ok();
  };
  int followed = 0;
  world.sink(0).fail = [&](const std::string& step) {
    followed += step == "follow";
    return Ok();
  };
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_EQ(world.sink(0).copied.at(Named("shot")).fingerprint, ToText(world.log.definitions()[0].fingerprint));
  EXPECT_EQ(followed, 0) << "a column that is followed in place has no values in the rows that were copied";
}

TEST(Pipeline, ATableThatIsMadeAnewBeforeItsSnapshotIsCopiedOnceItIsPublished) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.log.AddTable("player");
  world.log.fail = [&](const std::string& step) {
    if (step == "export") world.log.made_anew["player"] = 30'000;
    return Ok();
  };
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_EQ(world.log.snapshots_exported, 2);
  EXPECT_EQ(world.sink(0).copied.at(Named("player")).oid, 30'000u);
}

TEST(Pipeline, AcknowledgesNoMoreThanTheSlowerSinkHas) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  world.commit_of["lake"].commit_interval = std::chrono::hours(1);
  Running running(world);
  ASSERT_TRUE(world.sink(1).WaitFor(Lsn{1}));
  const Lsn copied = world.sink(1).bookmark_lsn();
  const Lsn last = world.log.Insert("shot", 1, 3);
  ASSERT_TRUE(world.sink(0).WaitFor(last));
  {
    const std::lock_guard lock(world.log.mutex);
    for (const Lsn acknowledged : world.log.acknowledged) EXPECT_LE(acknowledged, copied);
  }
  EXPECT_TRUE(running.Stop().ok());  // Commits what the lake holds, and acknowledges it.
  EXPECT_EQ(world.log.acknowledged.back(), last);
}

TEST(Pipeline, ASinkFailureEndsItAndNothingBeyondItsBookmarkIsAcknowledged) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const Lsn before = world.sink(1).bookmark_lsn();
  world.sink(1).fail = [](const std::string& step) {
    return step == "commit" ? Status(Error{ErrorKind::kNeedsOperator, "disk full", 4999}) : Ok();
  };
  const Lsn last = world.log.Insert("shot", 1, 3);
  Running running(world);
  EXPECT_EQ(CodeOf(running.Join()), 4999);
  EXPECT_EQ(world.sink(0).bookmark_lsn(), last) << "the healthy sink commits what it has";
  EXPECT_EQ(world.sink(1).bookmark_lsn(), before);
  for (const Lsn acknowledged : world.log.acknowledged) EXPECT_LE(acknowledged, before);
  world.sink(1).fail = [](const std::string&) { return Ok(); };
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, ASlowSinkDoesNotHoldTheOtherBeforeItsOwnQueueIsFull) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  Running running(world);
  world.sink(1).Block();
  Lsn last;
  for (int i = 0; i < 50; ++i) last = world.log.Insert("shot", i);
  EXPECT_TRUE(world.sink(0).WaitFor(last));
  world.sink(1).Unblock();
  EXPECT_TRUE(world.sink(1).WaitFor(last));
  EXPECT_TRUE(running.Stop().ok());
}

TEST(Pipeline, AFullQueueBoundsWhatTheOtherSinkMayRunAheadAndKeepsTheStreamAlive) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  PipelineOptions options;
  options.queue_bytes_max = 600;  // A few one-row batches.
  world.sink(1).Block();
  Running running(world, options);
  const Lsn first = world.log.Insert("shot", 0);
  Lsn last;
  for (int i = 1; i < 50; ++i) last = world.log.Insert("shot", i);
  ASSERT_TRUE(world.sink(0).WaitFor(first));
  {
    std::unique_lock lock(world.sink(0).mutex);
    EXPECT_LT(world.sink(0).writes, 20u);
  }
  EXPECT_LT(world.sink(0).bookmark_lsn(), last);
  world.sink(1).Unblock();
  EXPECT_TRUE(world.sink(0).WaitFor(last));
  EXPECT_TRUE(world.sink(1).WaitFor(last));
  EXPECT_TRUE(running.Stop().ok());
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, StopsWhileBlockedOnAFullQueue) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  PipelineOptions options;
  options.queue_bytes_max = 1;  // One batch.
  world.sink(1).Block();
  Running running(world, options);
  for (int i = 0; i < 10; ++i) world.log.Insert("shot", i);
  {
    std::unique_lock lock(world.sink(1).mutex);
    ASSERT_TRUE(world.sink(1).changed.wait_for(lock, std::chrono::seconds(10), [&] { return world.sink(1).writes > 0; }));
  }
  std::thread unblock([&] { world.sink(1).Unblock(); });
  EXPECT_TRUE(running.Stop().ok());
  unblock.join();
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, ATransactionInPartsIsCommittedOnceAtItsEnd) {
  FakeWorld world({"shot"}, {"replica"});
  world.commit.commit_bytes_max = 1;  // Every transaction end would do.
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const size_t commits = world.sink(0).commits();
  world.log.changes_per_part = 10;
  const Lsn last = world.log.Insert("shot", 0, 95);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_EQ(world.sink(0).commits(), commits + 1);
  EXPECT_EQ(world.sink(0).bookmark_lsn(), last);
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, WhatWasWrittenBeforeATransactionInPartsIsCommittedBeforeIt) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const size_t commits = world.sink(0).commits();
  world.log.changes_per_part = 10;
  const Lsn small = world.log.Insert("shot", 1000);
  const Lsn large = world.log.Insert("shot", 0, 95);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_EQ(world.sink(0).commits(), commits + 2);
  EXPECT_EQ(world.sink(0).commit_lsns.at(commits), small);
  EXPECT_EQ(world.sink(0).commit_lsns.at(commits + 1), large);
}

TEST(Pipeline, TheSlotAheadOfASinkStopsItBeforeAnythingIsRead) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const int opened = world.log.streams_opened;
  world.log.slot->confirmed_flush_lsn.value += 1000;
  const Status ran = RunUntilCaughtUp(world);
  EXPECT_EQ(CodeOf(ran), 2205);
  EXPECT_EQ(world.log.streams_opened, opened);
}

TEST(Pipeline, ASlotThatSomebodyElseReadsIsAConflictAndTakesNoEpoch) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const uint64_t epoch = world.sink(0).epoch;
  world.log.slot->active = true;
  world.log.slot->active_pid = 19053;
  const Status ran = RunUntilCaughtUp(world);
  ASSERT_EQ(CodeOf(ran), 2203);
  EXPECT_EQ(ran.error().kind, ErrorKind::kConflict);
  EXPECT_NE(ran.error().evidence.find("19053"), std::string::npos);
  EXPECT_EQ(world.sink(0).epoch, epoch);
}

TEST(Pipeline, AStreamErrorEndsItAndTheSinksKeepWhatTheyHad) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const Lsn last = world.log.Insert("shot", 1, 3);
  std::atomic<int> calls{0};
  world.log.fail = [&](const std::string& step) {
    return step == "next" && ++calls > 1 ? Status(Error{ErrorKind::kUnavailable, "connection reset"}) : Ok();
  };
  Running running(world);
  const Status ran = running.Join();
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().message, "connection reset");
  EXPECT_EQ(world.sink(0).bookmark_lsn(), last);
  EXPECT_EQ(world.sink(1).bookmark_lsn(), last);
}

TEST(Pipeline, ACommitWhoseReplyWasLostIsNeitherLostNorDoubled) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.log.Insert("shot", 1, 3);
  world.sink(0).fail = [](const std::string& step) {
    return step == "commit.after" ? Status(Error{ErrorKind::kOutcomeUnknown, "no reply"}) : Ok();
  };
  EXPECT_FALSE(RunUntilCaughtUp(world).ok());
  world.sink(0).fail = [](const std::string&) { return Ok(); };
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_TRUE(world.Equal());
}

Error OfTable(const std::string& table) {
  return About(Named(table), Error{ErrorKind::kNeedsOperator, "the row of an update is not in the lake", slu::kLakeRowMissing});
}

TEST(Pipeline, ABadTableIsHeldAloneInTheSinkThatCannotTakeItAndAllOthersGoOn) {
  FakeWorld world({"shot", "player"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(1).fail = [](const std::string& step) { return step == "write player" ? Status(OfTable("player")) : Ok(); };
  Running running(world);
  world.log.Commit({{Named("player"), Operation::kInsert, 7}, {Named("shot"), Operation::kInsert, 8}});
  const Lsn last = world.log.Insert("shot", 1, 3);
  ASSERT_TRUE(world.sink(0).WaitFor(last));
  ASSERT_TRUE(world.sink(1).WaitFor(last));
  EXPECT_TRUE(running.Stop().ok());
  EXPECT_TRUE(world.sink(0).holds().empty());
  ASSERT_TRUE(world.sink(1).holds().contains(Named("player")));
  EXPECT_EQ(world.sink(1).holds().at(Named("player")).code, slu::kLakeRowMissing);
  EXPECT_TRUE(world.Equal());
  EXPECT_EQ(world.sink(0).Rows(Named("player")), world.log.Rows(Named("player")));
}

TEST(Pipeline, ATableWithOtherColumnsIsCopiedAgainByItselfAndHeldOnlyIfThatDoesNotHelp) {
  FakeWorld world({"shot", "player"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  std::atomic<int> failures{0};
  const auto fail = [&](int times) {
    return [&failures, times](const std::string& step) {
      return step == "write player" && failures++ < times ? Status(About(Named("player"), Error{ErrorKind::kNeedsOperator, "column length changed", slu::kLakeSchemaChanged})) : Ok();
    };
  };
  world.sink(1).fail = fail(1);
  world.log.Insert("player", 1, 3);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_TRUE(world.sink(1).holds().empty());
  EXPECT_EQ(world.sink(1).Rows(Named("player")), world.log.Rows(Named("player")));
  world.sink(1).fail = fail(1000);
  Running running(world);
  for (int i = 10; i < 1000 && !world.sink(1).holds().contains(Named("player")); ++i) {
    const Lsn last = world.log.Insert("player", i);
    ASSERT_TRUE(world.sink(0).WaitFor(last));
  }
  EXPECT_TRUE(running.Stop().ok());
  EXPECT_TRUE(world.sink(1).holds().contains(Named("player")));
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, AHeldTableStaysHeldOverRestartsUntilItIsCopiedAgain) {
  FakeWorld world({"shot", "player"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(1).fail = [](const std::string& step) { return step == "write player" ? Status(OfTable("player")) : Ok(); };
  world.log.Insert("player", 1, 3);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(1).fail = [](const std::string&) { return Ok(); };
  world.log.Insert("player", 10, 3);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_TRUE(world.sink(1).holds().contains(Named("player")));
  EXPECT_TRUE(world.sink(1).Rows(Named("player")).empty());
  Running running(world);
  running.requests().Ask({TableRequest::Kind::kCopyAgain, Named("player"), "lake"});
  ASSERT_TRUE(running.requests().WaitUntilDone(std::chrono::seconds(10)).ok());
  ASSERT_TRUE(world.sink(1).WaitUntilCopied(Named("player")));
  const Lsn last = world.log.Insert("player", 20, 3);
  ASSERT_TRUE(world.sink(1).WaitFor(last));
  EXPECT_TRUE(running.Stop().ok());
  EXPECT_TRUE(world.sink(1).holds().empty());
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, ATableIsCopiedAgainWhileTheOthersStreamAndNothingOfItIsLost) {
  FakeWorld world({"shot", "player"}, {"replica", "lake"});
  world.log.Insert("player", 1, 3);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  std::atomic<bool> copying{false}, go_on{false};
  world.log.fail = [&](const std::string& step) -> Status {
    if (step != "read") return Ok();
    copying = true;
    while (!go_on) std::this_thread::yield();
    return Ok();
  };
  Running running(world);
  running.requests().Ask({TableRequest::Kind::kCopyAgain, Named("player"), ""});
  while (!copying) std::this_thread::yield();
  // The snapshot is taken: these come by the stream alone, some before and some after the copy is recorded.
  const Lsn during = world.log.Commit({{Named("player"), Operation::kInsert, 50}, {Named("player"), Operation::kDelete, 1}});
  const Lsn streamed = world.log.Insert("shot", 1, 3);
  ASSERT_TRUE(world.sink(0).WaitFor(streamed)) << "the others stream meanwhile";
  {
    const std::lock_guard lock(world.log.mutex);
    EXPECT_LT(world.log.acknowledged.back(), during) << "what the copied table still needs must not be forgotten";
  }
  go_on = true;
  ASSERT_TRUE(world.sink(0).WaitUntilCopied(Named("player")));
  ASSERT_TRUE(world.sink(1).WaitUntilCopied(Named("player")));
  const Lsn last = world.log.Commit({{Named("player"), Operation::kDelete, 50}, {Named("shot"), Operation::kInsert, 9}});
  ASSERT_TRUE(world.sink(0).WaitFor(last));
  ASSERT_TRUE(world.sink(1).WaitFor(last));
  EXPECT_TRUE(running.Stop().ok());
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, ANewTableJoinsWhileTheOthersStream) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  PipelineOptions options;
  options.table_watch_interval = std::chrono::milliseconds(1);
  Running running(world, options);
  world.log.Insert("shot", 1);
  world.log.AddTable("player");
  world.log.Insert("player", 7, 3);
  ASSERT_TRUE(world.sink(0).WaitUntilCopied(Named("player")));
  ASSERT_TRUE(world.sink(1).WaitUntilCopied(Named("player")));
  const Lsn last = world.log.Insert("player", 70, 3);
  ASSERT_TRUE(world.sink(0).WaitFor(last));
  ASSERT_TRUE(world.sink(1).WaitFor(last));
  EXPECT_TRUE(running.Stop().ok());
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, ASinkThatIsNewIsCopiedWhileTheOldOneStreams) {
  FakeWorld world({"shot", "player"}, {"replica"});
  world.log.Insert("player", 1, 3);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.destinations.push_back(std::make_unique<testing::FakeDestination>("lake"));
  world.log.Insert("shot", 1, 3);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_TRUE(world.Equal());
}

TEST(Pipeline, AFailureInTheMidstOfCatchingUpNeitherLosesNorDoubles) {
  for (const std::string step : {"commit", "commit.after"}) {
    SCOPED_TRACE(step);
    FakeWorld world({"shot", "player"}, {"replica", "lake"});
    ASSERT_TRUE(RunUntilCaughtUp(world).ok());
    Running running(world);
    running.requests().Ask({TableRequest::Kind::kCopyAgain, Named("player"), ""});
    ASSERT_TRUE(running.requests().WaitUntilDone(std::chrono::seconds(10)).ok());
    std::atomic<int> calls{0};
    world.sink(0).fail = [&](const std::string& now) {
      return now == step && ++calls % 2 == 0 ? Status(Error{ErrorKind::kUnavailable, "cut off"}) : Ok();
    };
    for (int i = 0; i < 200; ++i) world.log.Commit({{Named("player"), Operation::kInsert, i}, {Named("shot"), Operation::kInsert, i}});
    (void)running.Join();
    for (int i = 0; i < 100 && !RunUntilCaughtUp(world).ok(); ++i) {
    }
    world.sink(0).fail = [](const std::string&) { return Ok(); };
    ASSERT_TRUE(RunUntilCaughtUp(world).ok());
    EXPECT_TRUE(world.Equal());
  }
}

/// Fails once at each failpoint of the pipeline, in the first copy and in the stream, and goes on after it.
TEST(Pipeline, AFailureAtAnyFailpointLosesAndDoublesNothing) {
  size_t reached = 0;
  for (const std::string_view name : failpoint::All()) {
    if (!name.starts_with("pipeline.")) continue;
    for (const std::string action : {"error:1", "unknown:2"}) {
      SCOPED_TRACE(std::string(name) + "=" + action);
      FakeWorld world({"shot", "player", "club"}, {"replica", "lake"});
      world.log.changes_per_part = 4;
      world.log.Insert("shot", 0, 20);
      world.log.Insert("player", 0, 3);
      ASSERT_TRUE(failpoint::Arm(std::string(name) + "=" + action).ok());
      Status ran = RunUntilCaughtUp(world);
      for (int i = 0; i < 3; ++i) {
        world.log.Insert("shot", 100 + i * 10, 6);
        world.log.Insert("club", i);
        const Status next = RunUntilCaughtUp(world);
        if (ran.ok()) ran = next;
      }
      ASSERT_TRUE(failpoint::Arm("").ok());
      reached += ran.ok() ? 0 : 1;
      ASSERT_TRUE(RunUntilCaughtUp(world).ok());
      ASSERT_TRUE(world.Equal());
    }
  }
  EXPECT_GE(reached, 14u) << "the failpoints are not where the pipeline passes";
}

}  // namespace
}  // namespace sluice

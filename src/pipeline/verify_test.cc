#include "pipeline/verify.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "pipeline/testing/fake_world.h"
#include "pipeline/testing/run_all.h"

namespace sluice {
namespace {

using testing::FakeWorld;
using testing::Named;
using testing::RunUntilCaughtUp;

/// A pipeline that streams while the test compares.
class Streaming {
 public:
  explicit Streaming(FakeWorld& world)
      : connector_(world.connector()), board_("test", "source", {}, clock_),
        thread_([this] { status_ = testing::RunAll(connector_, {}, clock_, board_, cuts_, requests_, stop_.get_token()); }) {
    started_ = cuts_.WaitUntilStreaming();
  }
  ~Streaming() {
    stop_.request_stop();
    thread_.join();
  }
  Result<VerifyReport> Verify(const VerifyOptions& options = {}) {
    return sluice::Verify(connector_.open_source, cuts_, options, nullptr, {});
  }
  Status started_;

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

Result<VerifyReport> Alone(FakeWorld& world, const std::vector<std::string>& globs = {}) {
  SystemClock clock;
  VerifyOptions options;
  options.globs = globs;
  return VerifyAlone(world.connector(), {}, clock, options, nullptr, {});
}

int CodeOf(const Result<VerifyReport>& report) { return report.ok() ? 0 : report.error().code; }

TEST(Verify, FindsEqualTablesEqualUnderLoad) {
  FakeWorld world({"shot", "player"}, {"replica", "lake"});
  world.commit_of["lake"].commit_interval = std::chrono::hours(1);  // Only the barrier makes it commit.
  world.log.transactions_per_batch = 7;
  Streaming streaming(world);
  ASSERT_TRUE(streaming.started_.ok());
  std::atomic<bool> end{false};
  std::thread load([&] {
    for (int i = 0; !end && i < 2000; ++i) {
      world.log.Insert(i % 2 == 0 ? "shot" : "player", i, 2);
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 5; ++i) {
    const auto report = streaming.Verify();
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_TRUE(report->equal());
    ASSERT_EQ(report->tables.size(), 4u);
    for (const TableComparison& table : report->tables)
      EXPECT_EQ(table.rows_source, world.log.RowsAt(Named(table.table.substr(7)), report->lsn).size());
  }
  end = true;
  load.join();
}

TEST(Verify, FindsAPlantedDifferenceInOneSinkOnly) {
  FakeWorld world({"shot", "player"}, {"replica", "lake"});
  world.log.Insert("shot", 1, 10);
  world.log.Insert("player", 1, 10);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(1).rows[Named("player")].erase(5);
  const auto report = Alone(world);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->count(Comparison::kDifferent), 1u);
  for (const TableComparison& table : report->tables) {
    const bool planted = table.table == "public.player" && table.sink == "lake";
    EXPECT_EQ(table.result, planted ? Comparison::kDifferent : Comparison::kEqual) << table.table << table.sink;
    EXPECT_EQ(table.rows_source, 10u);
    EXPECT_EQ(table.rows_sink, planted ? 9u : 10u);
  }
}

TEST(Verify, FindsAChangedValueWhereTheCountsAreEqual) {
  FakeWorld world({"shot"}, {"replica"});
  world.log.Insert("shot", 1, 10);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(0).rows[Named("shot")].erase(5);
  world.sink(0).rows[Named("shot")].insert(6);
  const auto report = Alone(world);
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->equal());
  EXPECT_EQ(report->tables[0].rows_sink, 10u);
}

TEST(Verify, AloneFollowsTheStreamFirst) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.log.Insert("shot", 1, 10);
  const auto report = Alone(world);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->equal());
  EXPECT_EQ(report->tables[0].rows_source, 10u);
}

TEST(Verify, ComparesOnlyTheTablesAskedFor) {
  FakeWorld world({"shot", "player"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  const auto report = Alone(world, {"public.pl*"});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->tables.size(), 1u);
  EXPECT_EQ(report->tables[0].table, "public.player");
  EXPECT_EQ(CodeOf(Alone(world, {"public.nothing"})), 7007);
}

TEST(Verify, SaysSoWhenNothingWasEverCopied) {
  FakeWorld world({"shot"}, {"replica"});
  EXPECT_EQ(CodeOf(Alone(world)), 7006);
  EXPECT_FALSE(world.log.slot.has_value()) << "comparing makes no slot";
}

TEST(Verify, ATableWithoutACopyIsReportedAsSuch) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  Streaming streaming(world);
  world.log.AddTable("player");
  const auto report = streaming.Verify();
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->tables.size(), 2u);
  EXPECT_EQ(report->tables[0].result, Comparison::kNotCopied);
  EXPECT_EQ(report->tables[1].result, Comparison::kEqual);
}

TEST(Verify, AHeldTableComesWithItsReason) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(0).held[Named("shot")] = HeldTable{0, 3103, "its type is written in C", {}};
  world.sink(0).copied.erase(Named("shot"));
  Streaming streaming(world);
  const auto report = streaming.Verify();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->tables.at(0).result, Comparison::kNotCopied);
  EXPECT_EQ(report->tables.at(0).reason, "SLU-3103: its type is written in C");
}

TEST(Verify, WithoutAStreamThereIsNoMoment) {
  FakeWorld world({"shot"}, {"replica"});
  CutRequests cuts;
  const Connector connector = world.connector();
  EXPECT_EQ(CodeOf(Verify(connector.open_source, cuts, {}, nullptr, {})), 7003);
}

TEST(Verify, ASnapshotThatCannotBeExportedNamesTheBlockerAndTheStreamGoesOn) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  Streaming streaming(world);
  world.log.fail = [](const std::string& step) {
    return step == "export" ? Status(Error{ErrorKind::kUnavailable, "pid 4711 is open since 09:12", 2202}) : Ok();
  };
  EXPECT_EQ(CodeOf(streaming.Verify()), 2202);
  EXPECT_TRUE(world.sink(0).WaitFor(world.log.Insert("shot", 1)));
}

TEST(Verify, ASnapshotThatComesTooLateIsRefusedAndTheStreamWentOn) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  Streaming streaming(world);
  bool went_on = false;
  world.log.fail = [&](const std::string& step) {
    if (step != "before_export") return Ok();
    const Lsn last = world.log.Insert("shot", 1);  // Waits out the pause of 5 s.
    went_on = world.sink(0).WaitFor(last);
    return Ok();
  };
  EXPECT_EQ(CodeOf(streaming.Verify()), 7004);
  EXPECT_TRUE(went_on);
}

TEST(Verify, APipelineThatWasReplacedDuringTheExportIsNotWaitedFor) {
  FakeWorld world({"shot"}, {"replica"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  CutRequests cuts;
  cuts.Attach(1, nullptr);
  std::thread reader([&] {
    while (true) {  // Stands still as a reader does, until the first pipeline ends.
      const auto barrier = cuts.PauseIfAsked([&]() -> Status { return Error{ErrorKind::kUnavailable, "lost"}; }, {});
      if (!barrier.ok()) return;
    }
  });
  const Connector connector = world.connector();
  world.log.fail = [&](const std::string& step) {
    if (step != "export") return Ok();
    reader.join();
    cuts.Detach(Error{ErrorKind::kUnavailable, "lost"});
    cuts.Attach(1, nullptr);
    return Ok();
  };
  EXPECT_EQ(CodeOf(Verify(connector.open_source, cuts, {}, nullptr, {})), 7003);
}

TEST(Verify, ASinkThatFailsAtTheBarrierEndsTheComparisonWithItsError) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(1).fail = [](const std::string& step) {
    return step == "view" ? Status(Error{ErrorKind::kUnavailable, "lake is away", 4999}) : Ok();
  };
  EXPECT_EQ(CodeOf(Alone(world)), 4999);
}

}  // namespace
}  // namespace sluice

#include "pipeline/repair.h"

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

Result<RepairReport> RepairAlone(FakeWorld& world, bool dry_run = false) {
  const Connector connector = world.connector();
  SystemClock clock;
  RepairReport report;
  const Status done = BesidePipeline(connector, {}, clock, {}, [&](CutRequests& cuts, std::stop_token stop) -> Status {
    ASSIGN_OR_RETURN(report, Repair(connector.open_source, cuts, {}, dry_run, nullptr, stop));
    return Ok();
  });
  if (!done.ok()) return done.error();
  return report;
}

void Plant(FakeWorld& world) {
  world.log.Insert("shot", 1, 5000);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  world.sink(0).rows[Named("shot")].erase(77);
  world.sink(0).rows[Named("shot")].insert(999'999);
}

TEST(Repair, PutsMissingAndExtraRowsRightInThatSinkOnly) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  Plant(world);
  const size_t commits = world.sink(1).commits();
  const auto report = RepairAlone(world);
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_EQ(report->tables.size(), 1u);
  EXPECT_EQ(report->tables[0].sink, "replica");
  EXPECT_EQ(report->tables[0].missing, 1u);
  EXPECT_EQ(report->tables[0].extra, 1u);
  EXPECT_TRUE(report->complete());
  EXPECT_TRUE(world.Equal());
  EXPECT_LE(world.sink(1).commits(), commits + 4);  // Its bookmark moves; nothing else.
}

TEST(Repair, ADryRunChangesNothing) {
  FakeWorld world({"shot"}, {"replica"});
  Plant(world);
  const auto report = RepairAlone(world, /*dry_run=*/true);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->tables.size(), 1u);
  EXPECT_FALSE(report->tables[0].done);
  EXPECT_FALSE(world.Equal());
}

TEST(Repair, WhatTheStreamChangesMeanwhileStays) {
  FakeWorld world({"shot"}, {"replica"});
  Plant(world);
  std::atomic<bool> changed{false};
  std::atomic<int> exports{0};
  world.log.fail = [&](const std::string& step) {
    if (step == "fetch_keys") world.log.Insert("shot", 2'000'000, 10);
    if (step == "before_export" && ++exports == 2 && !changed) {
      changed = true;
      world.log.Insert("shot", 999'999);  // What was too many is right by now.
    }
    return Ok();
  };
  const auto report = RepairAlone(world);
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_TRUE(changed);
  EXPECT_TRUE(world.Equal());
}

TEST(Repair, UnderLoadNothingIsLostOrDoubled) {
  FakeWorld world({"shot"}, {"replica", "lake"});
  world.log.transactions_per_batch = 3;
  Plant(world);
  std::atomic<bool> end{false};
  std::thread load([&] {
    for (int64_t i = 0; !end && i < 2000; ++i) {
      world.log.Insert("shot", 10'000'000 + i);
      std::this_thread::yield();
    }
  });
  const auto report = RepairAlone(world);
  end = true;
  load.join();
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
  EXPECT_TRUE(world.Equal());
}

TEST(Repair, ARefusedRepairLeavesTheStreamAlive) {
  FakeWorld world({"shot"}, {"replica"});
  Plant(world);
  world.sink(0).fail = [](const std::string& step) {
    return step == "repair" ? Status(Error{ErrorKind::kNeedsOperator, "a rule refuses the row", 7009}) : Ok();
  };
  const auto report = RepairAlone(world);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, 7009);
  world.log.Insert("shot", 5'000'000);
  ASSERT_TRUE(RunUntilCaughtUp(world).ok());
}

TEST(Repair, WhereTheSourceFailsTheSinkGoesOn) {
  FakeWorld world({"shot"}, {"replica"});
  Plant(world);
  world.log.fail = [](const std::string& step) {
    return step == "fetch_keys" ? Status(Error{ErrorKind::kUnavailable, "source is away", 2999}) : Ok();
  };
  const auto report = RepairAlone(world);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, 2999);
  world.log.fail = nullptr;
  EXPECT_TRUE(RepairAlone(world).ok());
  EXPECT_TRUE(world.Equal());
}

}  // namespace
}  // namespace sluice

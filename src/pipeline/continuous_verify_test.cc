#include "pipeline/continuous_verify.h"

#include <gtest/gtest.h>

#include "pipeline/testing/fake_world.h"
#include "pipeline/testing/run_all.h"

namespace sluice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Turns : public ::testing::Test {
 protected:
  std::string Next(std::chrono::seconds after) {
    const TableDefinition* const next = turns_.Next(tables_, start_ + after);
    if (next == nullptr) return "";
    last_ = next;
    return next->schema->name.name;
  }
  void Done(std::chrono::seconds after, bool soon = false) { turns_.Done(*last_, start_ + after, soon); }

  testing::FakeLog log_{{"player", "shot"}};
  std::vector<TableDefinition> tables_ = log_.definitions();
  const ComparisonTurns::SteadyTime start_ = std::chrono::steady_clock::now();
  ComparisonTurns turns_{hours(24), start_};
  const TableDefinition* last_ = nullptr;
};

TEST_F(Turns, NothingIsDueAtOnceThenEachOnce) {
  EXPECT_EQ(Next(minutes(10) - seconds(1)), "");
  EXPECT_EQ(Next(minutes(10)), "player");
  Done(minutes(20));
  EXPECT_EQ(Next(minutes(20)), "shot");
  Done(minutes(30));
  EXPECT_EQ(Next(hours(24)), "");
  EXPECT_EQ(Next(hours(24) + minutes(20)), "player");
}

TEST_F(Turns, WhatDiffersIsLookedAtAgainSoon) {
  EXPECT_EQ(Next(minutes(10)), "player");
  Done(minutes(10), /*soon=*/true);
  EXPECT_EQ(Next(minutes(10)), "shot");
  Done(minutes(12));
  EXPECT_EQ(Next(minutes(19)), "");
  EXPECT_EQ(Next(minutes(20)), "player");
}

TEST_F(Turns, ATableThatComesIsComparedAndOneThatGoesForgotten) {
  EXPECT_EQ(Next(minutes(10)), "player");
  Done(minutes(10));
  EXPECT_EQ(Next(minutes(10)), "shot");
  Done(minutes(10));
  tables_.erase(tables_.begin());
  EXPECT_EQ(Next(minutes(10)), "");
  tables_ = log_.definitions();
  EXPECT_EQ(Next(minutes(10)), "player") << "as one that was never seen";
}

TEST(ContinuousVerify, FindsWhatSomebodyElseChangedAndSaysSoOnTheBoard) {
  testing::FakeWorld world({"shot", "player"}, {"replica"});
  world.log.Insert("shot", 1, 10);
  SystemClock clock;
  StatusBoard board("test", "source", {}, clock);
  CutRequests cuts;
  TableRequests requests;
  const Connector connector = world.connector();
  ASSERT_TRUE(testing::RunUntilCaughtUp(world).ok());
  world.sink(0).rows[testing::Named("shot")].erase(7);
  std::stop_source stop;
  std::thread running([&] { EXPECT_TRUE(testing::RunAll(connector, {}, clock, board, cuts, requests, stop.get_token()).ok()); });
  {
    ContinuousVerify comparing({.every = milliseconds(50)}, connector.open_source, cuts, board);
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      const std::vector<TableStatus> tables = board.Snapshot().tables;
      if (tables.size() == 2 && !tables[0].compared.empty() && !tables[1].compared.empty()) break;
      std::this_thread::sleep_for(milliseconds(10));
    }
  }
  const std::vector<TableStatus> tables = board.Snapshot().tables;
  stop.request_stop();
  running.join();
  ASSERT_EQ(tables.size(), 2u);
  ASSERT_EQ(tables[0].compared.size(), 1u);
  EXPECT_EQ(tables[0].compared[0].result, Comparison::kEqual) << tables[0].table;
  ASSERT_EQ(tables[1].compared.size(), 1u);
  EXPECT_EQ(tables[1].compared[0].result, Comparison::kDifferent) << tables[1].table;
  EXPECT_EQ(tables[1].compared[0].rows_different, 1u);
}

TEST(ContinuousVerify, NeverMeansNever) {
  CutRequests cuts;
  SystemClock clock;
  StatusBoard board("test", "source", {}, clock);
  ContinuousVerify comparing({.every = milliseconds(0)}, []() -> Result<std::unique_ptr<Source>> {
    ADD_FAILURE();
    return Error{ErrorKind::kUnavailable, "asked"};
  }, cuts, board);
}

}  // namespace
}  // namespace sluice

#include "pipeline/resume.h"

#include <gtest/gtest.h>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

const LogIdentity kLog{7001, 1, "shop", "sluice"};
const SourceLog kSource{kLog, Lsn{1000}, {}};
const TableName kShot{"public", "shot"}, kPlayer{"public", "player"};
const std::vector<SourceTable> kTables{{kShot, 100}, {kPlayer, 200}};

SlotState SlotAt(uint64_t lsn) {
  SlotState slot;
  slot.name = "sluice";
  slot.confirmed_flush_lsn = Lsn{lsn};
  slot.restart_lsn = Lsn{lsn};
  slot.wal_status = "reserved";
  return slot;
}

SinkState Fresh(std::string name) { return {std::move(name), std::nullopt, {}}; }

SinkState At(std::string name, uint64_t lsn, LogIdentity log = kLog) {
  Bookmark bookmark;
  bookmark.position = {std::move(log), Lsn{lsn}};
  return {std::move(name), bookmark, {{kShot, {100, Lsn{5}}}, {kPlayer, {200, Lsn{5}}}}};
}

int CodeOf(const Result<ResumePlan>& plan) { return plan.ok() ? 0 : plan.error().code; }

TEST(Resume, AFreshStartMakesTheSlotAndCopiesEverythingIntoEverySink) {
  const auto plan = DecideResume(kSource, std::nullopt, std::vector{Fresh("replica"), Fresh("lake")}, kTables);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->create_slot);
  EXPECT_EQ(plan->tables_to_copy, (std::vector<std::vector<size_t>>{{0, 1}, {0, 1}}));
}

TEST(Resume, ASlotLeftByAStartThatDiedBeforeItsFirstTableIsUsed) {
  const auto plan = DecideResume(kSource, SlotAt(10), std::vector{Fresh("replica")}, kTables);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->create_slot);
  EXPECT_EQ(plan->tables_to_copy[0], (std::vector<size_t>{0, 1}));
}

TEST(Resume, ARestartCopiesNothingAndGoesOnFromTheLeastBookmark) {
  const std::vector sinks{At("replica", 90), At("lake", 50)};
  const auto plan = DecideResume(kSource, SlotAt(50), sinks, kTables);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->needs_copy());
  EXPECT_EQ(*ResumeFrom(kSource, SlotAt(50), sinks), Lsn{50});
}

TEST(Resume, ATableThatWasAPartitionWaitsUntilItsParentHasBeenFollowed) {
  SinkState lake = At("lake", 50);
  lake.copied[kPlayer].fingerprint = "1 0 0 0 0 200 300";
  std::vector<SourceTable> tables = kTables;
  tables.push_back({{"public", "player_1"}, 300});
  EXPECT_FALSE(DecideResume(kSource, SlotAt(50), std::vector{lake}, tables)->needs_copy());
  lake.copied[kPlayer].fingerprint = "1 0 0 0 0 200";
  EXPECT_EQ(DecideResume(kSource, SlotAt(50), std::vector{lake}, tables)->tables_to_copy[0], (std::vector<size_t>{2}));
  lake.copied[kPlayer].fingerprint = "1 0 0 0 0 100";  // As where a mapping changes what a table is known by.
  tables[0].oid = 100;
  lake.copied[kShot].oid = 101;
  EXPECT_EQ(DecideResume(kSource, SlotAt(50), std::vector{lake}, tables)->tables_to_copy[0], (std::vector<size_t>{0, 2}));
}

TEST(Resume, AnUnfinishedTableIsCopiedOnlyForTheSinkThatMissesIt) {
  SinkState lake = At("lake", 50);
  lake.copied.erase(kPlayer);
  const auto plan = DecideResume(kSource, SlotAt(50), std::vector{At("replica", 50), lake}, kTables);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->tables_to_copy, (std::vector<std::vector<size_t>>{{}, {1}}));
}

TEST(Resume, ANewSinkBesideAnOldOneIsCopiedWhole) {
  const auto plan = DecideResume(kSource, SlotAt(50), std::vector{At("replica", 50), Fresh("lake")}, kTables);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->create_slot);
  EXPECT_EQ(plan->tables_to_copy, (std::vector<std::vector<size_t>>{{}, {0, 1}}));
}

TEST(Resume, ATableMadeAgainUnderItsNameIsCopiedAgain) {
  const std::vector<SourceTable> tables{{kShot, 100}, {kPlayer, 999}};
  const auto plan = DecideResume(kSource, SlotAt(50), std::vector{At("replica", 50)}, tables);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->tables_to_copy[0], (std::vector<size_t>{1}));
}

TEST(Resume, StopsWhenTheSlotIsAheadOfOneBookmark) {
  const auto plan = DecideResume(kSource, SlotAt(51), std::vector{At("replica", 90), At("lake", 50)}, kTables);
  EXPECT_EQ(CodeOf(plan), 2205);
  EXPECT_EQ(plan.error().kind, ErrorKind::kSourceLost);
  EXPECT_NE(plan.error().message.find("sink lake at 0/32"), std::string::npos) << plan.error().message;
}

TEST(Resume, ASlotThatWentBackAfterACrashOfTheSourceIsFine) {
  EXPECT_TRUE(DecideResume(kSource, SlotAt(40), std::vector{At("replica", 50)}, kTables).ok());
}

TEST(Resume, StopsWhenTheSlotIsGone) {
  const auto plan = DecideResume(kSource, std::nullopt, std::vector{At("replica", 50), Fresh("lake")}, kTables);
  EXPECT_EQ(CodeOf(plan), 2201);
  EXPECT_EQ(plan.error().kind, ErrorKind::kSourceLost);
}

TEST(Resume, StopsWhenTheSlotIsLostWhateverTheSinksHold) {
  SlotState lost = SlotAt(40);
  lost.lost = true;
  lost.wal_status = "lost";
  EXPECT_EQ(CodeOf(DecideResume(kSource, lost, std::vector{At("replica", 50)}, kTables)), 2204);
  EXPECT_EQ(CodeOf(DecideResume(kSource, lost, std::vector{Fresh("replica")}, kTables)), 2204);
}

TEST(Resume, StopsOnAnotherServerTimelineDatabaseOrSlot) {
  const auto with = [](LogIdentity log) {
    return CodeOf(DecideResume(kSource, SlotAt(10), std::vector{At("replica", 50, std::move(log))}, kTables));
  };
  EXPECT_EQ(with({9999, 1, "shop", "sluice"}), 8101);
  EXPECT_EQ(with({7001, 2, "shop", "sluice"}), 8102);
  EXPECT_EQ(with({7001, 1, "other", "sluice"}), 8104);
  EXPECT_EQ(with({7001, 1, "shop", "other"}), 8104);
}

TEST(Resume, APromotedStandbyIsFollowedIfItHasAllThatTheSinkHas) {
  SourceLog promoted{{7001, 3, "shop", "sluice"}, Lsn{1000}, {{1, Lsn{50}}, {2, Lsn{80}}}};
  const auto with = [&](uint32_t timeline, uint64_t lsn) {
    return CodeOf(DecideResume(promoted, SlotAt(10), std::vector{At("replica", lsn, {7001, timeline, "shop", "sluice"})}, kTables));
  };
  EXPECT_EQ(with(1, 50), 0);
  EXPECT_EQ(with(1, 51), 8102) << "committed on timeline 1 after the standby left it";
  EXPECT_EQ(with(2, 80), 0);
  EXPECT_EQ(with(2, 81), 8102);
  EXPECT_EQ(with(3, 900), 0);
  EXPECT_EQ(with(4, 10), 8102) << "a sibling";
}

TEST(Resume, StopsWhereTheLogEndsBeforeABookmark) {
  EXPECT_EQ(CodeOf(DecideResume(kSource, SlotAt(10), std::vector{At("replica", 1000)}, kTables)), 0);
  EXPECT_EQ(CodeOf(DecideResume(kSource, SlotAt(10), std::vector{At("replica", 1001)}, kTables)), 8105);
}

TEST(Resume, EveryReasonToStopHasItsExplanation) {
  for (const int code : {2204, 2205, 2201, 8101, 8102, 8104, 8105}) {
    SCOPED_TRACE(code);
    ASSERT_NE(FindError(code), nullptr);
    EXPECT_FALSE(FindError(code)->fix.empty());
    EXPECT_FALSE(FindError(code)->why.empty());
  }
}

}  // namespace
}  // namespace sluice

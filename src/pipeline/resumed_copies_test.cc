#include "pipeline/resumed_copies.h"

#include <gtest/gtest.h>

#include "pipeline/testing/fake_world.h"

namespace sluice {
namespace {

using testing::FakeSink;
using testing::FakeWorld;
using testing::Named;

/// A table of 10 blocks of 8192 bytes, planned as two ranges.
class PlanReadingTest : public ::testing::Test {
 protected:
  RangesToRead Plan(std::vector<BlockRange> replica, std::vector<BlockRange> lake) {
    const TableDefinition table = world_.log.definitions()[0];
    for (auto* ranges : {&replica, &lake})
      for (BlockRange& range : *ranges) range.leaf = table.leaves[0].oid;
    world_.sink(0).kept[Named("t")].ranges = std::move(replica);
    world_.sink(1).kept[Named("t")].ranges = std::move(lake);
    FakeSink first(world_.sink(0)), second(world_.sink(1));
    InitialCopyRun run;
    run.tables = {table};
    run.targets = {{&first, {0}}, {&second, {0}}};
    return PlanReading({{0, 0, 0, 5, 40960}, {0, 0, 5, UINT32_MAX, 40960}}, run);
  }
  /// "0-5 for 0 1" of each.
  static std::vector<std::string> Shown(const RangesToRead& reading) {
    std::vector<std::string> shown;
    for (const RangeToRead& range : reading.ranges) {
      std::string& text = shown.emplace_back(std::to_string(range.range.first_block) + "-" + (range.range.end_block == UINT32_MAX ? "" : std::to_string(range.range.end_block)) + " for");
      for (const size_t target : range.targets) text += " " + std::to_string(target);
    }
    return shown;
  }
  using Texts = std::vector<std::string>;

  FakeWorld world_{{"t"}, {"replica", "lake"}};
};

TEST_F(PlanReadingTest, WithoutAnythingKeptAllIsReadForAll) { EXPECT_EQ(Shown(Plan({}, {})), (Texts{"0-5 for 0 1", "5- for 0 1"})); }

TEST_F(PlanReadingTest, WhatAllSinksKeepIsNotRead) {
  const RangesToRead reading = Plan({{0, 0, 5}}, {{0, 0, 5}});
  EXPECT_EQ(Shown(reading), Texts{"5- for 0 1"});
  EXPECT_EQ(reading.kept[0].ranges, 1u);
  EXPECT_EQ(reading.kept[0].bytes, 40960u);
}

TEST_F(PlanReadingTest, WhatOneSinkKeepsIsReadForTheOther) { EXPECT_EQ(Shown(Plan({{0, 0, 5}}, {})), (Texts{"0-5 for 1", "5- for 0 1"})); }

TEST_F(PlanReadingTest, RangesOfAnotherPlanAreCutOut) {
  EXPECT_EQ(Shown(Plan({{0, 0, 3}, {0, 4, 8}}, {{0, 0, 3}, {0, 4, 8}})), (Texts{"3-4 for 0 1", "8- for 0 1"}));
}

TEST_F(PlanReadingTest, SizesAreSharedByBlocks) {
  const RangesToRead reading = Plan({{0, 1, 5}}, {{0, 1, 5}});
  EXPECT_EQ(reading.ranges[0].range.size_bytes, 8192u);
  EXPECT_EQ(reading.kept[0].bytes, 4u * 8192u);
}

TEST_F(PlanReadingTest, ARangeToTheEndHoldsWhatWasAddedSince) {
  EXPECT_EQ(Shown(Plan({{0, 0, 2}, {0, 2, UINT32_MAX}}, {{0, 0, 2}, {0, 2, UINT32_MAX}})), Texts{});
}

TEST_F(PlanReadingTest, AnUnfinishedEndIsRead) { EXPECT_EQ(Shown(Plan({{0, 0, 5}, {0, 5, 7}}, {{0, 0, 7}})), Texts{"7- for 0 1"}); }

class WhyFromTheStartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    kept_ = {world_.log.identity, table_.schema->oid, CopyFingerprint(table_), Lsn{500}, {{table_.leaves[0].oid, 0, 5}}};
    slot_ = SlotState{};
    slot_->confirmed_flush_lsn = Lsn{500};
  }
  std::string Why() const { return WhyFromTheStart(kept_, world_.log.identity, slot_, &table_); }

  FakeWorld world_{{"t"}, {"replica"}};
  TableDefinition table_ = world_.log.definitions()[0];
  KeptCopy kept_;
  std::optional<SlotState> slot_;
};

TEST_F(WhyFromTheStartTest, NothingIsInTheWay) { EXPECT_EQ(Why(), ""); }

TEST_F(WhyFromTheStartTest, TheSlotMustHaveAllChangesSince) {
  slot_->confirmed_flush_lsn = Lsn{501};
  EXPECT_NE(Why(), "");
  slot_.reset();
  EXPECT_NE(Why(), "");
}

TEST_F(WhyFromTheStartTest, TheTableMustBeAsItWas) {
  EXPECT_NE(WhyFromTheStart(kept_, world_.log.identity, slot_, nullptr), "");
  table_.fingerprint.files = {{20000, 20001}};
  EXPECT_EQ(Why(), "it was changed, truncated or rewritten meanwhile");
  kept_.oid = 7;
  EXPECT_NE(Why(), "");
}

TEST_F(WhyFromTheStartTest, TheLogMustBeTheSame) {
  kept_.log.timeline = 2;
  EXPECT_EQ(Why(), "it was read from another log");
}

TEST_F(WhyFromTheStartTest, ARowMustHaveAKey) {
  auto schema = std::make_shared<TableSchema>(*table_.schema);
  schema->key.clear();
  table_.schema = schema;
  EXPECT_EQ(Why(), "it has no key");
}

}  // namespace
}  // namespace sluice

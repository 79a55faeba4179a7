#include "sink/replica/apply_plan.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

class ApplyPlanTest : public ::testing::Test {
 protected:
  ApplyPlanTest() {
    table_.columns.resize(2);
    table_.columns[0].in_key = true;
  }

  TableEffect Inserts(size_t count) {
    TableEffect effect;
    effect.table = &table_;
    effect.inserts.resize(count);
    return effect;
  }
  TableEffect Updates(size_t count) {
    TableEffect effect;
    effect.table = &table_;
    effect.updates.assign(count, &row_);
    return effect;
  }

  DestinationTable table_;
  NetRow row_{.existed = true, .alive = true};
  const PlanOptions commit_{.commits = true};
};

TEST_F(ApplyPlanTest, AFewRowsAndTheCommitAreOneRoundTripAndManyAreNot) {
  EXPECT_TRUE(PlanApply({}, commit_).one_round_trip);
  EXPECT_TRUE(PlanApply(std::vector{Inserts(100), Updates(100)}, commit_).one_round_trip);
  const ApplyPlan plan = PlanApply(std::vector{Inserts(5000), Updates(3)}, commit_);
  EXPECT_FALSE(plan.one_round_trip);
  EXPECT_EQ(plan.ways, (std::vector{Way::kBulk, Way::kRows}));
}

TEST_F(ApplyPlanTest, AnOpenTransactionIsNeverCommittedByAPipelineOfItsOwn) {
  EXPECT_FALSE(PlanApply(std::vector{Inserts(1)}, {.commits = true, .in_transaction = true}).one_round_trip);
  EXPECT_FALSE(PlanApply(std::vector{Inserts(1)}, {.commits = false}).one_round_trip);
}

TEST_F(ApplyPlanTest, WhatWouldCollideIsReplaced) {
  EXPECT_EQ(PlanApply(std::vector{Updates(1)}, {.commits = true, .redo = true}).ways.front(), Way::kReplace);
  TableEffect colliding = Updates(2);
  colliding.keys_collide = true;
  const ApplyPlan plan = PlanApply(std::vector{colliding}, commit_);
  EXPECT_EQ(plan.ways.front(), Way::kReplace);
  EXPECT_FALSE(plan.one_round_trip);
}

TEST_F(ApplyPlanTest, AnIdentityThatCannotBeSetIsReplacedOnlyWhereItChanges) {
  table_.columns[0].identity_always = true;
  EXPECT_EQ(PlanApply(std::vector{Updates(1)}, commit_).ways.front(), Way::kRows);
  row_.key_changed = true;
  EXPECT_EQ(PlanApply(std::vector{Updates(1)}, commit_).ways.front(), Way::kReplace);
  row_.key_changed = false;
  table_.columns[0].identity_always = false;
  table_.columns[1].identity_always = true;
  EXPECT_EQ(PlanApply(std::vector{Updates(1)}, commit_).ways.front(), Way::kReplace);
}

TEST_F(ApplyPlanTest, RowsWithoutKeyKeepTheirOrderHoweverMany) {
  TableEffect effect;
  effect.table = &table_;
  effect.in_order.resize(5000);
  EXPECT_EQ(PlanApply(std::vector{effect}, {.commits = true, .redo = true}).ways.front(), Way::kRows);
}

}  // namespace
}  // namespace sluice

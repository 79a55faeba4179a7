#include "sink/lake/compaction_plan.h"

#include <gmock/gmock.h>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Groups = std::vector<std::vector<size_t>>;

constexpr int64_t kMiB = 1 << 20;

CompactionPolicy Policy() {
  CompactionPolicy policy;
  policy.files_to_merge = 3;
  return policy;
}

TEST(CompactionPlan, AFullTierBecomesOneFileAndOthersStay) {
  const PartitionFiles partition{{{100 * kMiB, 1000, 0}, {8 * kMiB, 80, 0}, {1 * kMiB, 10, 0}, {9 * kMiB, 90, 0}, {1 * kMiB, 10, 0}, {10 * kMiB, 100, 0}}, {}};
  EXPECT_TRUE(MayNeedCompaction(partition, Policy()));
  EXPECT_EQ(PlanDataGroups(partition, Policy()), (Groups{{1, 3, 5}}));
}

TEST(CompactionPlan, TwoSmallFilesWaitForAThirdUnlessThePartitionIsQuiet) {
  PartitionFiles partition{{{8 * kMiB, 80, 0}, {100 * kMiB, 1000, 0}, {kMiB, 10, 0}}, {{5, 0}, {6, 0}}};
  EXPECT_FALSE(MayNeedCompaction(partition, Policy()));
  EXPECT_THAT(PlanDataGroups(partition, Policy()), IsEmpty());
  EXPECT_THAT(PlanDeleteMerge(partition, Policy()), IsEmpty());
  partition.quiet = true;
  EXPECT_TRUE(MayNeedCompaction(partition, Policy()));
  EXPECT_EQ(PlanDataGroups(partition, Policy()), (Groups{{0, 2}}));
  EXPECT_THAT(PlanDeleteMerge(partition, Policy()), ElementsAre(0, 1));
}

TEST(CompactionPlan, GroupsStayWithinTheTargetAndAUnitWithinItsBytes) {
  CompactionPolicy policy = Policy();
  const PartitionFiles partition{std::vector<PlannedDataFile>(7, {50 * kMiB, 100, 0}), {}};
  EXPECT_EQ(PlanDataGroups(partition, policy), (Groups{{0, 1}, {2, 3}, {4, 5}}));
  policy.unit_bytes_max = 200 * kMiB;
  EXPECT_EQ(PlanDataGroups(partition, policy), (Groups{{0, 1}, {2, 3}}));
}

TEST(CompactionPlan, FilesMayBeLargeByTheirRows) {
  CompactionPolicy policy = Policy();
  policy.file_rows_target = 1000;
  const PartitionFiles partition{{{kMiB, 500, 0}, {kMiB, 499, 99}, {kMiB, 400, 0}, {kMiB, 300, 0}, {kMiB, 520, 30}, {kMiB, 900, 100}}, {}};
  EXPECT_EQ(PlanDataGroups(partition, policy), (Groups{{1, 2}, {3, 4}}));
  EXPECT_EQ(PlanDataGroups(partition, Policy()), (Groups{{0, 1, 2, 3, 4, 5}}));
  const PartitionFiles large{std::vector<PlannedDataFile>(5, {kMiB, 600, 0}), {}};
  EXPECT_FALSE(MayNeedCompaction(large, policy));
}

TEST(CompactionPlan, AWornFileIsWrittenAgainAloneAndOneThatIsWholeIsNot) {
  const PartitionFiles partition{{{120 * kMiB, 1000, 300}, {120 * kMiB, 1000, 299}, {4 * kMiB, 10, 0}}, {{599, 300}}};
  EXPECT_EQ(PlanDataGroups(partition, Policy()), (Groups{{0}}));
  EXPECT_THAT(PlanDeleteMerge(partition, Policy()), ElementsAre(0));
}

TEST(CompactionPlan, AFileOfWhichAllIsDeletedTakesNoPlaceInItsGroup) {
  const PartitionFiles partition{{{120 * kMiB, 1000, 1000}, {120 * kMiB, 1000, 1000}, {120 * kMiB, 1000, 400}}, {}};
  EXPECT_EQ(PlanDataGroups(partition, Policy()), (Groups{{0, 1, 2}}));
}

TEST(CompactionPlan, LargeDeleteFilesStayAndThoseThatDangleGo) {
  const PartitionFiles partition{{{120 * kMiB, 100'000'000, 0}}, {{2'000'000, 0}, {10, 0}, {1'999'999, 1'000'000}, {20, 0}, {30, 3}}};
  EXPECT_THAT(PlanDeleteMerge(partition, Policy()), ElementsAre(1, 2, 3, 4));
}

// Whatever is looked at without having read the delete files must be found when they are read, or it would be looked at
// for ever: all shares of deleted and dangling positions in files and delete files that are few.
TEST(CompactionPlan, WhatMayNeedCompactionForItsDeletesHasSomethingToDo) {
  int looked_at = 0;
  for (int64_t deleted = 0; deleted <= 1000; deleted += 7) {
    for (int64_t dangling = 0; dangling <= 1000; dangling += 9) {
      PartitionFiles partition{{{120 * kMiB, 1000, 0}, {120 * kMiB, 1000, 0}}, {{2 * deleted + dangling, 0}}};
      if (!MayNeedCompaction(partition, Policy())) continue;
      ++looked_at;
      for (PlannedDataFile& file : partition.data) file.deleted_rows = deleted;
      partition.deletes[0].dangling = dangling;
      EXPECT_FALSE(PlanDataGroups(partition, Policy()).empty() && PlanDeleteMerge(partition, Policy()).empty()) << deleted << " " << dangling;
    }
  }
  EXPECT_GT(looked_at, 1000);
}

}  // namespace
}  // namespace sluice

#include "sink/lake/cuts.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using iceberg::Snapshot;
using iceberg::TableMetadata;

constexpr Timestamp At(int64_t seconds) { return Timestamp(std::chrono::seconds(seconds)); }

Bookmark BookmarkAt(uint64_t lsn) { return {{{1, 1, "db", "slot"}, Lsn{lsn}}, 1, At(static_cast<int64_t>(lsn))}; }

/// Builds a table commit by commit; source time is the LSN in seconds.
class Builder {
 public:
  explicit Builder(const std::string& name, uint64_t copy_lsn) {
    table_.name = {"public", name};
    metadata_.properties = {{kStateProperty, kStateCopied}, {kCopyLsnProperty, ToString(Lsn{copy_lsn})}, {"sluice.table-oid", "7"}};
  }
  Builder& Commit(int64_t id, std::optional<uint64_t> lsn) {
    Snapshot snapshot;
    snapshot.snapshot_id = id;
    snapshot.parent_snapshot_id = metadata_.current_snapshot_id;
    if (lsn) snapshot.summary = TableProperties(BookmarkAt(*lsn), 7);
    metadata_.snapshots.push_back(snapshot);
    metadata_.current_snapshot_id = id;
    return *this;
  }
  Builder& Expire(int64_t id) {
    std::erase_if(metadata_.snapshots, [&](const Snapshot& snapshot) { return snapshot.snapshot_id == id; });
    return *this;
  }
  Builder& Set(const std::string& key, const std::string& value) {
    metadata_.properties[key] = value;
    return *this;
  }
  /// It has the changes of this table.
  Builder& ChangesOf(const std::string& name) {
    metadata_.properties.erase(kStateProperty);
    return Set(kRoleProperty, kRoleChanges).Set(kChangesOfProperty, PropertySuffix({"public", name}));
  }
  Builder& StopChanges() {
    metadata_.properties.erase(kCopyLsnProperty);
    return *this;
  }
  Builder& Hold(uint64_t lsn) {
    table_.held = HeldTable{7, 4107, "another type", Lsn{lsn}};
    return *this;
  }
  operator CutTable() const {  // NOLINT(google-explicit-constructor)
    CutTable table = table_;
    table.metadata = std::make_shared<const TableMetadata>(metadata_);
    return table;
  }

 private:
  CutTable table_;
  TableMetadata metadata_;
};

TEST(Cuts, TheNewestCutIsTheBookmarkWithEachTablesNewestSnapshot) {
  const std::vector<CutTable> tables = {Builder("busy", 10).Commit(1, 10).Commit(2, 20).Commit(3, 30), Builder("idle", 10).Commit(4, 10)};
  const auto cut = FindCut(tables, BookmarkAt(40), {});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->lsn, Lsn{40});
  EXPECT_EQ(cut->source_time, At(40));
  EXPECT_EQ(cut->tables[0].snapshot_id, 3);
  EXPECT_EQ(cut->tables[1].snapshot_id, 4);
}

TEST(Cuts, AnOlderMomentTakesSnapshotsAtOrBeforeIt) {
  const std::vector<CutTable> tables = {Builder("a", 10).Commit(1, 10).Commit(2, 20).Commit(3, 30), Builder("b", 10).Commit(4, 10).Commit(5, 25)};
  auto cut = FindCut(tables, BookmarkAt(30), {.lsn = Lsn{29}, .time = {}});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->lsn, Lsn{25});
  EXPECT_EQ(cut->tables[0].snapshot_id, 2);
  EXPECT_EQ(cut->tables[1].snapshot_id, 5);
  cut = FindCut(tables, BookmarkAt(30), {.lsn = {}, .time = At(24)});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->lsn, Lsn{20});
  EXPECT_EQ(cut->tables[1].snapshot_id, 4);
  EXPECT_FALSE(FindCut(tables, BookmarkAt(30), {.lsn = Lsn{9}, .time = {}}));
  EXPECT_FALSE(FindCut(tables, BookmarkAt(30), {.lsn = {}, .time = At(9)}));
}

TEST(Cuts, WhatWasCommittedWhileTheTablesWereLoadedIsLeftOut) {
  const std::vector<CutTable> tables = {Builder("a", 10).Commit(1, 10).Commit(2, 50), Builder("b", 10).Commit(3, 10)};
  const auto cut = FindCut(tables, BookmarkAt(40), {});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->lsn, Lsn{40});
  EXPECT_EQ(cut->tables[0].snapshot_id, 1);
}

TEST(Cuts, AnotherWritersSnapshotShowsWhatItsParentShows) {
  const std::vector<CutTable> tables = {Builder("a", 10).Commit(1, 10).Commit(2, std::nullopt).Commit(3, 30)};
  EXPECT_EQ(FindCut(tables, BookmarkAt(30), {.lsn = Lsn{29}, .time = {}})->tables[0].snapshot_id, 2);
  const CutTable lost = Builder("a", 10).Commit(1, 10).Commit(2, std::nullopt).Commit(3, 30).Expire(1);
  EXPECT_FALSE(MainHistory(*lost.metadata).back().mark);
}

TEST(Cuts, ExpiredSnapshotsAreMissing) {
  const std::vector<CutTable> tables = {Builder("a", 10).Commit(1, 10).Commit(2, 30).Expire(1), Builder("b", 10).Commit(3, 10).Commit(4, 20)};
  const auto cut = FindCut(tables, BookmarkAt(30), {.lsn = Lsn{20}, .time = {}});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->tables[0].state, CutState::kExpired);
  EXPECT_TRUE(cut->tables[0].is_missing());
  EXPECT_NE(cut->tables[0].reason.find("0/1E"), std::string::npos);
  EXPECT_EQ(cut->tables[1].snapshot_id, 4);
}

TEST(Cuts, ATableThatJoinedLaterIsMissingBeforeItsCopy) {
  const std::vector<CutTable> tables = {Builder("old", 10).Commit(1, 10).Commit(2, 20), Builder("late", 30).Commit(3, 30)};
  const auto cut = FindCut(tables, BookmarkAt(30), {.lsn = Lsn{20}, .time = {}});
  EXPECT_EQ(cut->tables[1].state, CutState::kNotYetThere);
  EXPECT_EQ(cut->tables[1].lsn, Lsn{30});
  EXPECT_EQ(FindCut(tables, BookmarkAt(30), {})->tables[1].snapshot_id, 3);
}

TEST(Cuts, SnapshotsOfBeforeANewCopyCountAsLongAsTheTableWasFollowed) {
  const std::vector<CutTable> tables = {Builder("again", 50).Commit(1, 10).Commit(2, 20).Commit(3, 50), Builder("b", 10).Commit(4, 10).Commit(5, 15).Commit(6, 40)};
  EXPECT_EQ(FindCut(tables, BookmarkAt(50), {.lsn = Lsn{15}, .time = {}})->tables[0].snapshot_id, 1);
  EXPECT_EQ(FindCut(tables, BookmarkAt(50), {.lsn = Lsn{20}, .time = {}})->tables[0].snapshot_id, 2);
  EXPECT_EQ(FindCut(tables, BookmarkAt(50), {.lsn = Lsn{40}, .time = {}})->tables[0].state, CutState::kNotYetThere) << "it may have stood still since 20";
}

TEST(Cuts, TablesThatAreHeldOrCatchUpOrAreCopiedAreBehind) {
  const std::vector<CutTable> tables = {Builder("held", 10).Commit(1, 10).Hold(20), Builder("catching", 10).Commit(2, 10).Set(kCatchingUpProperty, "0/14"),
                                        Builder("copying", 10).Set(kStateProperty, kStateCopying), Builder("stale", 10).Commit(3, 10).Set(kStateProperty, kStateStale),
                                        Builder("foreign", 10).Set(kStateProperty, "")};
  auto cut = FindCut(tables, BookmarkAt(40), {});
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(cut->tables[i].state, CutState::kBehind) << i;
  EXPECT_EQ(cut->tables[4].state, CutState::kForeign);
  EXPECT_FALSE(cut->tables[4].is_missing());
  cut = FindCut(tables, BookmarkAt(40), {.lsn = Lsn{20}, .time = {}});
  EXPECT_EQ(cut->tables[0].snapshot_id, 1);
  EXPECT_EQ(cut->tables[1].snapshot_id, 2);
}

TEST(Cuts, ATableOfChangesHasAllVersionsUpToThenWhileTheyAreKept) {
  const Builder table = Builder("t", 10).Commit(1, 10).Commit(2, 20).Commit(3, 30).Commit(4, 40);
  const auto at = [&](const Builder& changes, uint64_t lsn) { return FindCut({table, changes}, BookmarkAt(40), {.lsn = Lsn{lsn}, .time = {}})->tables[1]; };
  Builder changes = Builder("t_changes", 20).ChangesOf("t").Commit(5, 20).Commit(6, 30);
  EXPECT_EQ(at(changes, 30).snapshot_id, 6);
  EXPECT_EQ(at(changes, 40).snapshot_id, 6);
  EXPECT_EQ(at(changes, 20).snapshot_id, 5);
  EXPECT_EQ(at(changes, 10).state, CutState::kNotYetThere);
  EXPECT_EQ(at(Builder(changes).Expire(5), 20).state, CutState::kExpired);
  const Builder stopped = Builder(changes).StopChanges();
  EXPECT_EQ(at(stopped, 30).snapshot_id, 6);
  EXPECT_EQ(at(stopped, 40).state, CutState::kBehind);
}

TEST(Cuts, ATableWithoutSnapshotIsEmpty) {
  const std::vector<CutTable> tables = {Builder("empty", 10), Builder("filled", 10).Commit(1, 30), Builder("b", 10).Commit(2, 10).Commit(3, 20)};
  const auto cut = FindCut(tables, BookmarkAt(30), {.lsn = Lsn{20}, .time = {}});
  EXPECT_EQ(cut->tables[0].state, CutState::kEmpty);
  EXPECT_EQ(cut->tables[1].state, CutState::kEmpty) << "its first snapshot came later";
  EXPECT_FALSE(FindCut({Builder("empty", 10)}, std::nullopt, {}));
}

TEST(Cuts, AHistoryThatRunsInACircleEnds) {
  TableMetadata metadata;
  metadata.snapshots.resize(2);
  metadata.snapshots[0].snapshot_id = 1;
  metadata.snapshots[0].parent_snapshot_id = 2;
  metadata.snapshots[1].snapshot_id = 2;
  metadata.snapshots[1].parent_snapshot_id = 1;
  metadata.current_snapshot_id = 1;
  EXPECT_EQ(MainHistory(metadata).size(), 2u);
}

}  // namespace
}  // namespace sluice

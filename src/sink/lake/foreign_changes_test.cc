#include "sink/lake/foreign_changes.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "catalog/open_catalog.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_scan.h"
#include "observability/error_catalog.h"
#include "sink/lake/lake_sink_fixture.h"
#include "sink/lake/orphans.h"

namespace sluice {
namespace {

using testing::BatchMaker;
using testing::kTable;
using testing::Rows;
using testing::RowsInLake;
using testing::TestSchema;

class ForeignChangesTest : public testing::LakeSinkFixture {
 protected:
  ForeignChangesTest() { config_.maintenance.enabled = false; }

  /// Somebody's commit to the table.
  void Change(std::vector<iceberg::TableUpdate> updates) {
    auto store = ObjectStore::Open(config_.warehouse);
    auto catalog = OpenCatalog(config_, **store);
    const CatalogTable table = **(*catalog)->LoadTable({"public", "t"});
    ASSERT_OK((*catalog)->Commit({{{"public", "t"}, table, {iceberg::AssertUuid{table.metadata->table_uuid}}, std::move(updates)}}, std::nullopt));
  }
  iceberg::TableMetadataPtr Metadata() { return Table().metadata; }
  void FillThreeCommits() {
    Open();
    Copy(schema_, {{1, "a", "one"}});
    Apply(BatchMaker(schema_).Insert({2, "b", "two"}), 200);
    Apply(BatchMaker(schema_).Insert({3, "c", "three"}), 300);
  }
  std::optional<int> HeldBy() {
    const auto held = sink_->held_tables().find(kTable);
    return held == sink_->held_tables().end() ? std::nullopt : std::optional(held->second.code);
  }

  const TableSchemaPtr schema_ = TestSchema("t");
};

TEST_F(ForeignChangesTest, ATableThatIsSetBackIsHeldUntilItIsCopiedAgain) {
  FillThreeCommits();
  const auto snapshots = Metadata()->snapshots;
  Change({iceberg::SetSnapshotRef{iceberg::kMainBranch, {snapshots[1].snapshot_id, false, {}, {}, {}}}});
  // While it runs, the next commit finds it.
  BatchMaker batch(schema_);
  batch.Insert({4, "d", "four"}).End(400);
  ASSERT_OK(sink_->Write(batch.Make()));
  const Status refused = Commit(400);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  Open();
  EXPECT_EQ(HeldBy(), slu::kLakeSetBack);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|one", "2|b|two"}));
  Open();
  EXPECT_EQ(HeldBy(), slu::kLakeSetBack) << "after a restart too";
  ASSERT_OK(sink_->Forget(kTable));
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}, {4, "d", "four"}}, 500);
  Open();
  EXPECT_EQ(HeldBy(), std::nullopt);
  EXPECT_EQ(RowsInLake(config_, kTable).size(), 4u);
}

TEST_F(ForeignChangesTest, ABackAndForthOrASnapshotOnTopIsNone) {
  FillThreeCommits();
  const auto snapshots = Metadata()->snapshots;
  Change({iceberg::SetSnapshotRef{iceberg::kMainBranch, {snapshots[1].snapshot_id, false, {}, {}, {}}}});
  Change({iceberg::SetSnapshotRef{iceberg::kMainBranch, {snapshots[2].snapshot_id, false, {}, {}, {}}}});
  Open();
  EXPECT_EQ(HeldBy(), std::nullopt);
  iceberg::Snapshot on_top = snapshots[2];
  on_top.parent_snapshot_id = on_top.snapshot_id;
  on_top.snapshot_id = 77;
  on_top.sequence_number += 1;
  Change({iceberg::AddSnapshot{on_top}, iceberg::SetSnapshotRef{iceberg::kMainBranch, {77, false, {}, {}, {}}},
          iceberg::RemoveSnapshots{{snapshots[0].snapshot_id, snapshots[1].snapshot_id, snapshots[2].snapshot_id}}});
  Open();
  EXPECT_EQ(HeldBy(), std::nullopt);
  Apply(BatchMaker(schema_).Delete(2), 400);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|one", "3|c|three"}));
}

TEST_F(ForeignChangesTest, SetBackAndWrittenOnIsFoundToo) {
  FillThreeCommits();
  const auto snapshots = Metadata()->snapshots;
  iceberg::Snapshot fork = snapshots[1];
  fork.parent_snapshot_id = snapshots[0].snapshot_id;
  fork.snapshot_id = 78;
  fork.sequence_number = snapshots[2].sequence_number + 1;
  Change({iceberg::AddSnapshot{fork}, iceberg::SetSnapshotRef{iceberg::kMainBranch, {78, false, {}, {}, {}}}});
  Open();
  EXPECT_EQ(HeldBy(), slu::kLakeSetBack);
}

TEST_F(ForeignChangesTest, ColumnsThatSomebodyChangedHoldTheTableAndOtherTablesGoOn) {
  using Edit = std::function<void(iceberg::Schema&)>;
  const std::vector<std::pair<const char*, Edit>> edits{
      {"dropped", [](iceberg::Schema& schema) { schema.fields.erase(schema.fields.begin() + 2); }},
      {"added", [](iceberg::Schema& schema) { schema.fields.push_back({77, "theirs", false, iceberg::Primitive(iceberg::TypeId::kLong), ""}); }},
      {"renamed", [](iceberg::Schema& schema) { schema.fields[1].name = "sort"; }},
      {"moved", [](iceberg::Schema& schema) { std::swap(schema.fields[1], schema.fields[2]); }},
  };
  for (size_t i = 0; i < edits.size(); ++i) {
    SCOPED_TRACE(edits[i].first);
    config_.warehouse = folder_.path() + "/" + std::to_string(i);
    FillThreeCommits();
    Copy(TestSchema("other", false, 2000), {{1, "x", "y"}}, 310);
    iceberg::Schema schema = Metadata()->schema();
    edits[i].second(schema);
    Change({iceberg::AddSchema{schema}, iceberg::SetCurrentSchema{}});
    Open();
    EXPECT_EQ(HeldBy(), slu::kLakeColumnsForeign);
    EXPECT_TRUE(sink_->copied_tables().contains({"public", "other"}));
    ASSERT_OK(sink_->Forget(kTable));
    Copy(schema_, {{1, "a", "one"}}, 500);
    Open();
    EXPECT_EQ(HeldBy(), std::nullopt);
    EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|one"}));
  }
}

// As Spark does: it writes the files again, lets the older snapshots expire, and removes what they had.
TEST_F(ForeignChangesTest, WhereOthersRemovedTheFilesOfBeforeTheNextChangeIsAConflict) {
  FillThreeCommits();
  Open();  // Which knows the table, and has read none of its files yet.
  const iceberg::TableMetadataPtr before = Metadata();
  iceberg::Snapshot on_top = *before->current_snapshot();
  on_top.parent_snapshot_id = on_top.snapshot_id;
  on_top.snapshot_id = 79;
  on_top.sequence_number += 1;
  auto store = ObjectStore::Open(config_.warehouse);
  on_top.manifest_list = before->location + "/metadata/theirs.avro";
  ASSERT_OK((*store)->Put(on_top.manifest_list, *(*store)->Get(before->current_snapshot()->manifest_list)));
  Change({iceberg::AddSnapshot{on_top}, iceberg::SetSnapshotRef{iceberg::kMainBranch, {79, false, {}, {}, {}}}});
  std::vector<std::string> hidden;
  for (const auto& entry : std::filesystem::directory_iterator(before->location.substr(7) + "/metadata"))
    if (entry.path().extension() == ".avro" && entry.path().filename() != "theirs.avro") hidden.push_back(entry.path());
  for (const std::string& path : hidden) std::filesystem::rename(path, path + ".hidden");
  config_.snapshots_kept = 1;
  BatchMaker batch(schema_);
  batch.Delete(2).End(400);
  const Status done = sink_->Write(batch.Make());
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind, ErrorKind::kConflict) << done.error().message;
  EXPECT_TRUE(done.error().table.empty()) << "the table is not held for it";
  for (const std::string& path : hidden) std::filesystem::rename(path + ".hidden", path);
}

// As Flink writes them.
TEST_F(ForeignChangesTest, EqualityDeletesHoldTheTableAtTheNextChangeOfARow) {
  FillThreeCommits();
  auto store = ObjectStore::Open(config_.warehouse);
  iceberg::ManifestCache cache(**store, 1 << 20);
  const iceberg::TableMetadataPtr before = Metadata();
  const auto manifests = iceberg::CurrentManifests(*before, cache);
  ASSERT_OK(manifests);
  iceberg::TableChange change;
  iceberg::DataFile& deletes = change.added_files.emplace_back();
  deletes = iceberg::PlanScan(**manifests, cache)->data_files.front().data.file();
  deletes.content = iceberg::FileContent::kEqualityDeletes;
  deletes.path = before->location + "/data/equality.parquet";
  deletes.equality_ids = {1};
  const auto plan = iceberg::PlanCommit(*before, **manifests, change, {}, {iceberg::NewSnapshotId(*before), iceberg::NewUuid(), 1, before->last_updated_ms}, cache);
  ASSERT_OK(plan);
  ASSERT_OK((*store)->PutAll(plan->files));
  Change(plan->updates);
  Open();
  BatchMaker batch(schema_);
  batch.Delete(2).End(400);
  const Status refused = sink_->Write(batch.Make());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kLakeFormatUnknown);
  EXPECT_EQ(refused.error().table, (std::vector<std::string>{"public", "t"})) << "about this table alone";
}

TEST_F(ForeignChangesTest, AFileThatOthersSpellOtherwiseIsNoOrphan) {
  FillThreeCommits();
  iceberg::Snapshot theirs = *Metadata()->current_snapshot();
  auto store = ObjectStore::Open(config_.warehouse);
  const std::string list = Metadata()->location + "/metadata/theirs.avro";
  ASSERT_OK((*store)->Put(list, *(*store)->Get(theirs.manifest_list)));
  std::filesystem::last_write_time(list.substr(7), std::filesystem::file_time_type::clock::now() - std::chrono::hours(100));
  theirs.parent_snapshot_id = theirs.snapshot_id;
  theirs.snapshot_id = 80;
  theirs.sequence_number += 1;
  theirs.manifest_list = "file:" + list.substr(7);
  Change({iceberg::AddSnapshot{theirs}, iceberg::SetSnapshotRef{iceberg::kMainBranch, {80, false, {}, {}, {}}}});
  auto catalog = OpenCatalog(config_, **store);
  iceberg::ManifestCache cache(**store, 1 << 20);
  const auto orphans = FindOrphans(**store, **catalog, cache, {"public", "t"}, {2, SystemClock().Now() - std::chrono::hours(72)});
  ASSERT_OK(orphans);
  EXPECT_TRUE(orphans->empty()) << orphans->front().uri;
  Open();
  Apply(BatchMaker(schema_).Delete(2), 400);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|one", "3|c|three"}));
}

TEST_F(ForeignChangesTest, ADescriptionOfAColumnHarmsNobody) {
  FillThreeCommits();
  iceberg::Schema schema = Metadata()->schema();
  schema.fields[1].doc = "what kind it is";
  Change({iceberg::AddSchema{schema}, iceberg::SetCurrentSchema{}, iceberg::SetProperties{{{"comment", "ours"}}}});
  Open();
  EXPECT_EQ(HeldBy(), std::nullopt);
  Apply(BatchMaker(schema_).Delete(1), 400);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"2|b|two", "3|c|three"}));
}

}  // namespace
}  // namespace sluice

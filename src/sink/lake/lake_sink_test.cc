#include "sink/lake/lake_sink.h"

#include <gtest/gtest.h>

#include <random>

#include "catalog/open_catalog.h"
#include "sink/lake/cuts.h"
#include "sink/lake/lake_sink_fixture.h"

namespace sluice {
namespace {

using testing::BatchMaker;
using testing::CopyRow;
using testing::DefinitionOf;
using testing::kLog;
using testing::kTable;
using testing::Rows;
using testing::RowsInLake;
using testing::TestRow;
using testing::TestSchema;

class LakeSinkTest : public testing::LakeSinkFixture, public ::testing::WithParamInterface<int> {
 protected:
  LakeSinkTest() { config_.format_version = GetParam(); }
};

TEST_P(LakeSinkTest, CopiesRowsAndRemembersTheTableAndTheBookmark) {
  Open();
  EXPECT_FALSE(sink_->bookmark());
  Copy(TestSchema("t"), {{1, "a", "x"}, {2, std::nullopt, "y"}});
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x", "2|NULL|y"}));
  Open();
  ASSERT_TRUE(sink_->bookmark());
  EXPECT_EQ(sink_->bookmark()->position, (Position{kLog, {100}}));
  ASSERT_TRUE(sink_->copied_tables().contains(kTable));
  EXPECT_EQ(sink_->copied_tables().at(kTable).copy_lsn, Lsn{100});
  EXPECT_EQ(sink_->copied_tables().at(kTable).oid, 1000u);
}

TEST_P(LakeSinkTest, FollowsInsertsUpdatesAndDeletesAcrossRestarts) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}, {2, "b", "y"}, {3, "c", "z"}});
  Apply(BatchMaker(schema).Insert({4, "d", "w"}).Update({1, "A", "X"}).Delete(2), 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|X", "3|c|z", "4|d|w"}));
  Open();
  EXPECT_EQ(sink_->bookmark()->position.lsn, Lsn{200});
  Apply(BatchMaker(schema).Delete(4).Update({1, "again", "X"}).Insert({2, "back", ""}), 300);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|again|X", "2|back|", "3|c|z"}));
}

TEST_P(LakeSinkTest, NothingIsVisibleBeforeCommitAndWhatWasCommittedIsSkippedWhenSentAgain) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}});
  BatchMaker batch(schema);
  batch.Insert({2, "b", "y"}).Update({1, "c", "z"}).End(200);
  ASSERT_OK(sink_->Write(batch.Make()));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x"}));
  ASSERT_OK(Commit(200));
  ASSERT_OK(sink_->Write(batch.Make()));
  ASSERT_OK(Commit(200));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|c|z", "2|b|y"}));
}

TEST_P(LakeSinkTest, ChangesBeforeTheCopyAreInTheCopyAlready) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(TestSchema("first", false, 999), {}, 50);
  Copy(schema, {{1, "a", "x"}}, 100);
  Apply(BatchMaker(schema).Insert({1, "a", "x"}), 100);  // Its commit record begins at 99.
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x"}));
}

TEST_P(LakeSinkTest, AnUnchangedValueComesFromTheFileOfTheOldVersion) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "long one"}, {2, "b", "long two"}, {3, "c", std::nullopt}});
  Apply(BatchMaker(schema).Update({2, "B", std::nullopt, true}).Update({3, "C", std::nullopt, true}), 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|long one", "2|B|long two", "3|C|NULL"}));
}

TEST_P(LakeSinkTest, AnUnchangedValueComesFromTheOpenRowsAndThroughChainsAndKeyChanges) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "from file"}});
  BatchMaker batch(schema);
  batch.Insert({2, "b", "from buffer"})
      .Update({2, "b2", std::nullopt, true})
      .Update({1, "a2", std::nullopt, true})
      .Update({1, "a3", std::nullopt, true})
      .Update({7, "a4", std::nullopt, true}, 1)
      .Update({2, "b3", std::nullopt, true})
      .Delete(7)
      .Insert({8, "c", "other"})
      .Update({9, "b4", std::nullopt, true}, 2);
  Apply(batch, 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"8|c|other", "9|b4|from buffer"}));
}

TEST_P(LakeSinkTest, KeysMayRotate) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "one", "x"}, {2, "two", "x"}, {3, "three", "x"}});
  Apply(BatchMaker(schema).Update({2, "one", "x"}, 1).Update({3, "two", "x"}, 2).Update({1, "three", "x"}, 3), 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|three|x", "2|one|x", "3|two|x"}));
  Apply(BatchMaker(schema).Delete(1).Delete(2), 300);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"3|two|x"}));
}

TEST_P(LakeSinkTest, TruncateRemovesWhatWasBeforeItAndNothingAfter) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}});
  Apply(BatchMaker(schema).Insert({2, "b", "y"}).Update({1, "A", "x"}).Truncate().Insert({1, "new", "z"}), 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|new|z"}));
  Apply(BatchMaker(schema).Update({1, "newer", "z"}), 300);
  Apply(BatchMaker(schema).Truncate(), 400);
  EXPECT_EQ(RowsInLake(config_, kTable), Rows{});
}

TEST_P(LakeSinkTest, ATableWithoutIdentityIsTruncatedAndFilledAgain) {
  auto schema = std::make_shared<TableSchema>(*TestSchema("t"));
  schema->key.clear();
  Open();
  Copy(schema, {{1, "a", "x"}});
  Apply(BatchMaker(schema).Insert({2, "b", "y"}).Truncate().Insert({3, "c", "z"}).Insert({3, "c", "z"}), 200);
  Apply(BatchMaker(schema).Insert({4, "d", "z"}), 300);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"3|c|z", "3|c|z", "4|d|z"}));
}

TEST_P(LakeSinkTest, OfTwoEqualRowsExactlyOneIsRemoved) {
  const TableSchemaPtr schema = TestSchema("t", /*full=*/true);
  const TestRow twin{1, "twin", "x"};
  Open();
  Copy(schema, {twin, twin, {2, "b", std::nullopt}});
  Apply(BatchMaker(schema).DeleteFull(twin).Insert(twin).Insert(twin), 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|twin|x", "1|twin|x", "1|twin|x", "2|b|NULL"}));
  TestRow kept{1, "kept", std::nullopt, true};
  Apply(BatchMaker(schema).UpdateFull(twin, kept).DeleteFull(twin), 300);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|kept|x", "1|twin|x", "2|b|NULL"}));
}

TEST_P(LakeSinkTest, AnInsertOfAKeyThatIsThereReplacesItsRow) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}, {2, "b", "y"}});
  Apply(BatchMaker(schema).Delete(2).Insert({1, "again", "x"}), 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|again|x"}));
}

TEST_P(LakeSinkTest, ALargeTransactionInPartsIsVisibleOnlyAsAWhole) {
  config_.file_bytes_target = 1 << 10;  // Every part flushes several times.
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}});
  Rows expected;
  for (int part = 0; part < 4; ++part) {
    BatchMaker batch(schema);
    for (int64_t i = 0; i < 100; ++i) {
      const TestRow row{10 + part * 100 + i, "k", std::string(50, 'x')};
      batch.Insert(row);
      expected.insert(row.Text());
    }
    if (part > 0) {
      const int64_t old = 10 + (part - 1) * 100;
      batch.Update({old, "changed", std::nullopt, true}).Delete(old + 1);
      expected.erase(expected.find(TestRow{old, "k", std::string(50, 'x')}.Text()));
      expected.insert(TestRow{old, "changed", std::string(50, 'x')}.Text());
      expected.erase(expected.find(TestRow{old + 1, "k", std::string(50, 'x')}.Text()));
    }
    batch.End(500, part == 3);
    ASSERT_OK(sink_->Write(batch.Make()));
    EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x"}));
    EXPECT_LT(sink_->uncommitted_bytes(), 16u << 10);
  }
  ASSERT_OK(Commit(500));
  expected.insert("1|a|x");
  EXPECT_EQ(RowsInLake(config_, kTable), expected);
}

TEST_P(LakeSinkTest, TheOlderOfTwoProcessesCannotCommit) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}});
  std::unique_ptr<Sink> older = std::move(sink_);
  Open();
  BatchMaker batch(schema);
  batch.Insert({2, "b", "y"}).End(200);
  ASSERT_OK(older->Write(batch.Make()));
  const Status refused = older->Commit({kLog, {200}}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_FALSE(older->Commit({kLog, {300}}, {}).ok());  // The bookmark alone neither.
  Apply(batch, 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x", "2|b|y"}));
}

TEST_P(LakeSinkTest, AfterAnErrorAtAnyFailpointTheSameBatchesGiveTheSameRows) {
  const TableSchemaPtr schema = TestSchema("t");
  for (const char* point : {"lake.before_data_files=error", "lake.before_delete_files=error", "lake.before_catalog_commit=error",
                            "lake.after_commit=unknown"}) {
    SCOPED_TRACE(point);
    config_.warehouse = folder_.path() + "/" + point;
    Open();
    Copy(schema, {{1, "a", "x"}, {2, "b", "y"}});
    BatchMaker batch(schema);
    batch.Insert({3, "c", "z"}).Update({1, "A", std::nullopt, true}).Delete(2).End(200);
    ASSERT_OK(failpoint::Arm(point));
    const Status written = sink_->Write(batch.Make());
    EXPECT_FALSE(written.ok() && Commit(200).ok());
    ASSERT_OK(failpoint::Arm(""));
    Open();
    ASSERT_OK(sink_->Write(batch.Make()));
    ASSERT_OK(Commit(200));
    EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|x", "3|c|z"}));
  }
}

TEST_P(LakeSinkTest, AnInterruptedCopyIsRemovedAndAForeignTableIsRefused) {
  const std::vector<TableDefinition> tables{DefinitionOf(TestSchema("t"))};
  Open();
  ASSERT_OK(sink_->PrepareTables(tables, {{kLog, {100}}, Timestamp(std::chrono::seconds(50))}));
  auto writer = sink_->OpenCopyWriter(tables[0], BlockRange{});
  ASSERT_OK(writer);
  const std::string row = CopyRow({1, "lost", "x"});
  ASSERT_OK((*writer)->Rows(AsBytes(row), 1));
  ASSERT_OK((*writer)->Finish());
  Open();
  EXPECT_TRUE(sink_->copied_tables().empty());
  Copy(TestSchema("t"), {{2, "kept", "y"}});
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"2|kept|y"}));
}

TEST_P(LakeSinkTest, FinishedRangesAreKeptAndRowsOfTouchedKeysAreReplaced) {
  const std::vector<TableDefinition> tables{DefinitionOf(TestSchema("t"))};
  config_.file_bytes_target = 0;  // Every range is kept at once.
  const BlockRange first{1000, 0, 5}, second{1000, 5, UINT32_MAX};
  const auto write = [&](Sink& sink, const std::optional<BlockRange>& range, const std::vector<TestRow>& rows) -> Status {
    ASSIGN_OR_RETURN(auto writer, sink.OpenCopyWriter(tables[0], range));
    for (const TestRow& row : rows) RETURN_IF_ERROR(writer->Rows(AsBytes(CopyRow(row)), 1));
    return writer->Finish();
  };
  for (const bool again : {false, true}) {
    SCOPED_TRACE(again ? "copied again" : "copied for the first time");
    config_.warehouse = folder_.path() + (again ? "/again" : "/first");
    Open();
    if (again) Copy(tables[0].schema, {{77, "old", "o"}});
    if (again) ASSERT_OK(sink_->Forget(kTable));
    ASSERT_OK(sink_->PrepareTables(tables, {{kLog, {100}}, {}}));
    ASSERT_OK(write(*sink_, first, {{1, "a", "x"}, {2, "b", "x"}, {3, "c", "x"}}));
    const auto dead = std::move(sink_);
    Open();
    EXPECT_FALSE(write(*dead, second, {{9, "late", "x"}}).ok());
    const KeptCopy kept = sink_->kept_copies().at(kTable);
    EXPECT_EQ(kept.ranges, std::vector<BlockRange>{first});
    EXPECT_EQ(kept.lsn, Lsn{100});
    EXPECT_EQ(kept.log, kLog);
    EXPECT_EQ(kept.fingerprint, CopyFingerprint(tables[0]));
    ASSERT_OK(sink_->KeepCopies({kTable}));
    ASSERT_OK(sink_->PrepareTables(tables, {{kLog, {200}}, {}}));
    ASSERT_OK(write(*sink_, second, {{4, "d", "y"}, {2, "moved", "y"}}));
    const std::string keys = CopyRow({2, {}, {}}) + CopyRow({3, {}, {}});
    ASSERT_OK(sink_->RemoveCopied(tables[0], AsBytes(keys), 2));
    ASSERT_OK(write(*sink_, std::nullopt, {{2, "now", "z"}}));
    ASSERT_OK(sink_->FinishTables(tables, {kLog, {200}}, {}));
    EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x", "2|now|z", "4|d|y"}));
    Open();
    EXPECT_TRUE(sink_->kept_copies().empty());
  }
}

TEST_P(LakeSinkTest, WhatIsForgottenOfACopyLeavesNoFile) {
  const std::vector<TableDefinition> tables{DefinitionOf(TestSchema("t"))};
  config_.file_bytes_target = 0;
  Open();
  ASSERT_OK(sink_->PrepareTables(tables, {{kLog, {100}}, {}}));
  auto writer = sink_->OpenCopyWriter(tables[0], BlockRange{1000, 0, 5});
  ASSERT_OK(writer);
  ASSERT_OK((*writer)->Rows(AsBytes(CopyRow({1, "a", "x"})), 1));
  ASSERT_OK((*writer)->Finish());
  Open();
  ASSERT_EQ(sink_->kept_copies().size(), 1u);
  ASSERT_OK(sink_->KeepCopies({}));
  EXPECT_TRUE(sink_->kept_copies().empty());
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(config_.warehouse))
    files += entry.path().extension() == ".parquet" || entry.path().filename().string().starts_with("part-");
  EXPECT_EQ(files, 0u);
  Open();
  EXPECT_TRUE(sink_->kept_copies().empty());
}

TEST_P(LakeSinkTest, ATableThatWasCopiedBesideCatchesUpAndIsNotTakenForBehindAgain) {
  const TableSchemaPtr first = TestSchema("t"), second = TestSchema("late", false, 2000);
  const TableName late{"public", "late"};
  for (const uint64_t copy_lsn : {120u, 400u}) {  // Before and beyond the bookmark.
    SCOPED_TRACE(copy_lsn);
    config_.warehouse = folder_.path() + "/lake" + std::to_string(copy_lsn);
    Open();
    Copy(first, {{1, "a", "x"}});
    ASSERT_OK(Commit(150));
    auto beside = sink_->OpenBeside();
    ASSERT_OK(beside);
    std::swap(sink_, *beside);
    Copy(second, {{7, "l", "y"}}, copy_lsn);
    Open();
    ASSERT_EQ(sink_->copied_tables().at(late).catching_up_from, Lsn{copy_lsn});
    BatchMaker batch(second);
    batch.Insert({static_cast<int64_t>(copy_lsn), "n", "z"}).End(copy_lsn + 10);
    if (copy_lsn == 400) ASSERT_OK(Commit(160));  // Before the copy's moment, so nothing of the table yet.
    ASSERT_OK(sink_->Write(batch.Make()));
    ASSERT_OK(Commit(copy_lsn + 10));
    const auto lake = OpenLakeToRead(config_);
    ASSERT_TRUE(lake.ok() && *lake);
    const auto table = (*lake)->catalog->LoadTable({late.name_space, late.name});
    ASSERT_TRUE(table.ok() && *table);
    EXPECT_EQ(MainHistory(*(*table)->metadata).front().mark->lsn, Lsn{copy_lsn + 10}) << "its own, not the bookmark's";
    Open();
    const auto behind = sink_->copied_tables().at(late).catching_up_from;
    EXPECT_EQ(behind, copy_lsn == 120 ? std::optional(Lsn{130}) : std::nullopt);
    ASSERT_OK(sink_->Write(batch.Make()));  // Sent again: taken once.
    ASSERT_OK(Commit(500));
    Open();
    EXPECT_FALSE(sink_->copied_tables().at(late).catching_up_from.has_value());
    EXPECT_EQ(RowsInLake(config_, late), (Rows{"7|l|y", std::to_string(copy_lsn) + "|n|z"}));
  }
}

TEST_P(LakeSinkTest, AnUpdateOfARowThatIsNotThereIsDeclared) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}});
  BatchMaker batch(schema);
  batch.Update({5, "no", "x"}).End(200);
  const Status refused = sink_->Write(batch.Make());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, 4110);
}

TEST_P(LakeSinkTest, NewRenamedAndDroppedColumnsAreFollowedAndOthersStop) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}});
  auto wider = std::make_shared<TableSchema>(*schema);
  wider->columns[1].name = "sort";
  wider->columns.push_back({"extra", 4, testing::BuiltinType(25, "text"), -1, false});
  BatchMaker batch(schema);
  batch.Insert({2, "b", "y"});
  const uint32_t table = batch.AddTable(wider);
  batch.AddChange({Operation::kInsert, OldTuple::kNone, table, 0, batch.AppendTuple({testing::Int8(3), "c", "z", "new"}, {}, {0})});
  Apply(batch, 200);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x|NULL", "2|b|y|NULL", "3|c|z|new"}));
  auto narrower = std::make_shared<TableSchema>(*wider);
  narrower->columns.erase(narrower->columns.begin() + 2);
  BatchMaker removed(narrower);
  removed.AddChange({Operation::kInsert, OldTuple::kNone, 0, 0, removed.AppendTuple({testing::Int8(4), "c", "z"}, {}, {0})});
  Apply(removed, 300);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|NULL", "2|b|NULL", "3|c|new", "4|c|z"}));
  for (const Column& column : {Column{"extra", 4, testing::BuiltinType(23, "int4"), -1, false}, Column{"filled", 5, testing::BuiltinType(25, "text"), -1, false, true}}) {
    auto other = std::make_shared<TableSchema>(*narrower);
    if (column.attribute_number == 4) other->columns.pop_back();
    other->columns.push_back(column);
    BatchMaker changed(other);
    changed.AddChange({Operation::kInsert, OldTuple::kNone, 0, 0, changed.AppendTuple(std::vector<testing::TestValue>(other->columns.size(), testing::Int8(5)), {}, {0})});
    const Status refused = sink_->Write(changed.End(400).Make());
    ASSERT_FALSE(refused.ok()) << column.name;
    EXPECT_EQ(refused.error().code, 4107);
  }
}

TEST_P(LakeSinkTest, RowsFromBeforeAColumnWasAddedAreTakenAfterARestart) {
  const TableSchemaPtr schema = TestSchema("t");
  Open();
  Copy(schema, {{1, "a", "x"}});
  auto wider = std::make_shared<TableSchema>(*schema);
  wider->columns.push_back({"extra", 4, testing::BuiltinType(25, "text"), -1, false});
  BatchMaker batch(wider);
  batch.AddChange({Operation::kInsert, OldTuple::kNone, 0, 0, batch.AppendTuple({testing::Int8(2), "b", "y", "new"}, {}, {0})});
  batch.End(300);
  ASSERT_TRUE(sink_->Write(batch.Make()).ok());  // The column is there, the row is not: as after a crash.
  Open();
  BatchMaker again(schema);
  again.Insert({3, "c", "z"}).End(200);
  const uint32_t table = again.AddTable(wider);
  again.AddChange({Operation::kInsert, OldTuple::kNone, table, 0, again.AppendTuple({testing::Int8(2), "b", "y", "new"}, {}, {0})});
  Apply(again, 300);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x|NULL", "2|b|y|new", "3|c|z|NULL"}));
}

TEST_P(LakeSinkTest, EveryPartitionTransformKeepsAllRows) {
  const TableSchemaPtr schema = TestSchema("t");
  const std::vector<std::vector<PartitionFieldConfig>> specs{
      {}, {{"id", "bucket", 4}}, {{"kind", "identity", 0}}, {{"body", "truncate", 2}, {"_ingested_at", "hour", 0}}, {{"id", "truncate", 10}}};
  for (size_t i = 0; i < specs.size(); ++i) {
    SCOPED_TRACE(i);
    config_.warehouse = folder_.path() + "/" + std::to_string(i);
    config_.partition = specs[i];
    Open();
    std::vector<TestRow> rows;
    for (int64_t id = 0; id < 50; ++id) rows.push_back({id, id % 3 == 0 ? std::nullopt : testing::TestValue("k" + std::to_string(id % 3)), "b" + std::to_string(id)});
    Copy(schema, rows);
    BatchMaker batch(schema);
    Rows expected;
    for (int64_t id = 0; id < 50; ++id) {
      if (id % 5 == 0) batch.Delete(id);
      if (id % 5 == 1) batch.Update({id, "moved", "to"});
      if (id % 5 == 1) rows[static_cast<size_t>(id)] = {id, "moved", "to"};
      if (id % 5 != 0) expected.insert(rows[static_cast<size_t>(id)].Text());
    }
    batch.Insert({100, "in", "buffer"}).Update({100, "in2", "buffer"});
    expected.insert("100|in2|buffer");
    Apply(batch, 200);
    EXPECT_EQ(RowsInLake(config_, kTable), expected);
  }
}

TEST_P(LakeSinkTest, RandomChangesWithRestartsEqualAModel) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t limit) { return static_cast<int64_t>(random() % limit); };
  const TableSchemaPtr schema = TestSchema("t");
  config_.file_bytes_target = below(2) == 0 ? 4 << 10 : 1 << 20;
  config_.snapshots_kept = 5;
  config_.manifests_merged_at = 4;
  config_.maintenance.look_every = {};
  config_.maintenance.files_merged_at = static_cast<int>(2 + below(3));
  std::map<int64_t, TestRow> model;
  Open();
  Copy(schema, {});
  for (uint64_t lsn = 200; lsn < 230; ++lsn) {
    if (below(5) == 0) {
      config_.partition = below(2) == 0 ? std::vector<PartitionFieldConfig>{{"id", "bucket", static_cast<int>(1 + below(4))}} : LakeConfig().partition;
      config_.format_version = std::max(config_.format_version, static_cast<int>(2 + below(2)));
      Open();
    }
    BatchMaker batch(schema);
    for (int64_t i = below(80); i > 0; --i) {
      const int64_t id = below(60);
      const auto at = model.find(id);
      TestRow row{id, "k" + std::to_string(below(1000)), std::string(static_cast<size_t>(below(100)), 'b')};
      if (below(4) == 0) row.body.reset();
      if (at == model.end()) {
        batch.Insert(row);
        model[id] = row;
        continue;
      }
      const int64_t what = below(10);
      if (what < 3) {
        batch.Delete(id);
        model.erase(at);
      } else if (what < 6) {
        batch.Update(row);
        at->second = row;
      } else {
        const int64_t moved = what < 8 ? id : below(60);
        if (moved != id && model.contains(moved)) continue;
        TestRow kept = at->second;
        kept.id = moved;
        kept.kind = row.kind;
        TestRow sent = kept;
        sent.body_unchanged = kept.body.has_value();
        batch.Update(sent, moved == id ? std::nullopt : std::optional(id));
        model.erase(at);
        model[moved] = kept;
      }
    }
    if (below(40) == 0) {
      batch.Truncate();
      model.clear();
    }
    if (below(2) == 0) lake_sink().WaitForMaintenance();
    Apply(batch, lsn);
    if (below(3) != 0) continue;
    Rows expected;
    for (const auto& [id, row] : model) expected.insert(row.Text());
    ASSERT_EQ(RowsInLake(config_, kTable), expected) << "after " << lsn;
  }
}

TEST_P(LakeSinkTest, TheDigestOfTheLakeEqualsThatOfItsSourceRows) {
  const TableSchemaPtr schema = TestSchema("t");
  const TableDefinition definition = DefinitionOf(schema);
  Open();
  Copy(schema, {{1, "a", "x"}, {2, "b", "y"}});
  Apply(BatchMaker(schema).Update({1, "A", std::nullopt, true}).Delete(2).Insert({3, std::nullopt, "z"}), 200);
  auto view = sink_->View();
  ASSERT_OK(view);
  Apply(BatchMaker(schema).Insert({4, "later", "z"}), 300);
  const auto digest = (*view)->Digest(definition);
  ASSERT_OK(digest);
  auto expect = (*view)->Expect(definition);
  ASSERT_OK(expect);
  const std::string rows = CopyRow({3, std::nullopt, "z"}) + CopyRow({1, "A", "x"});
  ASSERT_OK((*expect)->Rows(AsBytes(rows), 2));
  EXPECT_EQ(*digest, (*expect)->digest());
  const std::string other = CopyRow({1, "A", "X"});
  ASSERT_OK((*expect)->Rows(AsBytes(other), 1));
  EXPECT_NE(*digest, (*expect)->digest());
}

TEST_P(LakeSinkTest, ABookmarkMovesWithoutChanges) {
  Open();
  Copy(TestSchema("t"), {});
  ASSERT_OK(Commit(700));
  Open();
  EXPECT_EQ(sink_->bookmark()->position.lsn, Lsn{700});
  EXPECT_EQ(sink_->bookmark()->source_time, Timestamp(std::chrono::seconds(700)));
}

INSTANTIATE_TEST_SUITE_P(Formats, LakeSinkTest, ::testing::Values(2, 3), [](const auto& format) { return "Format" + std::to_string(format.param); });

}  // namespace
}  // namespace sluice

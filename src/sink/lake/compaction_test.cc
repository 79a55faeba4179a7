#include "sink/lake/compaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "catalog/open_catalog.h"
#include "iceberg/snapshot_producer.h"
#include "sink/lake/lake_sink_fixture.h"
#include "sink/lake/orphans.h"

namespace sluice {
namespace {

using testing::BatchMaker;
using testing::kTable;
using testing::Rows;
using testing::RowsInLake;
using testing::TestRow;
using testing::TestSchema;

class CompactionTest : public testing::LakeSinkFixture, public ::testing::WithParamInterface<int> {
 protected:
  CompactionTest() {
    config_.format_version = GetParam();
    config_.file_bytes_target = 1 << 20;
    config_.maintenance.look_every = {};
    config_.maintenance.files_merged_at = 3;
    config_.maintenance.deleted_percent_max = 100;
  }

  struct Files {
    size_t data = 0;
    size_t deletes = 0;
    bool operator==(const Files&) const = default;
  };
  Files FilesOfTable() {
    const iceberg::TableScan scan = Scan();
    return {scan.data_files.size(), scan.delete_files.size()};
  }
  /// Of one data file format 3 has one vector, however often it was changed.
  size_t Deletes(size_t files, size_t vectors) const { return GetParam() >= 3 ? vectors : files; }
  std::string LastOperation() { return Table().metadata->current_snapshot()->summary.at("operation"); }

  const TableSchemaPtr schema_ = TestSchema("t");
};

TEST_P(CompactionTest, SmallFilesAndTheirDeletesBecomeOneFileAndTheIndexFollows) {
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}});
  Apply(BatchMaker(schema_).Update({1, "A", "one"}).Insert({4, "d", "four"}), 200);
  Apply(BatchMaker(schema_).Delete(2).Insert({5, "e", "five"}), 300);
  EXPECT_EQ(FilesOfTable(), (Files{3, Deletes(2, 1)}));
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(310));
  EXPECT_EQ(FilesOfTable(), (Files{1, 0}));
  EXPECT_EQ(LastOperation(), "replace");
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|one", "3|c|three", "4|d|four", "5|e|five"}));
  // Each row is found where it is now, with the value that was not sent read from there.
  Apply(BatchMaker(schema_).Update({1, "AA", std::nullopt, true}).Delete(3).Update({5, "E", std::nullopt, true}, 5).Update({6, "D", std::nullopt, true}, 4), 400);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|AA|one", "5|E|five", "6|D|four"}));
  // The bookmark did not move by it.
  Open();
  EXPECT_EQ(sink_->bookmark()->position.lsn, Lsn{400});
}

TEST_P(CompactionTest, WhatIsDeletedWhileFilesAreWrittenIsDeletedInTheNewOne) {
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}});
  Apply(BatchMaker(schema_).Delete(1).Insert({4, "d", "four"}), 200);
  Apply(BatchMaker(schema_).Insert({5, "e", "five"}), 300);
  lake_sink().WaitForMaintenance();  // Ready, of the state at 300.
  Apply(BatchMaker(schema_).Delete(3).Update({4, "D", std::nullopt, true}).Insert({1, "again", "one"}), 400);
  // The file of 200 had lost its only row and was gone, so the new one adds a row more than goes: catalogs take no such replace.
  EXPECT_EQ(LastOperation(), "overwrite");
  EXPECT_EQ(FilesOfTable(), (Files{2, Deletes(2, 1)}));  // The new one with its deletes; rows of 400; in format 2 deletes of 400 in a file that is gone.
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|again|one", "2|b|two", "4|D|four", "5|e|five"}));
  Apply(BatchMaker(schema_).Delete(2).Delete(5).Update({4, "DD", std::nullopt, true}), 500);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|again|one", "4|DD|four"}));
  Open();
  Apply(BatchMaker(schema_).Delete(4).Update({1, "last", std::nullopt, true}), 600);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|last|one"}));
}

TEST_P(CompactionTest, WhileAllFilesAreStillThereItReplacesThemAlsoWithLateDeletes) {
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}});
  Apply(BatchMaker(schema_).Insert({4, "d", "four"}).Insert({5, "e", "five"}), 200);
  Apply(BatchMaker(schema_).Insert({6, "f", "six"}), 300);
  lake_sink().WaitForMaintenance();
  Apply(BatchMaker(schema_).Delete(3).Update({4, "D", std::nullopt, true}), 400);
  EXPECT_EQ(LastOperation(), "replace");
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|one", "2|b|two", "4|D|four", "5|e|five", "6|f|six"}));
}

TEST_P(CompactionTest, DeletesInOtherPartitionsDoNotHinderIt) {
  config_.maintenance.enabled = false;
  config_.partition = {{"kind", "identity", 0}};
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "a", "two"}});
  Apply(BatchMaker(schema_).Delete(1), 200);
  for (uint64_t lsn = 300; lsn < 600; lsn += 100) Apply(BatchMaker(schema_).Insert({static_cast<int64_t>(lsn), "b", "y"}), lsn);
  EXPECT_EQ(FilesOfTable(), (Files{4, 1}));
  config_.maintenance.enabled = true;
  Open();  // Which knows of no file yet.
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(700));
  EXPECT_EQ(FilesOfTable(), (Files{2, 1}));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"2|a|two", "300|b|y", "400|b|y", "500|b|y"}));
}

TEST_P(CompactionTest, DeleteFilesWhoseDataFilesAreGoneGoByThemselves) {
  config_.maintenance.enabled = false;
  Open();
  Copy(schema_, {{0, "z", "zero"}});
  Apply(BatchMaker(schema_).Insert({1, "a", "one"}).Insert({2, "b", "two"}), 200);
  Apply(BatchMaker(schema_).Delete(1), 300);
  Apply(BatchMaker(schema_).Delete(2), 400);
  EXPECT_EQ(FilesOfTable(), (Files{1, Deletes(1, 0)}));
  config_.maintenance.enabled = true;
  config_.maintenance.deleted_percent_max = 50;
  Open();
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(500));
  EXPECT_EQ(FilesOfTable(), (Files{1, 0}));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"0|z|zero"}));
}

TEST_P(CompactionTest, PositionsNeverOutnumberTheRowsOfTheirPartition) {
  config_.maintenance.enabled = false;
  config_.partition = {{"kind", "identity", 0}};
  Open();
  std::vector<TestRow> rows{{100, "b", "quiet"}};
  for (int64_t id = 0; id < 6; ++id) rows.push_back({id, "a", "0"});
  Copy(schema_, rows);
  Apply(BatchMaker(schema_).Insert({101, "b", "quiet"}).Insert({102, "c", "one"}).Insert({103, "c", "two"}), 150);
  Apply(BatchMaker(schema_).Delete(101).Delete(102), 160);
  size_t merged = 0, most = 0;
  for (uint64_t round = 1; round <= 20; ++round) {
    // A file of three rows loses two of them, then the third: its positions dangle.
    BatchMaker batch(schema_);
    for (int64_t id = 0; id < 6; ++id)
      if (id % 3 != static_cast<int64_t>(round % 3)) batch.Update({id, "a", std::to_string(round)});
    Apply(batch, 200 + 10 * round);
    const iceberg::TableScan scan = Scan();
    std::map<std::string, std::pair<int64_t, int64_t>> of_partition;
    for (const auto& file : scan.data_files) of_partition[iceberg::PartitionKey(0, file.data.file().partition)].first += file.data.file().record_count;
    for (const auto& file : scan.delete_files) of_partition[iceberg::PartitionKey(0, file.file().partition)].second += file.file().record_count;
    for (const auto& [key, sums] : of_partition) EXPECT_LE(sums.second, sums.first) << "in round " << round;
    merged += scan.delete_files.size() < most;
    most = std::max(most, scan.delete_files.size());
    Rows expected{"100|b|quiet", "103|c|two"};
    for (int64_t id = 0; id < 6; ++id) expected.insert(std::to_string(id) + "|a|" + std::to_string(id % 3 != static_cast<int64_t>(round % 3) ? round : round - 1));
    EXPECT_EQ(RowsInLake(config_, kTable), expected);
  }
  EXPECT_TRUE(merged > 0 || GetParam() >= 3) << "there was nothing to merge; a file has one vector";
  // The last row of a partition takes along what was deleted before it.
  Apply(BatchMaker(schema_).Delete(103), 900);
  for (const auto& file : Scan().delete_files) EXPECT_NE(std::get<std::string>(file.file().partition.at(0)), "c");
}

TEST_P(CompactionTest, DeleteFilesThatACommitWroteAgainAreNotMergedOnceMore) {
  config_.file_bytes_target = 256 << 10;
  Open();
  std::mt19937 random(7);
  std::vector<TestRow> rows;
  for (int64_t id = 0; id < 200; ++id) {
    std::string body(2000, ' ');
    for (char& letter : body) letter = static_cast<char>('a' + random() % 26);
    rows.push_back({id, "large", body});
  }
  Copy(schema_, rows);
  BatchMaker small(schema_), most(schema_);
  for (int64_t id = 1000; id < 1300; ++id) small.Insert({id, "s", "x"});
  for (int64_t id = 1000; id < 1299; ++id) most.Delete(id);
  Apply(small, 200);
  Apply(most, 210);
  Apply(BatchMaker(schema_).Insert({2000, "s", "y"}).Delete(1), 220);
  Apply(BatchMaker(schema_).Insert({2001, "s", "z"}).Delete(2), 230);
  lake_sink().WaitForMaintenance();  // Has the small files and all deletes written again.
  EXPECT_EQ(FilesOfTable(), (Files{4, Deletes(3, 2)}));
  Apply(BatchMaker(schema_).Delete(1299), 300);
  // One of the large file, and one of the row that the new one has still got.
  EXPECT_EQ(FilesOfTable(), (Files{2, 2}));
  Rows expected{"2000|s|y", "2001|s|z"};
  for (const TestRow& row : rows)
    if (row.id != 1 && row.id != 2) expected.insert(row.Text());
  EXPECT_EQ(RowsInLake(config_, kTable), expected);
}

TEST_P(CompactionTest, WhatWasWrittenForATableThatIsEmptiedIsRemoved) {
  Open();
  Copy(schema_, {{1, "a", "one"}});
  Apply(BatchMaker(schema_).Insert({2, "b", "two"}), 200);
  Apply(BatchMaker(schema_).Insert({3, "c", "three"}), 300);
  lake_sink().WaitForMaintenance();
  Apply(BatchMaker(schema_).Truncate().Insert({9, "new", "row"}), 400);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"9|new|row"}));
  EXPECT_NE(LastOperation(), "replace");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(config_.warehouse))
    EXPECT_EQ(entry.path().string().find("-compacted"), std::string::npos) << entry.path();
}

TEST_P(CompactionTest, AFileOfWhichMuchIsDeletedIsWrittenAgainWithoutIt) {
  config_.maintenance.files_merged_at = 100;
  config_.maintenance.deleted_percent_max = 30;
  Open();
  std::vector<TestRow> rows;
  for (int64_t id = 0; id < 1000; ++id) rows.push_back({id, "k", std::string(3000, static_cast<char>('a' + id % 26))});
  config_.file_bytes_target = 1 << 20;
  Copy(schema_, rows);
  BatchMaker batch(schema_);
  for (int64_t id = 0; id < 1000; id += 2) batch.Delete(id);
  Apply(batch, 200);
  EXPECT_EQ(FilesOfTable().deletes, 1u);
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(210));
  EXPECT_EQ(FilesOfTable().deletes, 0u);
  Rows expected;
  for (int64_t id = 1; id < 1000; id += 2) expected.insert(rows[static_cast<size_t>(id)].Text());
  EXPECT_EQ(RowsInLake(config_, kTable), expected);
  Apply(BatchMaker(schema_).Delete(501).Update({503, "K", std::nullopt, true}), 300);
  expected.erase(rows[501].Text());
  expected.erase(rows[503].Text());
  expected.insert("503|K|" + *rows[503].body);
  EXPECT_EQ(RowsInLake(config_, kTable), expected);
}

TEST_P(CompactionTest, AFileOfWhichLittleIsDeletedIsRefreshedWhileThereIsCreditForIt) {
  config_.maintenance.files_merged_at = 100;
  config_.maintenance.refresh_every = {};
  for (const uint64_t rate : {uint64_t{0}, uint64_t{1} << 20}) {
    config_.maintenance.refresh_bytes_per_second = rate;
    Open();
    if (rate == 0) Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}});
    Apply(BatchMaker(schema_).Update({rate == 0 ? 1 : 2, "x", std::nullopt, true}), 200 + rate);
    lake_sink().WaitForMaintenance();
    ASSERT_OK(Commit(210 + rate));
    EXPECT_EQ(FilesOfTable().deletes, rate == 0 ? 1u : 0u);
  }
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|x|one", "2|x|two", "3|c|three"}));
}

TEST_P(CompactionTest, OutsideOfItsWindowNothingIsWrittenAgain) {
  const Timestamp now = SystemClock().Now();
  const auto minute = std::chrono::floor<std::chrono::minutes>(now - std::chrono::floor<std::chrono::days>(now));
  config_.maintenance.window = {(minute + std::chrono::hours(6)) % std::chrono::days(1), (minute + std::chrono::hours(12)) % std::chrono::days(1)};
  Open();
  Copy(schema_, {{1, "a", "one"}});
  Apply(BatchMaker(schema_).Insert({2, "b", "two"}), 200);
  Apply(BatchMaker(schema_).Insert({3, "c", "three"}), 300);
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(310));
  EXPECT_EQ(FilesOfTable(), (Files{3, 0}));
  config_.maintenance.window = {};
  Open();
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(320));
  EXPECT_EQ(FilesOfTable(), (Files{1, 0}));
}

TEST_P(CompactionTest, ACommitThatFailsLeavesTheTableAsItWasAndTheWorkIsDoneAgain) {
  Open();
  Copy(schema_, {{1, "a", "one"}, {0, "z", "zero"}});
  Apply(BatchMaker(schema_).Update({1, "b", "one"}).Insert({2, "b", "two"}), 200);
  Apply(BatchMaker(schema_).Insert({3, "c", "three"}), 300);
  lake_sink().WaitForMaintenance();
  ASSERT_OK(failpoint::Arm("lake.before_compaction_commit=error"));
  EXPECT_FALSE(Commit(310).ok());
  ASSERT_OK(failpoint::Arm(""));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"0|z|zero", "1|b|one", "2|b|two", "3|c|three"}));
  Open();
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(320));
  EXPECT_EQ(LastOperation(), "replace");
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"0|z|zero", "1|b|one", "2|b|two", "3|c|three"}));
}

// A day of commits, with as many files as a few minutes leave.
TEST_P(CompactionTest, FilesAndMetadataStayFewHoweverOftenIsCommitted) {
  config_.maintenance.files_merged_at = 4;
  config_.maintenance.deleted_percent_max = 30;
  config_.snapshots_kept = 20;
  config_.manifests_merged_at = 5;
  Open();
  std::map<int64_t, TestRow> model;
  std::vector<TestRow> rows;
  for (int64_t id = 0; id < 200; ++id) rows.push_back(model[id] = {id, "k", "body " + std::to_string(id)});
  Copy(schema_, rows);
  for (uint64_t lsn = 200; lsn < 500; ++lsn) {
    BatchMaker batch(schema_);
    for (int64_t i = 0; i < 5; ++i) {
      const int64_t id = static_cast<int64_t>(lsn * 7 + static_cast<uint64_t>(i) * 31) % 200;
      model[id].kind = std::to_string(lsn);
      TestRow sent = model[id];
      sent.body_unchanged = true;
      batch.Update(sent);
    }
    Apply(batch, lsn);
    lake_sink().WaitForMaintenance();
  }
  ASSERT_OK(Commit(600));
  Rows expected;
  for (const auto& [id, row] : model) expected.insert(row.Text());
  EXPECT_EQ(RowsInLake(config_, kTable), expected);
  const CatalogTable table = Table();
  for (const iceberg::Snapshot& snapshot : table.metadata->snapshots) {
    if (snapshot.summary.at("operation") != "replace") continue;
    const auto number = [&](const char* key) { return snapshot.summary.contains(key) ? std::stoll(snapshot.summary.find(key)->second) : 0; };
    EXPECT_LE(number("added-records"), number("deleted-records"));
  }
  const Files files = FilesOfTable();
  EXPECT_LE(files.data, 10u);
  EXPECT_LE(files.deletes, 10u);
  EXPECT_LE(Table().metadata->snapshots.size(), 21u);
}

TEST_P(CompactionTest, OrphansAreWhatNothingRefersToAndNobodyMayBeAboutToCommit) {
  Open();
  Copy(schema_, {{1, "a", "one"}});
  Apply(BatchMaker(schema_).Update({1, "b", "two"}), 200);
  Open();  // The epoch is 2 now.
  const std::filesystem::path data = config_.warehouse + "/public/t/data", metadata = config_.warehouse + "/public/t/metadata";
  const auto put = [](const std::filesystem::path& path, bool old) {
    std::ofstream(path) << "left";
    if (old) std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(100));
    return "file://" + path.string();
  };
  std::set<std::string> expected{put(data / "e000001-left.parquet", false), put(data / "part-0-spark.parquet", true), put(metadata / "lost-m0.avro", true),
                                 put(metadata / "00000-lost.metadata.json", true)};
  put(data / "e000002-on-its-way.parquet", true);
  put(data / "part-1-spark.parquet", false);
  put(metadata / "version-hint.text", true);
  // Everything that is the table's is older than any limit.
  auto store = ObjectStore::Open(config_.warehouse);
  auto catalog = OpenCatalog(config_, **store);
  iceberg::ManifestCache cache(**store, 1 << 20);
  const auto reachable = ReachableFiles(cache, Table());
  ASSERT_OK(reachable);
  for (const std::string& uri : *reachable)
    if (std::filesystem::exists(uri.substr(7))) std::filesystem::last_write_time(uri.substr(7), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1000));
  const auto orphans = FindOrphans(**store, **catalog, cache, {"public", "t"}, {2, SystemClock().Now() - std::chrono::hours(72)});
  ASSERT_OK(orphans);
  std::set<std::string> found;
  for (const ObjectInfo& orphan : *orphans) found.insert(orphan.uri);
  EXPECT_EQ(found, expected);
}

INSTANTIATE_TEST_SUITE_P(Formats, CompactionTest, ::testing::Values(2, 3), [](const auto& format) { return "Format" + std::to_string(format.param); });

}  // namespace
}  // namespace sluice

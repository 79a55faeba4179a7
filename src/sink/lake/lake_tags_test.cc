#include "sink/lake/lake_tags.h"

#include <arrow/array.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "catalog/open_catalog.h"
#include "observability/error_catalog.h"
#include "sink/lake/cell_reader.h"
#include "sink/lake/cut_table.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/lake_sink_fixture.h"
#include "sink/lake/table_files.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::BatchMaker;
using testing::kTable;
using testing::Rows;
using testing::RowsInLake;
using testing::TestSchema;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kHour = 3600;
const TableName kOther{"public", "other"};

Timestamp At(int64_t second) { return Timestamp(seconds(second)); }

TEST(LakeTags, NamesSayTheMomentInUtc) {
  const Timestamp begin = Timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 26)) + hours(14);
  EXPECT_EQ(TagName(TagPeriod::kHour, begin), "hour-2026-11-26T14");
  EXPECT_EQ(TagName(TagPeriod::kDay, begin), "day-2026-11-26");
  EXPECT_EQ(PeriodOf("hour-2026-11-26T14"), TagPeriod::kHour);
  EXPECT_EQ(PeriodOf("day-2026-11-26"), TagPeriod::kDay);
  for (const char* const name : {"hour-2026-11-26", "hour-2026-11-26T1x", "day-2026-11-26T14", "day-", "hourly", ""}) EXPECT_FALSE(PeriodOf(name)) << name;
}

TEST(LakeTags, AnHourIsDueOnceWhenTheLakeComesToIt) {
  const LakeTagsConfig config{2, 1};
  EXPECT_THAT(FindTagsDue(config, {}, At(100), At(3599)).made, IsEmpty());
  EXPECT_THAT(FindTagsDue(config, {}, At(3599), At(3600)).made, ElementsAre("hour-1970-01-01T01"));
  EXPECT_THAT(FindTagsDue(config, {}, At(3600), At(3601)).made, IsEmpty());
  EXPECT_THAT(FindTagsDue(config, {}, At(3599), At(5 * 3600 + 1)).made, ElementsAre("hour-1970-01-01T05"));
  EXPECT_THAT(FindTagsDue(config, {}, At(86'399), At(86'400)).made, ElementsAre("hour-1970-01-02T00", "day-1970-01-02"));
  EXPECT_THAT(FindTagsDue(config, {}, Timestamp{}, At(86'400)).made, IsEmpty());
  EXPECT_THAT(FindTagsDue(config, {"hour-1970-01-01T01"}, At(3599), At(3600)).made, IsEmpty());
}

TEST(LakeTags, TheOldestGoAndThoseThatPeopleGaveStay) {
  const std::set<std::string> known{"hour-1970-01-01T01", "hour-1970-01-01T02", "hour-1970-01-01T03", "day-1970-01-01", "before-migration"};
  EXPECT_THAT(FindTagsDue({2, 7}, known, At(4 * 3600 - 1), At(4 * 3600)).removed, ElementsAre("hour-1970-01-01T02", "hour-1970-01-01T01"));
  const TagsDue off = FindTagsDue({0, 7}, known, At(4 * 3600 - 1), At(4 * 3600));
  EXPECT_THAT(off.made, IsEmpty());
  EXPECT_EQ(off.removed.size(), 3u);
}

TEST(LakeTags, ANameIsRefusedThatSomeReaderCannotWrite) {
  for (const char* const good : {"before-migration", "v1.2_final", "x"}) EXPECT_TRUE(CheckTagName(good).ok()) << good;
  const std::string long_name(200, 'a');
  for (const char* const bad : {"", "2026", "a b", "a'b", "a;b", "main", "hour-x", "day-2026-11-26", "ä", "-x", long_name.c_str()}) {
    const Status checked = CheckTagName(bad);
    ASSERT_FALSE(checked.ok()) << bad;
    EXPECT_EQ(checked.error().code, slu::kLakeTagName);
  }
}

TEST(LakeTags, AMomentIsReadAsItWasWritten) {
  const TaggedMoment moment{{0x5C9A01F2E8}, At(1'800'000'000), At(1'800'000'001)}, timeless{{7}, std::nullopt, At(1)};
  const auto read = ParseTaggedMoments({{TagProperty("a"), ToText(moment)}, {TagProperty("b"), ToText(timeless)}, {"other", "x"}});
  ASSERT_OK(read);
  EXPECT_EQ(*read, (TaggedMoments{{"a", moment}, {"b", timeless}}));
  for (const char* const bad : {"", "x", "0/7", "0/7 1", "0/7 1 x", "0/7 1 2 3"}) EXPECT_FALSE(ParseTaggedMoments({{TagProperty("a"), bad}}).ok()) << bad;
}

class TaggedLakeTest : public testing::LakeSinkFixture {
 protected:
  TaggedLakeTest() {
    config_.tags = {2, 1};
    config_.snapshots_kept = 2;
  }

  void OpenWithTwoTables() {
    Open();
    Copy(schema_, {{1, "a", "x"}});
    Copy(other_, {{1, "idle", "x"}}, 150);
    Open();  // The second one catches up from here.
    ASSERT_OK(Commit(200));
  }

  void InsertAt(int64_t id, uint64_t second) { Apply(BatchMaker(schema_).Insert({id, "a", "x"}), second); }

  iceberg::TableMetadata Metadata(const TableName& name) {
    auto store = ObjectStore::Open(config_.warehouse);
    auto catalog = OpenCatalog(config_, **store);
    return *(**(*catalog)->LoadTable({name.name_space, name.name})).metadata;
  }

  std::vector<std::string> Cuts() {
    const Rows rows = RowsOfCuts();
    return {rows.begin(), rows.end()};
  }

  /// "tag|lsn|namespace|name", where the snapshot is the one that the table's tag names.
  Rows RowsOfCuts() {
    Rows rows;
    auto store = ObjectStore::Open(config_.warehouse);
    iceberg::ManifestCache cache(**store, 1 << 20);
    const iceberg::TableMetadata metadata = Metadata({CutTableId().name_space, CutTableId().name});
    auto manifests = iceberg::CurrentManifests(metadata, cache);
    std::vector<TableFile> files;
    EXPECT_TRUE(LoadTableFiles(**store, cache, **manifests, files).ok());
    std::vector<std::shared_ptr<arrow::Field>> fields;
    for (const iceberg::Field& field : metadata.schema().fields) fields.push_back(ToArrowField(field));
    CellReader reader;
    for (const TableFile& file : files) {
      const Status read = ReadDataFile(**store, file.path, fields, [&](const Columns& columns, int64_t) -> Status {
        for (int64_t row = 0; row < columns[0]->length(); ++row) {
          std::vector<Cell> cells(columns.size());
          for (size_t i = 0; i < columns.size(); ++i) reader.Read(*columns[i], row, cells[i]);
          const std::string tag(cells[0].bytes), name_space(cells[5].bytes), name(cells[6].bytes);
          EXPECT_EQ(Metadata({name_space, name}).refs.at(tag).snapshot_id, cells[7].integer);
          rows.insert(tag + "|" + std::to_string(cells[1].integer) + "|" + name_space + "|" + name);
        }
        return Ok();
      });
      EXPECT_TRUE(read.ok());
    }
    return rows;
  }

  const TableSchemaPtr schema_ = TestSchema("t");
  const TableSchemaPtr other_ = TestSchema("other", false, 1001);
};

TEST_F(TaggedLakeTest, EveryTableGetsTheTagInTheCommitThatBringsItToTheHour) {
  OpenWithTwoTables();
  InsertAt(2, kHour - 10);
  EXPECT_THAT(TagsOf(Metadata(kTable)), IsEmpty());
  InsertAt(3, kHour + 5);
  InsertAt(4, kHour + 6);
  for (const TableName& name : {kTable, kOther}) EXPECT_THAT(TagsOf(Metadata(name)), ElementsAre("hour-1970-01-01T01")) << ToString(name);
  EXPECT_EQ(RowsInLake(config_, kTable, "hour-1970-01-01T01"), (Rows{"1|a|x", "2|a|x", "3|a|x"}));
  EXPECT_EQ(RowsInLake(config_, kOther, "hour-1970-01-01T01"), (Rows{"1|idle|x"}));
  EXPECT_THAT(Cuts(), ElementsAre("hour-1970-01-01T01|3605|public|other", "hour-1970-01-01T01|3605|public|t"));
}

TEST_F(TaggedLakeTest, AnHourWithoutChangesIsNamedToo) {
  OpenWithTwoTables();
  ASSERT_OK(Commit(kHour + 1));
  EXPECT_THAT(TagsOf(Metadata(kTable)), ElementsAre("hour-1970-01-01T01"));
  EXPECT_EQ(Metadata(kTable).refs.at("hour-1970-01-01T01").snapshot_id, Metadata(kTable).current_snapshot_id);
}

TEST_F(TaggedLakeTest, WhatATagNamesDoesNotExpireBeforeTheTagIsRemoved) {
  OpenWithTwoTables();
  InsertAt(2, kHour);
  for (uint64_t i = 0; i < 6; ++i) Apply(BatchMaker(schema_).Update({1, "b", std::to_string(i)}), kHour + 10 + i);
  EXPECT_EQ(Metadata(kTable).snapshots.size(), 3u);  // Two of main, one of the tag.
  EXPECT_EQ(RowsInLake(config_, kTable, "hour-1970-01-01T01"), (Rows{"1|a|x", "2|a|x"}));
  Open();
  InsertAt(3, 2 * kHour);
  InsertAt(4, 3 * kHour);
  for (const TableName& name : {kTable, kOther}) EXPECT_THAT(TagsOf(Metadata(name)), ElementsAre("hour-1970-01-01T02", "hour-1970-01-01T03"));
  EXPECT_EQ(RowsInLake(config_, kTable, "hour-1970-01-01T02"), (Rows{"1|b|5", "2|a|x", "3|a|x"}));
  EXPECT_THAT(Cuts(), ElementsAre("hour-1970-01-01T02|7200|public|other", "hour-1970-01-01T02|7200|public|t", "hour-1970-01-01T03|10800|public|other",
                                  "hour-1970-01-01T03|10800|public|t"));
}

TEST_F(TaggedLakeTest, ACommitThatFailsLeavesNoTagAndTheNextOneMakesIt) {
  OpenWithTwoTables();
  for (const char* const failpoint : {"lake.tags_ready", "lake.before_catalog_commit"}) {
    ASSERT_OK(failpoint::Arm(std::string(failpoint) + "=error"));
    BatchMaker batch(schema_);
    batch.Insert({2, "a", "x"}).End(kHour);
    ASSERT_OK(sink_->Write(batch.Make()));
    EXPECT_FALSE(Commit(kHour).ok());
    ASSERT_OK(failpoint::Arm(""));
    for (const TableName& name : {kTable, kOther}) EXPECT_THAT(TagsOf(Metadata(name)), IsEmpty()) << failpoint;
    Open();
  }
  InsertAt(2, kHour + 1);
  for (const TableName& name : {kTable, kOther}) EXPECT_THAT(TagsOf(Metadata(name)), ElementsAre("hour-1970-01-01T01"));
  EXPECT_EQ(Cuts().size(), 2u);
}

TEST_F(TaggedLakeTest, ATableThatIsHeldIsLeftOutAndLosesItsOldTags) {
  OpenWithTwoTables();
  InsertAt(2, kHour);
  Open();
  ASSERT_OK(sink_->Hold(kOther, {1001, 1, "why", {kHour}}));
  InsertAt(3, 2 * kHour);
  EXPECT_THAT(TagsOf(Metadata(kOther)), ElementsAre("hour-1970-01-01T01"));
  InsertAt(4, 3 * kHour);
  EXPECT_THAT(TagsOf(Metadata(kOther)), IsEmpty());
  EXPECT_THAT(Cuts(), ElementsAre("hour-1970-01-01T02|7200|public|t", "hour-1970-01-01T03|10800|public|t"));
}

TEST_F(TaggedLakeTest, AForeignTableInThePlaceOfTheCutsStopsNothing) {
  OpenWithTwoTables();
  auto store = ObjectStore::Open(config_.warehouse);
  auto catalog = OpenCatalog(config_, **store);
  iceberg::NewTable foreign = NewCutTable((*catalog)->DefaultLocation(CutTableId()));
  foreign.properties = {};
  ASSERT_OK((*catalog)->CreateTable(CutTableId(), foreign));
  InsertAt(2, kHour);
  EXPECT_THAT(TagsOf(Metadata(kTable)), IsEmpty());
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x", "2|a|x"}));
}

TEST_F(TaggedLakeTest, ATableOfCutsThatWasDroppedIsMadeAgainFromTheTags) {
  OpenWithTwoTables();
  InsertAt(2, kHour);
  auto store = ObjectStore::Open(config_.warehouse);
  auto catalog = OpenCatalog(config_, **store);
  ASSERT_OK((*catalog)->DropTable(CutTableId()));
  Open();
  InsertAt(3, 2 * kHour);
  EXPECT_THAT(TagsOf(Metadata(kTable)), ElementsAre("hour-1970-01-01T01", "hour-1970-01-01T02"));
  // The moment of the older one went with the table.
  EXPECT_THAT(Cuts(), ElementsAre("hour-1970-01-01T02|7200|public|other", "hour-1970-01-01T02|7200|public|t"));
}

}  // namespace
}  // namespace sluice

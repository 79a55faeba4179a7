#include "sink/lake/table_layout.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "catalog/open_catalog.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_scan.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/lake_sink_fixture.h"
#include "sink/lake/row_lineage.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

using testing::BatchMaker;
using testing::kTable;
using testing::Rows;
using testing::RowsInLake;
using testing::TestSchema;

class TableLayoutTest : public testing::LakeSinkFixture {
 protected:
  TableLayoutTest() {
    config_.maintenance.look_every = {};
    config_.maintenance.files_merged_at = 3;
    config_.maintenance.deleted_percent_max = 100;
    config_.maintenance.refresh_bytes_per_second = 0;
  }

  ObjectStore& OpenedStore() {
    if (!opened_store_) opened_store_ = *ObjectStore::Open(config_.warehouse);
    return *opened_store_;
  }
  size_t VectorsIn(const iceberg::TableScan& scan) {
    return static_cast<size_t>(std::count_if(scan.delete_files.begin(), scan.delete_files.end(), [](const auto& file) { return file.file().is_vector(); }));
  }

  struct Lineage {
    int64_t row_id, last_updated;
    bool operator==(const Lineage&) const = default;
  };
  /// By id, as a reader of format 3 derives them.
  std::map<int64_t, Lineage> LineageOfRows() {
    std::map<int64_t, Lineage> lineage;
    std::vector<TableFile> files;
    iceberg::ManifestCache cache(OpenedStore(), 1 << 20);
    const CatalogTable table = Table();
    EXPECT_TRUE(LoadTableFiles(OpenedStore(), cache, **iceberg::CurrentManifests(*table.metadata, cache), files).ok());
    std::vector<std::shared_ptr<arrow::Field>> fields{ToArrowField(table.metadata->schema().fields[0])};
    for (auto& field : LineageFields()) fields.push_back(std::move(field));
    const iceberg::TableScan scan = Scan();
    for (size_t i = 0; i < files.size(); ++i) {
      EXPECT_EQ(files[i].path, scan.data_files[i].data.file().path);
      const Status read = ReadDataFile(OpenedStore(), files[i].path, fields, [&](const Columns& given, int64_t first) -> Status {
        Columns columns = given;
        RETURN_IF_ERROR(FillLineage(scan.data_files[i].data, first, columns));
        const auto at = [&](size_t column, int64_t row) {
          EXPECT_FALSE(columns[column]->IsNull(row));
          return static_cast<const arrow::Int64Array&>(*columns[column]).Value(row);
        };
        for (int64_t row = 0; row < columns[0]->length(); ++row) {
          if (files[i].committed_deletes.contains(static_cast<uint32_t>(first + row))) continue;
          EXPECT_TRUE(lineage.emplace(at(0, row), Lineage{at(1, row), at(2, row)}).second);
        }
        return Ok();
      });
      EXPECT_TRUE(read.ok());
    }
    std::set<int64_t> ids;
    for (const auto& [id, of_row] : lineage) EXPECT_TRUE(ids.insert(of_row.row_id).second) << "two rows have one id";
    return lineage;
  }

  void CompactAll(uint64_t lsn) {
    lake_sink().WaitForMaintenance();
    ASSERT_OK(Commit(lsn));
  }

  const TableSchemaPtr schema_ = TestSchema("t");
  std::unique_ptr<ObjectStore> opened_store_;
};

TEST_F(TableLayoutTest, ATableIsUpgradedInPlaceAndItsOldDeletesGoIntoVectors) {
  config_.maintenance.enabled = false;
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}, {4, "d", "four"}});
  Apply(BatchMaker(schema_).Delete(1), 200);
  Apply(BatchMaker(schema_).Update({2, "B", std::nullopt, true}), 300);
  EXPECT_EQ(Scan().delete_files.size(), 2u);
  config_.format_version = 3;
  Open();
  ASSERT_OK(Commit(310));
  EXPECT_EQ(Table().metadata->format_version, 2) << "a table without changes stays as it is";
  Apply(BatchMaker(schema_).Delete(3), 400);
  EXPECT_EQ(Table().metadata->format_version, 3);
  const iceberg::TableScan scan = Scan();
  ASSERT_EQ(VectorsIn(scan), 1u);
  EXPECT_EQ(scan.delete_files.size(), 3u) << "those of before are still there";
  for (const auto& file : scan.delete_files) {
    if (!file.file().is_vector()) continue;
    EXPECT_EQ(file.file().record_count, 3) << "a vector holds all that was deleted";
  }
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"2|B|two", "4|d|four"}));
  // What they delete dangles, so they go with the next look; rows stay.
  config_.maintenance.enabled = true;
  Open();
  CompactAll(500);
  EXPECT_EQ(Scan().delete_files.size(), VectorsIn(Scan()));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"2|B|two", "4|d|four"}));
  Apply(BatchMaker(schema_).Delete(4).Update({2, "BB", std::nullopt, true}), 600);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"2|BB|two"}));
  // There is no way back, and asking for it harms nothing.
  config_.format_version = 2;
  Open();
  Apply(BatchMaker(schema_).Insert({9, "n", "new"}).Update({2, "C", std::nullopt, true}), 700);
  EXPECT_EQ(Table().metadata->format_version, 3);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"2|C|two", "9|n|new"}));
}

TEST_F(TableLayoutTest, ManyOldDeleteFilesOfAnUpgradedTableBecomeVectorsWithoutAChangeOfTheirRows) {
  config_.maintenance.enabled = false;
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}, {4, "d", "four"}, {5, "e", "five"}});
  for (uint64_t id = 1; id < 4; ++id) Apply(BatchMaker(schema_).Delete(static_cast<int64_t>(id)), 100 + 100 * id);
  config_.format_version = 3;
  config_.maintenance.enabled = true;
  Open();
  lake_sink().WaitForMaintenance();  // Ready, in format 2: not for a table of format 3.
  Apply(BatchMaker(schema_).Insert({6, "f", "six"}), 500);
  EXPECT_EQ(Table().metadata->format_version, 3);
  EXPECT_EQ(Scan().delete_files.size(), 3u);
  CompactAll(600);
  const iceberg::TableScan scan = Scan();
  EXPECT_EQ(scan.delete_files.size(), 1u);
  EXPECT_EQ(VectorsIn(scan), 1u);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"4|d|four", "5|e|five", "6|f|six"}));
  Apply(BatchMaker(schema_).Delete(5), 700);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"4|d|four", "6|f|six"}));
}

TEST_F(TableLayoutTest, RowsKeepTheirIdsWhenTheyAreWrittenAgain) {
  config_.format_version = 3;
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}});
  Apply(BatchMaker(schema_).Insert({4, "d", "four"}).Insert({5, "e", "five"}), 200);
  Apply(BatchMaker(schema_).Insert({6, "f", "six"}).Delete(2), 300);
  const auto before = LineageOfRows();
  EXPECT_EQ(before, (std::map<int64_t, Lineage>{{1, {0, 1}}, {3, {2, 1}}, {4, {3, 2}}, {5, {4, 2}}, {6, {5, 3}}})) << "ids by the order of files, commits by their number";
  CompactAll(310);
  ASSERT_EQ(Scan().data_files.size(), 1u);
  EXPECT_EQ(LineageOfRows(), before);
  const iceberg::TableScan scan = Scan();
  const iceberg::DataFile& compacted = scan.data_files.front().data.file();
  for (const auto* counts : {&compacted.column_sizes, &compacted.value_counts, &compacted.null_value_counts})
    EXPECT_LE(counts->back().first, Table().metadata->last_column_id) << "a manifest is about the table's columns";
  for (const auto* bounds : {&compacted.lower_bounds, &compacted.upper_bounds}) EXPECT_LE(bounds->back().first, Table().metadata->last_column_id);
  // And a second time, from the columns that they stand in.
  Apply(BatchMaker(schema_).Insert({7, "g", "seven"}), 400);
  Apply(BatchMaker(schema_).Insert({8, "h", "eight"}).Delete(4), 500);
  auto then = LineageOfRows();
  CompactAll(510);
  ASSERT_EQ(Scan().data_files.size(), 1u);
  EXPECT_EQ(LineageOfRows(), then);
  for (const auto& [id, of_row] : before) EXPECT_TRUE(id == 4 || then.at(id) == of_row);
  // An update is a new row.
  Apply(BatchMaker(schema_).Update({8, "H", std::nullopt, true}), 600);
  EXPECT_NE(LineageOfRows().at(8), then.at(8));
}

TEST(RowLineage, IsFilledInByPlaceAndKeptWhereItStands) {
  iceberg::ManifestEntry entry;
  entry.file.first_row_id = 100;
  entry.file_sequence_number = 7;
  arrow::Int64Builder ids, updated;
  ASSERT_TRUE(ids.AppendNull().ok() && ids.Append(3).ok() && ids.AppendNull().ok());
  ASSERT_TRUE(updated.Append(2).ok() && updated.AppendNulls(2).ok());
  Columns columns{*ids.Finish(), *updated.Finish()};
  ASSERT_OK(FillLineage({nullptr, &entry}, /*first_row=*/50, columns));
  const auto values = [&](size_t column) {
    const auto& array = static_cast<const arrow::Int64Array&>(*columns[column]);
    return std::vector<int64_t>(array.raw_values(), array.raw_values() + array.length());
  };
  EXPECT_EQ(values(0), (std::vector<int64_t>{150, 3, 152}));
  EXPECT_EQ(values(1), (std::vector<int64_t>{2, 7, 7}));
}

TEST_F(TableLayoutTest, RowsOfBeforeTheUpgradeGetIdsThatStay) {
  config_.maintenance.enabled = false;
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}});
  Apply(BatchMaker(schema_).Insert({3, "c", "three"}), 200);
  config_.format_version = 3;
  Open();
  Apply(BatchMaker(schema_).Insert({4, "d", "four"}), 300);
  const auto first = LineageOfRows();
  ASSERT_EQ(first.size(), 4u);
  config_.manifests_merged_at = 2;
  Open();
  Apply(BatchMaker(schema_).Insert({5, "e", "five"}), 400);
  auto merged = LineageOfRows();
  merged.erase(5);
  EXPECT_EQ(merged, first) << "manifests were written again";
  config_.maintenance.enabled = true;
  Open();
  CompactAll(500);
  EXPECT_EQ(Scan().data_files.size(), 1u);
  auto compacted = LineageOfRows();
  compacted.erase(5);
  EXPECT_EQ(compacted, first);
}

TEST_F(TableLayoutTest, PartitionsMayChangeAndComeBack) {
  config_.maintenance.enabled = false;
  config_.partition = {{"id", "bucket", 4}};
  Open();
  Copy(schema_, {{1, "a", "one"}, {2, "b", "two"}, {3, "c", "three"}});
  const iceberg::PartitionSpec first = Table().metadata->spec();
  config_.partition = {{"id", "bucket", 8}, {"kind", "identity", 0}};
  Open();
  Apply(BatchMaker(schema_).Update({1, "A", std::nullopt, true}).Insert({4, "d", "four"}).Delete(3), 200);
  const iceberg::PartitionSpec second = Table().metadata->spec();
  ASSERT_EQ(second.fields.size(), 2u);
  EXPECT_NE(second.fields[0].field_id, first.fields[0].field_id);
  EXPECT_NE(second.fields[0].name, first.fields[0].name) << "Spark shows the partitions of all specs side by side";
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|one", "2|b|two", "4|d|four"}));
  config_.partition = {{"id", "bucket", 4}};
  Open();
  Apply(BatchMaker(schema_).Insert({5, "e", "five"}).Delete(2).Delete(4), 300);
  EXPECT_EQ(Table().metadata->spec(), first) << "with the id that it had";
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|one", "5|e|five"}));
  // A partition that does not fit is left; the stream goes on.
  config_.partition = {{"nonsense", "bucket", 4}};
  Open();
  Apply(BatchMaker(schema_).Insert({6, "f", "six"}), 400);
  EXPECT_EQ(Table().metadata->spec(), first);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|one", "5|e|five", "6|f|six"}));
}

TEST_F(TableLayoutTest, ATableMayHaveItsOwn) {
  config_.tables["public.t"].format_version = 3;
  config_.tables["public.t"].file_bytes_target = 1 << 20;
  EXPECT_EQ(FormatVersionOf(config_, kTable), 3);
  EXPECT_EQ(FormatVersionOf(config_, {"public", "other"}), 2);
  EXPECT_EQ(FileBytesTargetOf(config_, kTable), uint64_t{1} << 20);
  EXPECT_EQ(FileBytesTargetOf(config_, {"public", "other"}), LakeConfig().file_bytes_target);
}

}  // namespace
}  // namespace sluice

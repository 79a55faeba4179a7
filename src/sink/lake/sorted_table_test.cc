// Tables whose files have their rows in an order.

#include <arrow/array.h>
#include <gtest/gtest.h>

#include <random>

#include "sink/lake/data_file_reader.h"
#include "sink/lake/lake_sink_fixture.h"
#include "sink/lake/row_places.h"
#include "sink/lake/row_sorter.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

using testing::BatchMaker;
using testing::kTable;
using testing::Rows;
using testing::RowsInLake;
using testing::TestRow;
using testing::TestSchema;

class SortedTableTest : public testing::LakeSinkFixture, public ::testing::WithParamInterface<int> {
 protected:
  SortedTableTest() {
    config_.format_version = GetParam();
    config_.maintenance.look_every = {};
    config_.maintenance.files_merged_at = 3;
    config_.maintenance.deleted_percent_max = 100;
    config_.maintenance.refresh_bytes_per_second = 0;
    config_.partition = {};
    config_.sort = {{"kind", false, false}, {"id", true, true}};
  }

  /// Each kind (nothing: null) and id of a file, as they stand there.
  std::vector<std::pair<std::optional<std::string>, int64_t>> InFile(const std::string& path) {
    const auto store = ObjectStore::Open(config_.warehouse);
    const CatalogTable table = Table();
    const iceberg::Schema& schema = table.metadata->schema();
    const std::vector<std::shared_ptr<arrow::Field>> fields{ToArrowField(*schema.FindColumn("id")), ToArrowField(*schema.FindColumn("kind"))};
    std::vector<std::pair<std::optional<std::string>, int64_t>> rows;
    EXPECT_TRUE(ReadDataFile(**store, path, fields, [&](const Columns& columns, int64_t) {
                  const auto& kinds = static_cast<const arrow::StringArray&>(*columns[1]);
                  for (int64_t i = 0; i < kinds.length(); ++i)
                    rows.emplace_back(kinds.IsNull(i) ? std::nullopt : std::optional(kinds.GetString(i)), static_cast<const arrow::Int64Array&>(*columns[0]).Value(i));
                  return Ok();
                }).ok());
    return rows;
  }
  /// By kind from Z to A, nulls last, and by id.
  size_t ExpectAllInOrder() {
    size_t out_of_order_by_id = 0;
    for (const auto& file : Scan().data_files) {
      EXPECT_EQ(file.data.file().sort_order_id, Table().metadata->default_sort_order_id);
      const auto rows = InFile(file.data.file().path);
      for (size_t i = 1; i < rows.size(); ++i) {
        const auto &[kind, id] = rows[i - 1];
        EXPECT_TRUE(rows[i].first == kind ? id <= rows[i].second : !rows[i].first || (kind && *kind > *rows[i].first)) << kind.value_or("-") << " " << id << " in " << file.data.file().path;
        out_of_order_by_id += id > rows[i].second;
      }
    }
    return out_of_order_by_id;
  }

  const TableSchemaPtr schema_ = TestSchema("t");
};

TEST_P(SortedTableTest, CopyStreamAndCompactionWriteRowsInOrderAndEachIsFoundAgain) {
  Open();
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  const auto pick = [&](size_t below) { return static_cast<int64_t>(random() % below); };
  const auto kind = [&]() -> testing::TestValue { return pick(6) == 0 ? std::nullopt : std::optional(std::string(1, static_cast<char>('a' + pick(5)))); };
  std::map<int64_t, TestRow> model;
  std::vector<TestRow> rows;
  for (int64_t id = 0; id < 1000; ++id) rows.push_back(model[id] = {id, kind(), "body " + std::to_string(id)});
  Copy(schema_, rows);
  EXPECT_GT(ExpectAllInOrder(), 0u) << "there was nothing to sort";
  int64_t next_id = 1000;
  for (uint64_t lsn = 200; lsn < 260; ++lsn) {
    BatchMaker batch(schema_);
    for (int64_t i = 0; i < 20; ++i) {
      auto at = model.lower_bound(pick(static_cast<size_t>(next_id)));
      if (at == model.end()) at = model.begin();
      if (pick(3) == 0) {
        batch.Insert(model[next_id] = {next_id, kind(), "new " + std::to_string(next_id)});
        ++next_id;
      } else if (pick(3) == 0) {
        batch.Delete(at->first);
        model.erase(at);
      } else {
        at->second.kind = kind();
        TestRow sent = at->second;
        sent.body_unchanged = true;  // Read from where the row is now.
        batch.Update(sent);
      }
    }
    Apply(batch, lsn);
    // What is ready is put in place by the next commit, when rows of it have changed.
    if (lsn % 3 == 0) lake_sink().WaitForMaintenance();
    if (lsn % 25 == 0) {
      Rows expected;
      for (const auto& [id, row] : model) expected.insert(row.Text());
      ASSERT_EQ(RowsInLake(config_, kTable), expected) << "at " << lsn;
      if (lsn % 50 == 0) Open();
    }
  }
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(300));
  ExpectAllInOrder();
  size_t compacted = 0;
  for (const auto& file : Scan().data_files) compacted += file.data.file().path.find("-compacted") != std::string::npos;
  EXPECT_GT(compacted, 0u);
  Rows expected;
  for (const auto& [id, row] : model) expected.insert(row.Text());
  EXPECT_EQ(RowsInLake(config_, kTable), expected);
}

TEST_P(SortedTableTest, WhatDoesNotFitInMemoryIsPutInOrderPartByPart) {
  config_.maintenance.bytes_per_second_max = 0;
  Open();
  Copy(schema_, {});
  // A hundred MiB for Arrow, little for Parquet. Small rows between make parts of different sizes.
  uint64_t lsn = 200;
  Rows expected;
  for (int64_t file = 0; file < 3; ++file) {
    BatchMaker batch(schema_);
    for (int64_t i = 0; i < 40; ++i) {
      const int64_t id = i * 3 + file;
      const TestRow row{id, std::to_string(id % 7), std::string(i % 4 == 0 ? 3'000'000 : 10, static_cast<char>('a' + id % 26))};
      batch.Insert(row);
      expected.insert(row.Text());
    }
    Apply(batch, lsn += 10);
  }
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(lsn + 10));
  ASSERT_EQ(Scan().data_files.size(), 1u);
  EXPECT_EQ(InFile(Scan().data_files.front().data.file().path).size(), 120u);
  ExpectAllInOrder();
  EXPECT_EQ(RowsInLake(config_, kTable), expected);
  Apply(BatchMaker(schema_).Delete(0).Delete(119).Delete(60), lsn + 20);
  std::erase_if(expected, [](const std::string& row) { return row.starts_with("0|") || row.starts_with("119|") || row.starts_with("60|"); });
  EXPECT_EQ(RowsInLake(config_, kTable), expected);
}

TEST_P(SortedTableTest, AllRowsOfAFileThatIsGoneAreDeletedAtTheirNewPlaces) {
  Open();
  Copy(schema_, {{1, "a", "one"}, {5, "c", "five"}});
  Apply(BatchMaker(schema_).Insert({2, "b", "two"}).Insert({4, "z", "four"}).Insert({3, "a", "three"}), 200);
  Apply(BatchMaker(schema_).Insert({6, "b", "six"}).Delete(3), 300);
  lake_sink().WaitForMaintenance();
  Apply(BatchMaker(schema_).Delete(2).Delete(4), 400);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|one", "5|c|five", "6|b|six"}));
  EXPECT_EQ(InFile(Scan().data_files.back().data.file().path).size(), 5u);
  Apply(BatchMaker(schema_).Update({5, "C", std::nullopt, true}).Delete(1), 500);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"5|C|five", "6|b|six"}));
}

TEST_P(SortedTableTest, TheOrderFollowsTheConfigurationAndGoesWithItsColumn) {
  config_.maintenance.enabled = false;
  config_.sort = {};
  Open();
  Copy(schema_, {{2, "a", "two"}, {1, "b", "one"}});
  EXPECT_EQ(Table().metadata->default_sort_order_id, 0);
  config_.tables["public.t"].sort = {{{"kind", true, true}}};
  Open();
  Apply(BatchMaker(schema_).Insert({4, "z", "four"}).Insert({3, "y", "three"}), 200);
  ASSERT_EQ(Table().metadata->sort_order().fields.size(), 1u);
  const int32_t by_kind = Table().metadata->default_sort_order_id;
  EXPECT_GT(by_kind, 0);
  for (const auto& file : Scan().data_files) EXPECT_EQ(file.data.file().sort_order_id.value_or(0), file.data.file().sort_order_id ? by_kind : 0);
  // Without the column there is no order; a table whose order names a column that it lacks can't be loaded by Java.
  auto without = std::make_shared<TableSchema>(*schema_);
  without->columns.erase(without->columns.begin() + 1);
  const auto insert = [&](int64_t id, uint64_t lsn) {
    BatchMaker batch(without);
    Change change;
    change.new_offset = batch.AppendTuple({testing::Int8(id), std::to_string(id)}, {}, {0});
    batch.AddChange(change);
    Apply(batch, lsn);
  };
  insert(9, 300);
  EXPECT_EQ(Table().metadata->default_sort_order_id, 0);
  EXPECT_EQ(Table().metadata->schema().FindColumn("kind"), nullptr);
  // What fits no more is left out after a restart too, and the stream goes on.
  Open();
  insert(8, 400);
  EXPECT_EQ(Table().metadata->default_sort_order_id, 0);
  config_.tables["public.t"].sort = {{{"id", false, false}}};
  Open();
  insert(7, 500);
  EXPECT_EQ(Table().metadata->default_sort_order_id, by_kind + 1);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|one", "2|two", "3|three", "4|four", "7|7", "8|8", "9|9"}));
}

INSTANTIATE_TEST_SUITE_P(Formats, SortedTableTest, ::testing::Values(2, 3), [](const auto& format) { return "Format" + std::to_string(format.param); });

TEST(RowPlaces, AreTheSameInMemoryAndInAFile) {
  for (const uint32_t count : {0u, 1u, 256u, 257u, 100'000u}) {
    std::vector<uint32_t> places(count);
    for (uint32_t i = 0; i < count; ++i) places[i] = count - i;
    const auto made = RowPlaces::Make(places, "");
    ASSERT_OK(made);
    ASSERT_EQ((*made)->size(), count);
    for (uint32_t i = 0; i < count; ++i) ASSERT_EQ((**made)[i], places[i]);
  }
}

}  // namespace
}  // namespace sluice

#include "sink/lake/lake_orders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "catalog/open_catalog.h"
#include "observability/error_catalog.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_sink_fixture.h"

namespace sluice {
namespace {

using testing::BatchMaker;
using testing::kLog;
using testing::kTable;
using testing::Rows;
using testing::RowsInLake;
using testing::TestSchema;
using Kind = LakeOrder::Kind;

const TableName kOther{"public", "other"};
CutWish AtLsn(uint64_t lsn) { return {Lsn{lsn}, std::nullopt}; }

const auto kListening = [](const LakeProgress&) { return true; };

class LakeOrdersTest : public testing::LakeSinkFixture {
 protected:
  LakeOrdersTest() { config_.maintenance.enabled = false; }

  void OpenAttending() {
    sink_.reset();
    auto opened = LakeSink::Open(config_, kLog, &orders_);
    ASSERT_OK(opened);
    sink_ = std::move(*opened);
  }

  void OpenWithTwoTables() {
    OpenAttending();
    Copy(schema_, {{1, "a", "x"}, {2, "b", "y"}});
    Copy(TestSchema("other", false, 1001), {{1, "idle", "x"}}, 150);
    OpenAttending();  // The second one catches up from here.
    ASSERT_OK(Commit(200));
    Apply(BatchMaker(schema_).Update({1, "A", "x"}), 300);
    Apply(BatchMaker(schema_).Delete(2).Insert({3, "c", "z"}), 400);
    OpenAttending();
  }

  /// Asks on another thread, and attends on this one until it is answered.
  Result<LakeReport> Ask(LakeOrder order) {
    auto answer = std::async(std::launch::async, [&] { return orders_.Ask(std::move(order), kListening, {}); });
    while (answer.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
      if (sink_ == nullptr) continue;
      const Status attended = sink_->Attend();
      EXPECT_TRUE(attended.ok()) << attended.error().message;
    }
    return answer.get();
  }

  int CodeOf(LakeOrder order) {
    const Result<LakeReport> report = Ask(std::move(order));
    return report.ok() ? 0 : report.error().code;
  }

  iceberg::TableMetadata Metadata(const TableName& name) {
    auto store = ObjectStore::Open(config_.warehouse);
    auto catalog = OpenCatalog(config_, **store);
    return *(**(*catalog)->LoadTable({name.name_space, name.name})).metadata;
  }

  static int64_t Figure(const LakeTableDone& done, std::string_view name) {
    const auto found = std::find_if(done.figures.begin(), done.figures.end(), [&](const auto& figure) { return figure.first == name; });
    return found == done.figures.end() ? -1 : found->second;
  }

  static const LakeTableDone& Of(const LakeReport& report, const TableName& name) {
    return *std::find_if(report.tables.begin(), report.tables.end(), [&](const LakeTableDone& done) { return done.table == name; });
  }

  LakeOrders orders_;
  const TableSchemaPtr schema_ = TestSchema("t");
};

TEST_F(LakeOrdersTest, ATagNamesAllTablesAtOneMomentAndRowsOfTheStreamGoOnUnseen) {
  OpenWithTwoTables();
  BatchMaker open_rows(schema_);
  open_rows.Insert({9, "open", "z"}).End(500);
  ASSERT_OK(sink_->Write(open_rows.Make()));
  const auto report = Ask({.kind = Kind::kTag, .tag = "before-migration"});
  ASSERT_OK(report);
  EXPECT_EQ(report->lsn, Lsn{400});
  EXPECT_TRUE(Of(*report, kTable).done && Of(*report, kOther).done);
  ASSERT_OK(Commit(500));
  Apply(BatchMaker(schema_).Delete(1), 600);
  EXPECT_EQ(RowsInLake(config_, kTable, "before-migration"), (Rows{"1|A|x", "3|c|z"}));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"3|c|z", "9|open|z"}));
  EXPECT_EQ(CodeOf({.kind = Kind::kTag, .tag = "before-migration"}), slu::kLakeTagExists);
  EXPECT_EQ(CodeOf({.kind = Kind::kTag, .tag = "main"}), slu::kLakeTagName);
  EXPECT_EQ(CodeOf({.kind = Kind::kTag, .tables = {{"public", "nobody"}}, .tag = "x"}), slu::kLakeNoTable);
  EXPECT_EQ(CodeOf({.kind = Kind::kTag, .tag = "old", .at = AtLsn(1)}), slu::kLakeNoCut);
}

TEST_F(LakeOrdersTest, ATagCanNameAnEarlierMomentOfOneTable) {
  OpenWithTwoTables();
  const auto report = Ask({.kind = Kind::kTag, .tables = {kTable}, .tag = "then", .at = AtLsn(350)});
  ASSERT_OK(report);
  EXPECT_EQ(report->lsn, Lsn{300});
  EXPECT_EQ(RowsInLake(config_, kTable, "then"), (Rows{"1|A|x", "2|b|y"}));
  EXPECT_FALSE(Metadata(kOther).refs.contains("then"));
}

TEST_F(LakeOrdersTest, ATagIsDeletedFromAllTables) {
  OpenWithTwoTables();
  ASSERT_OK(Ask({.kind = Kind::kTag, .tag = "x"}));
  ASSERT_OK(Ask({.kind = Kind::kDeleteTag, .tag = "x"}));
  for (const TableName& name : {kTable, kOther}) EXPECT_FALSE(Metadata(name).refs.contains("x"));
  EXPECT_EQ(CodeOf({.kind = Kind::kDeleteTag, .tag = "x"}), slu::kLakeNoTag);
}

TEST_F(LakeOrdersTest, ExpiryByHandLeavesWhatATagNames) {
  OpenWithTwoTables();
  ASSERT_OK(Ask({.kind = Kind::kTag, .tag = "then", .at = AtLsn(300)}));
  const auto report = Ask({.kind = Kind::kExpire, .snapshots_kept = 1, .at_once = true});
  ASSERT_OK(report);
  EXPECT_EQ(Figure(Of(*report, kTable), "snapshots_left"), 2);
  EXPECT_EQ(Metadata(kTable).snapshots.size(), 2u);
  EXPECT_EQ(RowsInLake(config_, kTable, "then"), (Rows{"1|A|x", "2|b|y"}));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|x", "3|c|z"}));
  EXPECT_EQ(CodeOf({.kind = Kind::kTag, .tag = "older", .at = AtLsn(200)}), slu::kLakeMomentExpired);
  Apply(BatchMaker(schema_).Update({3, "C", std::nullopt, true}), 500);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|x", "3|C|z"}));
}

TEST_F(LakeOrdersTest, CompactionByHandLeavesOneFileAndTheTagReadsTheOldOnes) {
  OpenWithTwoTables();
  ASSERT_OK(Ask({.kind = Kind::kTag, .tag = "then", .at = AtLsn(300)}));
  const auto report = Ask({.kind = Kind::kCompact});
  ASSERT_OK(report);
  const LakeTableDone& done = Of(*report, kTable);
  EXPECT_TRUE(done.done) << done.note;
  EXPECT_EQ(Figure(done, "data_files_before"), 2);
  EXPECT_EQ(Figure(done, "data_files_after"), 1);
  EXPECT_EQ(Figure(done, "delete_files_after"), 0);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|x", "3|c|z"}));
  ASSERT_OK(Ask({.kind = Kind::kExpire, .snapshots_kept = 1, .at_once = true}));
  ASSERT_OK(Ask({.kind = Kind::kRemoveOrphans, .at_once = true}));
  EXPECT_EQ(RowsInLake(config_, kTable, "then"), (Rows{"1|A|x", "2|b|y"}));
  Apply(BatchMaker(schema_).Update({1, "AA", std::nullopt, true}), 500);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|AA|x", "3|c|z"}));
}

TEST_F(LakeOrdersTest, CompactionByHandKeepsToTheSizeThatATableHasOfItsOwn) {
  OpenAttending();
  Copy(schema_, {{1, "a", "x"}});
  for (uint64_t lsn = 200; lsn < 500; lsn += 100) Apply(BatchMaker(schema_).Insert({static_cast<int64_t>(lsn), "b", "y"}), lsn);
  config_.tables["public.t"].file_bytes_target = 64 << 10;  // Of which each file is large enough.
  OpenAttending();
  const auto report = Ask({.kind = Kind::kCompact});
  ASSERT_OK(report);
  EXPECT_EQ(Figure(Of(*report, kTable), "data_files_after"), 4);
}

TEST_F(LakeOrdersTest, OrphansOfEarlierProcessesGo) {
  OpenWithTwoTables();
  std::filesystem::path data;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(config_.warehouse))
    if (entry.path().extension() == ".parquet" && entry.path().string().find("/t/") != std::string::npos) data = entry.path();
  const std::filesystem::path planted = data.parent_path() / ("x" + data.filename().string());
  ASSERT_TRUE(std::filesystem::exists(data));
  std::filesystem::copy_file(data, planted);
  std::filesystem::last_write_time(planted, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  const auto report = Ask({.kind = Kind::kRemoveOrphans, .orphans_after = std::chrono::hours(1), .at_once = true});
  ASSERT_OK(report);
  EXPECT_EQ(Figure(Of(*report, kTable), "files_removed"), 1);
  EXPECT_FALSE(std::filesystem::exists(planted));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|x", "3|c|z"}));
}

TEST_F(LakeOrdersTest, ATableThatIsSetBackIsHeldAndCopiedAgain) {
  OpenWithTwoTables();
  const iceberg::TableMetadata before = Metadata(kTable);
  const auto then = std::find_if(before.snapshots.begin(), before.snapshots.end(), [](const iceberg::Snapshot& snapshot) { return ParseSnapshotMark(snapshot.summary)->lsn == Lsn{300}; });
  ASSERT_NE(then, before.snapshots.end());
  EXPECT_EQ(CodeOf({.kind = Kind::kRollBack, .tables = {kTable}, .snapshot_id = 7, .reason = "r"}), slu::kLakeNoSnapshot);
  ASSERT_OK(Ask({.kind = Kind::kRollBack, .tables = {kTable}, .snapshot_id = then->snapshot_id, .reason = "set back by hand"}));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|A|x", "2|b|y"}));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(sink_->held_tables().contains(kTable));
    EXPECT_EQ(sink_->held_tables().at(kTable), (HeldTable{1000, slu::kLakeRolledBack, "set back by hand", Lsn{300}}));
    EXPECT_FALSE(sink_->copied_tables().contains(kTable));
    OpenAttending();
  }
  EXPECT_EQ(CodeOf({.kind = Kind::kExpire, .tables = {kTable}, .snapshots_kept = 1}), slu::kLakeTableNotFollowed);
  const auto tag = Ask({.kind = Kind::kTag, .tag = "x"});
  ASSERT_OK(tag);
  EXPECT_FALSE(Of(*tag, kTable).done);
  ASSERT_OK(sink_->Forget(kTable));
  Copy(schema_, {{1, "new", "x"}}, 500);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|new|x"}));
}

TEST(LakeOrders, WithoutASinkItIsSaidSoAndOneOrderIsAtWorkAtATime) {
  LakeOrders orders;
  const auto nobody = orders.Ask({.kind = Kind::kExpire}, kListening, {}, std::chrono::milliseconds(1));
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code, slu::kLakeBusy);
  EXPECT_FALSE(orders.Begin());
  auto answer = std::async(std::launch::async, [&] { return orders.Ask({.kind = Kind::kTag, .tag = "x"}, kListening, {}); });
  std::optional<LakeOrder> order;
  while (!order) order = orders.Begin();
  EXPECT_EQ(order->tag, "x");
  const auto second = orders.Ask({.kind = Kind::kExpire}, kListening, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, slu::kLakeBusy);
  orders.End(LakeReport{Lsn{7}, std::nullopt, {}});
  const auto done = answer.get();
  ASSERT_OK(done);
  EXPECT_EQ(done->lsn, Lsn{7});
}

TEST(LakeOrders, WorkThatNobodyWaitsForIsAbandoned) {
  LakeOrders orders;
  std::stop_source stop;
  auto answer = std::async(std::launch::async, [&] { return orders.Ask({.kind = Kind::kCompact}, kListening, stop.get_token()); });
  while (!orders.Begin()) std::this_thread::yield();
  EXPECT_FALSE(orders.abandoned());
  stop.request_stop();
  while (!orders.abandoned()) std::this_thread::yield();
  orders.End(Error{ErrorKind::kCancelled, "stopped on request"});
  EXPECT_FALSE(answer.get().ok());
}

}  // namespace
}  // namespace sluice

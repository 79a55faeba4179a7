#pragma once
// A lake in a folder and its sink, for the tests of what a sink does.

#include <gtest/gtest.h>

#include "base/failpoint.h"
#include "catalog/open_catalog.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_scan.h"
#include "sink/lake/lake_test_support.h"

#define ASSERT_OK(expression)                                          \
  do {                                                                 \
    const auto& result_of = (expression);                              \
    ASSERT_TRUE(result_of.ok()) << result_of.error().message << " " << result_of.error().evidence; \
  } while (false)

namespace sluice::testing {

using Rows = std::multiset<std::string>;

inline const LogIdentity kLog{7'000'000'000'000'000'001, 1, "app", "sluice"};
inline const TableName kTable{"public", "t"};

class LakeSinkFixture : public ::testing::Test {
 protected:
  LakeSinkFixture() {
    config_.warehouse = folder_.path() + "/lake";
    config_.tags = {0, 0};  // Tests that want them say so.
  }
  ~LakeSinkFixture() override { EXPECT_TRUE(failpoint::Arm("").ok()); }

  void Open() {
    sink_.reset();
    auto opened = LakeSink::Open(config_, kLog);
    ASSERT_OK(opened);
    sink_ = std::move(*opened);
  }

  void Copy(const TableSchemaPtr& schema, const std::vector<TestRow>& rows, uint64_t lsn = 100) {
    ASSERT_OK(CopyRows(schema, rows, lsn));
    ASSERT_OK(FinishCopy(schema, lsn));
  }
  Status CopyRows(const TableSchemaPtr& schema, const std::vector<TestRow>& rows, uint64_t lsn = 100) {
    const std::vector<TableDefinition> tables{DefinitionOf(schema)};
    RETURN_IF_ERROR(sink_->PrepareTables(tables, {{kLog, {lsn}}, Timestamp(std::chrono::seconds(50))}));
    ASSIGN_OR_RETURN(const auto writer, sink_->OpenCopyWriter(tables[0], BlockRange{}));
    std::string bytes;
    for (const TestRow& row : rows) bytes += CopyRow(row);
    RETURN_IF_ERROR(writer->Rows(AsBytes(bytes), rows.size()));
    return writer->Finish();
  }
  Status FinishCopy(const TableSchemaPtr& schema, uint64_t lsn = 100) { return sink_->FinishTables({DefinitionOf(schema)}, {kLog, {lsn}}, {}); }

  /// What the catalog says of the table t now, and the files that readers of it open.
  CatalogTable Table() {
    auto store = ObjectStore::Open(config_.warehouse);
    auto catalog = OpenCatalog(config_, **store);
    return **(*catalog)->LoadTable({kTable.name_space, kTable.name});
  }
  iceberg::TableScan Scan() {
    auto store = ObjectStore::Open(config_.warehouse);
    iceberg::ManifestCache cache(**store, 1 << 20);
    const auto manifests = iceberg::CurrentManifests(*Table().metadata, cache);
    return *iceberg::PlanScan(**manifests, cache);
  }

  LakeSink& lake_sink() { return static_cast<LakeSink&>(*sink_); }

  Status Commit(uint64_t lsn) { return sink_->Commit({kLog, {lsn}}, Timestamp(std::chrono::seconds(lsn))); }

  void Apply(BatchMaker& batch, uint64_t lsn) {
    batch.End(lsn);
    ASSERT_OK(sink_->Write(batch.Make()));
    ASSERT_OK(Commit(lsn));
  }

  TestFolder folder_;
  LakeConfig config_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace sluice::testing

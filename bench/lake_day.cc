// lake_day HOURS FOLDER
//   A commit every ten seconds, in fast motion: the lake's clock goes by the commits, and its maintenance has been to its end before the
//   next. Each commit updates rows, recent ones more often, adds some and deletes some. Prints {"hours":[…]}: how large the
//   metadata is after each, of how many files the table consists, and how long commits and reading all rows take.

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <random>

#include "catalog/open_catalog.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_scan.h"
#include "measuring.h"
#include "sink/lake/lake_sink.h"
#include "sink/lake/lake_test_support.h"
#include "storage/write_behind_store.h"

namespace sluice::bench {
namespace {

constexpr int kCommitsOfAnHour = 360;
constexpr int64_t kRowsAtFirst = 100'000;
constexpr int kUpdates = 40, kInserts = 10, kDeletes = 8;

const LogIdentity kLog{7'000'000'000'000'000'001, 1, "app", "sluice"};

class SetClock final : public Clock {
 public:
  explicit SetClock(const std::atomic<int64_t>& seconds) : seconds_(seconds) {}
  Timestamp Now() const override { return Timestamp(std::chrono::seconds(seconds_.load())); }

 private:
  const std::atomic<int64_t>& seconds_;
};

/// The rows that are there, so that each is deleted once.
class Workload {
 public:
  explicit Workload(TableSchemaPtr schema) : schema_(std::move(schema)) {
    for (int64_t id = 0; id < kRowsAtFirst; ++id) ids_.push_back(next_++);
  }

  std::string Copy() const {
    std::string rows;
    for (const int64_t id : ids_) rows += testing::CopyRow({id, "kind", fmt::format("body of {}", id)});
    return rows;
  }
  size_t rows() const { return ids_.size(); }

  ChangeBatchPtr Next(uint64_t lsn) {
    testing::BatchMaker batch(schema_);
    for (int i = 0; i < kDeletes; ++i) {
      const size_t at = random_() % ids_.size();
      batch.Delete(ids_[at]);
      ids_.erase(ids_.begin() + static_cast<ptrdiff_t>(at));
    }
    for (int i = 0; i < kUpdates; ++i) {
      const size_t back = random_() % (i % 4 == 0 ? ids_.size() : std::min<size_t>(ids_.size(), 1000));
      batch.Update({ids_[ids_.size() - 1 - back], "changed", fmt::format("by {}", lsn)});
    }
    for (int i = 0; i < kInserts; ++i) {
      ids_.push_back(next_++);
      batch.Insert({ids_.back(), "new", fmt::format("at {}", lsn)});
    }
    return batch.End(lsn).Make();
  }

 private:
  const TableSchemaPtr schema_;
  std::mt19937_64 random_{1};
  std::vector<int64_t> ids_;
  int64_t next_ = 0;
};

void Day(int hours, const std::string& folder) {
  LakeConfig config;
  config.warehouse = folder + "/lake";
  config.maintenance.bytes_per_second_max = 0;  // It has ten seconds for what takes less, but here none.
  std::filesystem::create_directories(config.warehouse);
  std::atomic<int64_t> seconds = 1'780'000'000;
  auto store = std::make_unique<WriteBehindStore>(Must(ObjectStore::Open(config.warehouse)));
  auto catalog = Must(OpenCatalog(config, *store));
  const auto looking = Must(ObjectStore::Open(config.warehouse));
  const auto looked_at = Must(OpenCatalog(config, *looking));
  const auto sink = Must(LakeSink::OpenWith(config, kLog, std::move(store), std::move(catalog), std::make_unique<SetClock>(seconds)));
  const TableSchemaPtr schema = testing::TestSchema("t");
  Workload workload(schema);
  const std::vector<TableDefinition> tables{testing::DefinitionOf(schema)};
  const auto now = [&] { return Timestamp(std::chrono::seconds(seconds.load())); };
  Require(sink->PrepareTables(tables, {{kLog, {100}}, now()}));
  auto writer = Must(sink->OpenCopyWriter(tables[0], BlockRange{}));
  Require(writer->Rows(AsBytes(workload.Copy()), workload.rows()));
  Require(writer->Finish());
  Require(sink->FinishTables(tables, {kLog, {100}}, now()));
  uint64_t lsn = 1000;
  for (int hour = 1; hour <= hours; ++hour) {
    double committing = 0, slowest = 0;
    for (int i = 0; i < kCommitsOfAnHour; ++i, ++lsn) {
      seconds += 10;
      const ChangeBatchPtr batch = workload.Next(lsn);
      const double took = Seconds([&] {
        Require(sink->Write(batch));
        Require(sink->Commit({kLog, {lsn}}, now()));
      });
      committing += took;
      slowest = std::max(slowest, took);
      sink->WaitForMaintenance();
    }
    const CatalogTable table = *Must(looked_at->LoadTable({"public", "t"}));
    iceberg::ManifestCache cache(*looking, 64 << 20);
    const auto manifests = Must(iceberg::CurrentManifests(*table.metadata, cache));
    const iceberg::TableScan scan = Must(iceberg::PlanScan(*manifests, cache));
    uint64_t rows = 0;
    const double reading = Seconds([&] { rows = Must(Must(sink->View())->Digest(tables[0])).rows; });
    if (rows != workload.rows()) Require(Error{ErrorKind::kCorrupt, fmt::format("the lake has {} rows, not {}", rows, workload.rows())});
    fmt::print(R"({}{{"hour":{},"rows":{},"metadata_bytes":{},"snapshots":{},"tags":{},"manifests":{},"data_files":{},"delete_files":{},"commit_seconds":{:.5f},"slowest_commit_seconds":{:.5f},"read_seconds":{:.5f}}})" "\n",
               hour == 1 ? R"({"hours":[)" : ",", hour, rows, Must(looking->Get(table.metadata_location)).size(), table.metadata->snapshots.size(), table.metadata->refs.size() - 1, manifests->size(), scan.data_files.size(),
               scan.delete_files.size(), committing / kCommitsOfAnHour, slowest, reading);
    std::fflush(stdout);
  }
  fmt::print("]}}\n");
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  if (count != 3) return 2;
  sluice::bench::Day(std::stoi(values[1]), values[2]);
}

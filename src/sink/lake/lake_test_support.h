#pragma once
// Tables, batches and what readers see, for the tests of this folder.

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "change/change_batch.h"
#include "sink/lake/lake_sink.h"

namespace sluice::testing {

/// A value of a test row: nullopt is null.
using TestValue = std::optional<std::string>;

/// One column's binary forms.
inline std::string Int8(int64_t value) {
  std::string bytes;
  AppendBigEndian(bytes, value);
  return bytes;
}

TypePtr BuiltinType(Oid oid, const std::string& name);

/// (id int8, kind text, body text), with a key on id unless `full`.
TableSchemaPtr TestSchema(const std::string& name, bool full = false, Oid oid = 1000);
TableDefinition DefinitionOf(const TableSchemaPtr& schema);

/// A row of the test schema. Unchanged body: kUnchangedBody.
struct TestRow {
  int64_t id = 0;
  TestValue kind;
  TestValue body;
  bool body_unchanged = false;

  std::string Text() const { return std::to_string(id) + "|" + kind.value_or("NULL") + "|" + body.value_or("NULL"); }
};

/// Builds one batch.
class BatchMaker {
 public:
  explicit BatchMaker(TableSchemaPtr schema) { batch_->tables.push_back(std::move(schema)); }

  uint32_t AddTable(TableSchemaPtr schema) {
    batch_->tables.push_back(std::move(schema));
    return static_cast<uint32_t>(batch_->tables.size() - 1);
  }
  /// What follows is of this table, unless it says otherwise.
  BatchMaker& On(uint32_t table) {
    table_ = table;
    return *this;
  }
  uint32_t table() const { return table_; }
  BatchMaker& Insert(const TestRow& row, std::optional<uint32_t> table = std::nullopt);
  BatchMaker& Update(const TestRow& row, std::optional<int64_t> old_id = std::nullopt);
  BatchMaker& UpdateFull(const TestRow& old_row, const TestRow& row);
  BatchMaker& Delete(int64_t id);
  BatchMaker& DeleteFull(const TestRow& row);
  BatchMaker& Truncate();
  /// All changes since the last end become one transaction.
  BatchMaker& End(uint64_t lsn, bool ends_here = true);
  ChangeBatchPtr Make() { return batch_; }

  size_t AppendTuple(const std::vector<TestValue>& values, const std::set<size_t>& unchanged, const std::set<size_t>& binary);
  void AddChange(Change change) { batch_->changes.push_back(change); }

 private:
  size_t Append(const TestRow& row);
  size_t AppendKey(int64_t id);
  std::shared_ptr<ChangeBatch> batch_ = std::make_shared<ChangeBatch>();
  size_t first_change_ = 0;
  uint32_t table_ = 0;
};

/// One row of binary COPY.
std::string CopyRow(const TestRow& row);

/// Stands still until it is set. Thread-safe.
class SetClock final : public Clock {
 public:
  explicit SetClock(Timestamp now) { Set(now); }
  Timestamp Now() const override { return Timestamp(std::chrono::microseconds(now_us_.load())); }
  void Set(Timestamp now) { now_us_ = now.time_since_epoch().count(); }

 private:
  std::atomic<int64_t> now_us_;
};

/// A folder that is gone at the end.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The rows that a reader of the current snapshot sees: source columns as text, "|" between, sorted.
/// Of the snapshot of a tag, where one is named.
std::multiset<std::string> RowsInLake(const LakeConfig& config, const TableName& name, const std::string& tag = "");
/// Of the current snapshot of this metadata. `left_out`: so many columns at the end, of what sluice adds.
std::multiset<std::string> RowsOf(const LakeConfig& config, const iceberg::TableMetadata& metadata, size_t left_out = 3);

}  // namespace sluice::testing

#include "sink/lake/lake_test_support.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <cstdlib>

#include "catalog/open_catalog.h"
#include "sink/lake/cell_reader.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/pg_type_oid.h"
#include "sink/lake/table_files.h"
#include "sink/lake/type_map.h"

namespace sluice::testing {

TypePtr BuiltinType(Oid oid, const std::string& name) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  type->name_space = "pg_catalog";
  type->name = name;
  return type;
}

TableSchemaPtr TestSchema(const std::string& name, bool full, Oid oid) {
  auto schema = std::make_shared<TableSchema>();
  schema->oid = oid;
  schema->name = {"public", name};
  schema->columns = {{"id", 1, BuiltinType(pg::kInt8, "int8"), -1, true},
                     {"kind", 2, BuiltinType(pg::kText, "text"), -1, false},
                     {"body", 3, BuiltinType(pg::kText, "text"), -1, false}};
  if (full) schema->replica_identity = ReplicaIdentity::kFull; else schema->key = {0};
  return schema;
}

TableDefinition DefinitionOf(const TableSchemaPtr& schema) {
  TableDefinition definition;
  definition.schema = schema;
  definition.columns.resize(schema->columns.size());
  return definition;
}

size_t BatchMaker::AppendTuple(const std::vector<TestValue>& values, const std::set<size_t>& unchanged, const std::set<size_t>& binary) {
  std::string tuple;
  AppendBigEndian(tuple, static_cast<int16_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    if (unchanged.contains(i) || !values[i]) {
      tuple.push_back(unchanged.contains(i) ? 'u' : 'n');
      continue;
    }
    tuple.push_back(binary.contains(i) ? 'b' : 't');
    AppendBigEndian(tuple, static_cast<int32_t>(values[i]->size()));
    tuple += *values[i];
  }
  const size_t offset = batch_->bytes.size();
  const Bytes bytes = AsBytes(tuple);
  batch_->bytes.insert(batch_->bytes.end(), bytes.begin(), bytes.end());
  return offset;
}

size_t BatchMaker::Append(const TestRow& row) {
  return AppendTuple({Int8(row.id), row.kind, row.body}, row.body_unchanged ? std::set<size_t>{2} : std::set<size_t>{}, {0, 1, 2});
}

size_t BatchMaker::AppendKey(int64_t id) { return AppendTuple({Int8(id), std::nullopt, std::nullopt}, {}, {0}); }

BatchMaker& BatchMaker::Insert(const TestRow& row, std::optional<uint32_t> table) {
  AddChange({Operation::kInsert, OldTuple::kNone, table.value_or(table_), 0, Append(row)});
  return *this;
}

BatchMaker& BatchMaker::Update(const TestRow& row, std::optional<int64_t> old_id) {
  const size_t old_offset = old_id ? AppendKey(*old_id) : 0;
  AddChange({Operation::kUpdate, old_id ? OldTuple::kKey : OldTuple::kNone, table_, old_offset, Append(row)});
  return *this;
}

BatchMaker& BatchMaker::UpdateFull(const TestRow& old_row, const TestRow& row) {
  const size_t old_offset = Append(old_row);
  AddChange({Operation::kUpdate, OldTuple::kFull, table_, old_offset, Append(row)});
  return *this;
}

BatchMaker& BatchMaker::Delete(int64_t id) {
  AddChange({Operation::kDelete, OldTuple::kKey, table_, AppendKey(id), 0});
  return *this;
}

BatchMaker& BatchMaker::DeleteFull(const TestRow& row) {
  AddChange({Operation::kDelete, OldTuple::kFull, table_, Append(row), 0});
  return *this;
}

BatchMaker& BatchMaker::Truncate() {
  AddChange({Operation::kTruncate, OldTuple::kNone, table_, 0, 0});
  return *this;
}

BatchMaker& BatchMaker::End(uint64_t lsn, bool ends_here) {
  Transaction transaction;
  transaction.commit_lsn = {lsn - 1};
  transaction.end_lsn = {lsn};
  transaction.commit_time = Timestamp(std::chrono::microseconds(1'700'000'000'000'000 + static_cast<int64_t>(lsn)));
  transaction.first_change = first_change_;
  transaction.change_count = batch_->changes.size() - first_change_;
  transaction.ends_here = ends_here;
  first_change_ = batch_->changes.size();
  batch_->transactions.push_back(transaction);
  if (ends_here) batch_->end_lsn = {lsn};
  return *this;
}

std::string CopyRow(const TestRow& row) {
  std::string bytes;
  AppendBigEndian(bytes, static_cast<int16_t>(3));
  const auto append = [&](const TestValue& value) {
    AppendBigEndian(bytes, value ? static_cast<int32_t>(value->size()) : -1);
    if (value) bytes += *value;
  };
  append(Int8(row.id));
  append(row.kind);
  append(row.body);
  return bytes;
}

TestFolder::TestFolder() {
  char name[] = "/tmp/sluice-lake-XXXXXX";
  path_ = mkdtemp(name);
}

std::multiset<std::string> RowsInLake(const LakeConfig& config, const TableName& name, const std::string& tag) {
  auto store = ObjectStore::Open(config.warehouse);
  auto catalog = OpenCatalog(config, **store);
  auto table = (*catalog)->LoadTable({name.name_space, name.name});
  EXPECT_TRUE(table.ok() && table->has_value());
  iceberg::TableMetadata metadata = *(*table)->metadata;
  if (!tag.empty()) metadata.current_snapshot_id = metadata.refs.at(tag).snapshot_id;
  return RowsOf(config, metadata);
}

std::multiset<std::string> RowsOf(const LakeConfig& config, const iceberg::TableMetadata& metadata, size_t left_out) {
  std::multiset<std::string> rows;
  auto store = ObjectStore::Open(config.warehouse);
  iceberg::ManifestCache cache(**store, 1 << 20);
  auto manifests = iceberg::CurrentManifests(metadata, cache);
  EXPECT_TRUE(manifests.ok());
  std::vector<TableFile> files;
  EXPECT_TRUE(LoadTableFiles(**store, cache, **manifests, files).ok());
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (size_t i = 0; i + left_out < metadata.schema().fields.size(); ++i) fields.push_back(ToArrowField(metadata.schema().fields[i]));
  CellReader reader;
  for (const TableFile& file : files) {
    const Status read = ReadDataFile(**store, file.path, fields, [&](const Columns& columns, int64_t first) -> Status {
      for (int64_t row = 0; row < columns[0]->length(); ++row) {
        if (file.committed_deletes.contains(static_cast<uint32_t>(first + row))) continue;
        std::string text;
        for (const auto& column : columns) {
          Cell cell;
          reader.Read(*column, row, cell);
          if (!text.empty()) text += "|";
          text += cell.is_null() ? "NULL" : cell.kind == CellKind::kInteger ? std::to_string(cell.integer) : std::string(cell.bytes);
        }
        rows.insert(text);
      }
      return Ok();
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
  }
  return rows;
}

}  // namespace sluice::testing

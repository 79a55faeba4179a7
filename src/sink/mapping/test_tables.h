#pragma once
// Tables, tuples and batches as literals.

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "change/change_batch.h"
#include "change/table_definition.h"

namespace sluice::mapping::testing {

inline TypePtr TypeOf(Oid oid, std::string name, bool has_binary = true) {
  Type type;
  type.oid = oid;
  type.name_space = "pg_catalog";
  type.name = std::move(name);
  type.has_binary = has_binary;
  return std::make_shared<const Type>(std::move(type));
}

inline TypePtr EnumOf(std::vector<std::string> labels) {
  Type type;
  type.oid = 20'000;
  type.kind = TypeKind::kEnum;
  type.labels = std::move(labels);
  return std::make_shared<const Type>(std::move(type));
}

inline const TypePtr kInt4 = TypeOf(23, "int4");
inline const TypePtr kText = TypeOf(25, "text");
inline const TypePtr kDate = TypeOf(1082, "date");
inline const TypePtr kNumeric = TypeOf(1700, "numeric");
inline const TypePtr kFloat8 = TypeOf(701, "float8");

inline Column MakeColumn(std::string name, TypePtr type, int16_t number) { return {.name = std::move(name), .attribute_number = number, .type = std::move(type)}; }

/// A binary int4, as text bytes.
inline std::string Int(int32_t number) {
  std::string bytes;
  AppendBigEndian(bytes, number);
  return bytes;
}

/// One value of a tuple: {'b', bytes}, {'t', text}, {'n'}, {'u'}.
struct TestValue {
  char kind;
  std::string bytes = {};
};

inline std::string Tuple(std::initializer_list<TestValue> values) {
  std::string tuple;
  AppendBigEndian(tuple, static_cast<int16_t>(values.size()));
  for (const TestValue& value : values) {
    tuple.push_back(value.kind);
    if (value.kind == 'n' || value.kind == 'u') continue;
    AppendBigEndian(tuple, static_cast<int32_t>(value.bytes.size()));
    tuple += value.bytes;
  }
  return tuple;
}

struct TestChange {
  Operation operation;
  std::string new_tuple = {};
  std::string old_tuple = {};
  OldTuple old_kind = OldTuple::kNone;
  uint32_t table = 0;
};

inline ChangeBatchPtr Batch(std::vector<TableSchemaPtr> tables, std::initializer_list<TestChange> changes, bool ends_here = true, uint64_t commit_lsn = 100) {
  auto batch = std::make_shared<ChangeBatch>();
  batch->tables = std::move(tables);
  const auto put = [&](const std::string& tuple) {
    const size_t at = batch->bytes.size();
    const Bytes bytes = AsBytes(tuple);
    batch->bytes.insert(batch->bytes.end(), bytes.begin(), bytes.end());
    return at;
  };
  for (const TestChange& change : changes) {
    Change made{.operation = change.operation, .old_kind = change.old_kind, .table = change.table};
    if (!change.old_tuple.empty()) made.old_offset = put(change.old_tuple);
    if (!change.new_tuple.empty()) made.new_offset = put(change.new_tuple);
    batch->changes.push_back(made);
  }
  batch->transactions.push_back({.xid = 1, .commit_lsn = Lsn{commit_lsn}, .end_lsn = Lsn{commit_lsn + 1}, .change_count = batch->changes.size(), .ends_here = ends_here});
  return batch;
}

/// TupleData at `tuple`, whole.
inline std::string TupleAt(const std::byte* tuple) {
  TupleReader reader(tuple);
  std::string text;
  AppendBigEndian(text, static_cast<int16_t>(reader.columns()));
  for (size_t i = 0; i < reader.columns(); ++i) {
    const Value value = reader.Next();
    text.push_back(static_cast<char>(value.kind));
    if (value.kind == ValueKind::kNull || value.kind == ValueKind::kUnchanged) continue;
    AppendBigEndian(text, static_cast<int32_t>(value.bytes.size()));
    text += AsText(value.bytes);
  }
  return text;
}

}  // namespace sluice::mapping::testing

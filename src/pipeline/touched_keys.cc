#include "pipeline/touched_keys.h"

#include <algorithm>
#include <optional>

#include "base/failpoint.h"
#include "change/tuple.h"

namespace sluice {
namespace {

// An entry of the set besides its bytes, and a key as a row of which the other columns are null.
constexpr size_t kEntryBytes = 96, kColumnBytes = 4;
constexpr std::chrono::milliseconds kStreamWait{100};

std::vector<Value> ValuesOf(const std::byte* tuple) {
  TupleReader reader(tuple);
  std::vector<Value> values;
  values.reserve(reader.columns());
  for (size_t i = 0; i < reader.columns(); ++i) values.push_back(reader.Next());
  return values;
}

void Append(std::string& key, const Value& value) {
  key.push_back(static_cast<char>(value.kind));
  if (value.kind == ValueKind::kNull) return;
  AppendBigEndian<int32_t>(key, static_cast<int32_t>(value.bytes.size()));
  key.append(AsText(value.bytes));
}

/// `fallback`: where an unchanged value is found. nullopt: some value was not sent.
std::optional<std::string> KeyOf(const TableSchema& schema, const std::vector<Value>& values, const std::vector<Value>& fallback) {
  std::string key;
  AppendBigEndian<int16_t>(key, static_cast<int16_t>(schema.key.size()));
  for (const size_t column : schema.key) {
    const Value& value = values[column].kind == ValueKind::kUnchanged && !fallback.empty() ? fallback[column] : values[column];
    if (value.kind == ValueKind::kUnchanged) return std::nullopt;
    Append(key, value);
  }
  return key;
}

// The same rows are called by the same key.
bool SameKey(const TableSchema& a, const TableSchema& b) {
  if (a.oid != b.oid || a.key != b.key || a.columns.size() != b.columns.size()) return false;
  return std::all_of(a.key.begin(), a.key.end(), [&](size_t i) {
    return a.columns[i].name == b.columns[i].name && a.columns[i].type->oid == b.columns[i].type->oid;
  });
}

}  // namespace

TouchedKeys::TouchedKeys(const std::vector<InterruptedCopy>& copies, size_t bytes_max) : bytes_max_(bytes_max) {
  for (const InterruptedCopy& copy : copies) tables_[{copy.table->name, copy.since}].schema = copy.table;
}

void TouchedKeys::GiveUp(Watched& table, std::string why) {
  bytes_ -= table.bytes;
  table.bytes = 0;
  table.touched = {{}, std::move(why)};
}

void TouchedKeys::AddKey(Watched& table, std::string key) {
  const size_t bytes = 2 * key.size() + kEntryBytes + kColumnBytes * table.schema->columns.size();
  if (!table.touched.keys.insert(std::move(key)).second) return;
  table.bytes += bytes;
  bytes_ += bytes;
  if (bytes_ > bytes_max_) GiveUp(table, "too many of its rows changed meanwhile");
}

void TouchedKeys::AddChange(const ChangeBatch& batch, const Change& change, Lsn commit_lsn) {
  const TableName& name = batch.tables[change.table]->name;
  for (auto at = tables_.lower_bound({name, Lsn{}}); at != tables_.end() && at->first.first == name && at->first.second <= commit_lsn; ++at)
    if (at->second.touched.unknown.empty()) AddChange(batch, change, at->second);
}

void TouchedKeys::AddChange(const ChangeBatch& batch, const Change& change, Watched& table) {
  const TableSchema& schema = *batch.tables[change.table];
  if (change.operation == Operation::kTruncate) return GiveUp(table, "it was truncated meanwhile");
  if (!SameKey(schema, *table.schema)) return GiveUp(table, "its key was another one meanwhile");
  std::vector<Value> before;
  if (change.old_kind != OldTuple::kNone) {
    before = ValuesOf(batch.old_tuple(change));
    auto key = KeyOf(schema, before, {});
    if (!key) return GiveUp(table, "the stream does not tell a key");
    AddKey(table, std::move(*key));
  }
  if (change.operation == Operation::kDelete || !table.touched.unknown.empty()) return;
  auto key = KeyOf(schema, ValuesOf(batch.new_tuple(change)), before);
  if (!key) return GiveUp(table, "the stream does not tell a key");
  AddKey(table, std::move(*key));
}

void TouchedKeys::Add(const ChangeBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (taken_) return;
  for (const Transaction& transaction : batch.transactions)
    for (size_t i = 0; i < transaction.change_count; ++i) AddChange(batch, batch.changes[transaction.first_change + i], transaction.commit_lsn);
  if (!batch.ends_transaction()) return;
  reached_ = std::max(reached_, batch.end_lsn);
  changed_.notify_all();
}

Result<TouchedTables> TouchedKeys::TakeUpTo(Lsn lsn, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return reached_ >= lsn; })) return Error{ErrorKind::kCancelled, "copy stopped on request"};
  taken_ = true;
  TouchedTables touched;
  for (auto& [copy, table] : tables_) touched[copy] = std::move(table.touched);
  return touched;
}

Status ReadTouchedKeys(Source& source, Lsn from, Lsn up_to, TouchedKeys& touched, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const auto stream, source.OpenStream(from));
  SLUICE_FAILPOINT("pipeline.reading_touched_keys");
  RETURN_IF_ERROR(source.CurrentLsn());  // Has the log written up to there, so that it is streamed.
  for (Lsn reached; reached < up_to;) {
    if (stop.stop_requested()) return Error{ErrorKind::kCancelled, "copy stopped on request"};
    ASSIGN_OR_RETURN(const ChangeBatchPtr batch, stream->Next(kStreamWait));
    RETURN_IF_ERROR(stream->Acknowledge(Lsn{}));  // Only a sign of life.
    if (!batch) continue;
    touched.Add(*batch);
    if (batch->ends_transaction()) reached = std::max(reached, batch->end_lsn);
  }
  return Ok();
}

}  // namespace sluice

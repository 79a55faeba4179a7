#include "source/postgres/stream_recorder.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::testing {
namespace {

bool IsText(const Column& column) {
  return column.type && (column.type->kind == TypeKind::kEnum || column.type->name == "text" || column.type->name == "varchar");
}

std::string RenderTuple(const std::byte* tuple, const TableSchema& schema) {
  std::string text;
  TupleReader reader(tuple);
  for (size_t i = 0; i < reader.columns(); ++i) text += " " + Render(reader.Next(), schema.columns[i]);
  return text;
}

}  // namespace

std::string Render(const Value& value, const Column& column) {
  switch (value.kind) {
    case ValueKind::kNull: return "null";
    case ValueKind::kUnchanged: return "unchanged";
    case ValueKind::kText: return fmt::format("t:{}", AsText(value.bytes));
    case ValueKind::kBinary: break;
  }
  if (IsText(column)) return fmt::format("b:{}", AsText(value.bytes));
  std::string text = "b:";
  for (const std::byte byte : value.bytes) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

std::string Render(const ChangeBatch& batch, const Change& change) {
  const TableSchema& schema = *batch.tables[change.table];
  const std::string table = ToString(schema.name);
  std::string old;
  if (change.old_kind == OldTuple::kKey) old = " key" + RenderTuple(batch.old_tuple(change), schema);
  if (change.old_kind == OldTuple::kFull) old = " old" + RenderTuple(batch.old_tuple(change), schema);
  switch (change.operation) {
    case Operation::kInsert: return "insert " + table + RenderTuple(batch.new_tuple(change), schema);
    case Operation::kUpdate: return "update " + table + old + (old.empty() ? "" : " to") + RenderTuple(batch.new_tuple(change), schema);
    case Operation::kDelete: return "delete " + table + old;
    case Operation::kTruncate: return "truncate " + table;
  }
  return {};
}

void StreamRecorder::Add(const ChangeBatch& batch) {
  for (const Transaction& transaction : batch.transactions) {
    ++(transaction.ends_here ? transactions_ : parts_);
    change_count_ += transaction.change_count;
    for (size_t i = 0; keep_changes_ && i < transaction.change_count; ++i)
      changes_.push_back(Render(batch, batch.changes[transaction.first_change + i]));
  }
  end_lsn_ = std::max(end_lsn_, batch.end_lsn);
  source_time_ = std::max(source_time_, batch.source_time);
  largest_batch_bytes_ = std::max(largest_batch_bytes_, batch.size_bytes());
}

Status StreamRecorder::ReadUntil(ChangeStream& stream, Lsn end, std::chrono::seconds wait_max) {
  const auto deadline = std::chrono::steady_clock::now() + wait_max;
  while (end_lsn_ < end) {
    if (std::chrono::steady_clock::now() > deadline)
      return Error{ErrorKind::kUnavailable, fmt::format("the stream is at {} and did not reach {}", ToString(end_lsn_), ToString(end))};
    ASSIGN_OR_RETURN(const ChangeBatchPtr batch, stream.Next(std::chrono::milliseconds(100)));
    if (batch) Add(*batch);
  }
  return Ok();
}

}  // namespace sluice::testing

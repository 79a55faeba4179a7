#include "source/postgres/streamed_transaction.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

template <class T>
Bytes RawBytes(const std::vector<T>& items) {
  static_assert(std::is_trivially_copyable_v<T>);
  return std::as_bytes(std::span(items));
}

size_t Append(std::vector<std::byte>& arena, Bytes tuple) {
  const size_t at = arena.size();
  arena.insert(arena.end(), tuple.begin(), tuple.end());
  return at;
}

}  // namespace

void StreamedTransaction::AddRelation(uint32_t subxid, KnownRelationPtr relation) {
  relations_by_oid_[relation->facts.oid].push_back(static_cast<uint32_t>(relations_.size()));
  relations_.push_back({subxid, std::move(relation)});
}

std::optional<uint32_t> StreamedTransaction::FindRelation(Oid table) const {
  const auto found = relations_by_oid_.find(table);
  if (found == relations_by_oid_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

void StreamedTransaction::AddRow(uint32_t relation, const pgoutput::RowChange& row) {
  StreamChunk& chunk = Open();
  const size_t before = chunk.size_bytes();
  Change change{.operation = row.operation, .old_kind = row.old_kind, .table = relation, .old_offset = 0, .new_offset = 0};
  if (row.old_kind != OldTuple::kNone) change.old_offset = Append(chunk.bytes, row.old_tuple);
  if (row.operation != Operation::kDelete) change.new_offset = Append(chunk.bytes, row.new_tuple);
  chunk.changes.push_back(change);
  chunk.subxids.push_back(row.xid);
  Grew(before);
}

void StreamedTransaction::AddTruncate(uint32_t relation, uint32_t subxid) {
  StreamChunk& chunk = Open();
  const size_t before = chunk.size_bytes();
  chunk.changes.push_back({.operation = Operation::kTruncate, .old_kind = OldTuple::kNone, .table = relation, .old_offset = 0, .new_offset = 0});
  chunk.subxids.push_back(subxid);
  Grew(before);
}

void StreamedTransaction::Abort(uint32_t subxid) {
  aborted_.insert(subxid);
  for (auto& [oid, indexes] : relations_by_oid_)
    std::erase_if(indexes, [&](uint32_t index) { return relations_[index].subxid == subxid; });
}

Status StreamedTransaction::Spill(const std::string& folder) {
  if (!file_) {
    ASSIGN_OR_RETURN(file_, SpillFile::Create(folder));
  }
  for (Stored& stored : chunks_) {
    if (stored.on_disk) continue;
    ASSIGN_OR_RETURN(stored.offset, file_->Append(stored.chunk.bytes));
    ASSIGN_OR_RETURN(const uint64_t changes_at, file_->Append(RawBytes(stored.chunk.changes)));
    ASSIGN_OR_RETURN(const uint64_t subxids_at, file_->Append(RawBytes(stored.chunk.subxids)));
    SLUICE_CHECK(changes_at <= subxids_at);
    stored.bytes = stored.chunk.bytes.size();
    stored.changes = stored.chunk.changes.size();
    stored.on_disk = true;
    stored.chunk = StreamChunk{};
  }
  memory_bytes_ = 0;
  return Ok();
}

std::vector<KnownRelationPtr> StreamedTransaction::SurvivingRelations() const {
  std::vector<KnownRelationPtr> surviving;
  for (const Kept& kept : relations_)
    if (!aborted_.contains(kept.subxid)) surviving.push_back(kept.relation);
  return surviving;
}

Result<StreamChunk> StreamedTransaction::NextChunk() {
  SLUICE_CHECK(!chunks_.empty());
  Stored stored = std::move(chunks_.front());
  chunks_.pop_front();
  StreamChunk chunk = std::move(stored.chunk);
  if (stored.on_disk) {
    RETURN_IF_ERROR(Load(stored, chunk));
  } else {
    memory_bytes_ -= std::min(memory_bytes_, chunk.size_bytes());
  }
  if (aborted_.empty()) return chunk;
  size_t kept = 0;
  for (size_t i = 0; i < chunk.changes.size(); ++i) {
    if (aborted_.contains(chunk.subxids[i])) continue;
    chunk.changes[kept] = chunk.changes[i];
    chunk.subxids[kept++] = chunk.subxids[i];
  }
  chunk.changes.resize(kept);
  chunk.subxids.resize(kept);
  return chunk;
}

StreamChunk& StreamedTransaction::Open() {
  if (chunks_.empty() || chunks_.back().on_disk || chunks_.back().chunk.size_bytes() >= chunk_bytes_) chunks_.emplace_back();
  return chunks_.back().chunk;
}

void StreamedTransaction::Grew(size_t size_before) { memory_bytes_ += chunks_.back().chunk.size_bytes() - size_before; }

Status StreamedTransaction::Load(const Stored& stored, StreamChunk& chunk) {
  chunk.bytes.resize(stored.bytes);
  chunk.changes.resize(stored.changes);
  chunk.subxids.resize(stored.changes);
  RETURN_IF_ERROR(file_->ReadAt(stored.offset, chunk.bytes));
  const uint64_t changes_at = stored.offset + stored.bytes;
  RETURN_IF_ERROR(file_->ReadAt(changes_at, std::as_writable_bytes(std::span(chunk.changes))));
  RETURN_IF_ERROR(file_->ReadAt(changes_at + stored.changes * sizeof(Change), std::as_writable_bytes(std::span(chunk.subxids))));
  file_->ForgetBefore(stored.offset + stored.bytes);
  return Ok();
}

}  // namespace sluice

#include "source/postgres/batch_builder.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/check.h"

namespace sluice {

uint64_t BatchBuilder::NextSerial() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

void BatchBuilder::Begin(uint32_t xid, Lsn commit_lsn, Timestamp commit_time) {
  SLUICE_CHECK(!open_);
  SLUICE_CHECK(!sealed_);
  // The end is not known before the commit message. A part that leaves earlier says "just behind the commit record's
  // start", which lies before a bookmark exactly when the true end does, since bookmarks lie between records.
  open_ = Transaction{.xid = xid,
                      .commit_lsn = commit_lsn,
                      .end_lsn = Lsn{commit_lsn.value + 1},
                      .commit_time = commit_time,
                      .first_change = batch_.changes.size(),
                      .change_count = 0,
                      .ends_here = true};
  open_at_byte_ = batch_.bytes.size();
}

void BatchBuilder::AddRow(KnownRelation& relation, const pgoutput::RowChange& row) {
  Change change{.operation = row.operation, .old_kind = row.old_kind, .table = IndexOf(relation), .old_offset = 0, .new_offset = 0};
  if (row.old_kind != OldTuple::kNone) change.old_offset = Append(row.old_tuple);
  if (row.operation != Operation::kDelete) change.new_offset = Append(row.new_tuple);
  batch_.changes.push_back(change);
}

void BatchBuilder::AddTruncate(KnownRelation& relation) {
  batch_.changes.push_back({.operation = Operation::kTruncate, .old_kind = OldTuple::kNone, .table = IndexOf(relation), .old_offset = 0, .new_offset = 0});
}

void BatchBuilder::AddCopy(KnownRelation& relation, Change change, Bytes tuples, size_t tuples_offset) {
  const size_t moved_to = Append(tuples);
  change.table = IndexOf(relation);
  change.old_offset = change.old_offset - tuples_offset + moved_to;
  change.new_offset = change.new_offset - tuples_offset + moved_to;
  batch_.changes.push_back(change);
}

void BatchBuilder::Commit(Lsn end_lsn) {
  SLUICE_CHECK(open_.has_value());
  open_->end_lsn = end_lsn;
  open_->change_count = batch_.changes.size() - open_->first_change;
  // A cut transaction needs its end even if nothing came since the cut.
  if (open_->change_count > 0 || cut_) batch_.transactions.push_back(*open_);
  sealed_ = std::exchange(cut_, false);
  open_.reset();
}

ChangeBatch BatchBuilder::TakeComplete() {
  if (!open_) return Leave();
  ChangeBatch rest;
  const auto first_byte = batch_.bytes.begin() + static_cast<std::ptrdiff_t>(open_at_byte_);
  const auto first_change = batch_.changes.begin() + static_cast<std::ptrdiff_t>(open_->first_change);
  rest.bytes.assign(first_byte, batch_.bytes.end());
  rest.changes.assign(first_change, batch_.changes.end());
  batch_.bytes.erase(first_byte, batch_.bytes.end());
  batch_.changes.erase(first_change, batch_.changes.end());
  const std::vector<TableSchemaPtr> tables = batch_.tables;
  ChangeBatch complete = Leave();
  batch_ = std::move(rest);
  for (Change& change : batch_.changes) {
    change.old_offset -= change.old_kind == OldTuple::kNone ? 0 : open_at_byte_;
    const bool has_new = change.operation == Operation::kInsert || change.operation == Operation::kUpdate;
    change.new_offset -= has_new ? open_at_byte_ : 0;
    const auto [at, added] = table_indexes_.try_emplace(tables[change.table].get(), static_cast<uint32_t>(batch_.tables.size()));
    if (added) batch_.tables.push_back(tables[change.table]);
    change.table = at->second;
  }
  open_->first_change = 0;
  open_at_byte_ = 0;
  return complete;
}

ChangeBatch BatchBuilder::TakePart() {
  SLUICE_CHECK(open_.has_value());
  SLUICE_CHECK(batch_.transactions.empty());
  Transaction part = *open_;
  part.change_count = batch_.changes.size();
  part.ends_here = false;
  batch_.transactions.push_back(part);
  cut_ = true;
  open_at_byte_ = 0;
  return Leave();
}

ChangeBatch BatchBuilder::Leave() {
  last_size_bytes_ = batch_.bytes.size();
  serial_ = NextSerial();
  table_indexes_.clear();
  sealed_ = false;
  return std::exchange(batch_, ChangeBatch{});
}

uint32_t BatchBuilder::IndexOf(KnownRelation& relation) {
  if (relation.batch_serial == serial_) return relation.batch_index;
  const auto [at, added] = table_indexes_.try_emplace(relation.schema.get(), static_cast<uint32_t>(batch_.tables.size()));
  if (added) batch_.tables.push_back(relation.schema);
  relation.batch_serial = serial_;
  relation.batch_index = at->second;
  return at->second;
}

size_t BatchBuilder::Append(Bytes tuple) {
  std::vector<std::byte>& bytes = batch_.bytes;
  const size_t at = bytes.size();
  // The last batch tells how large this one may become, which saves most of the growing.
  if (bytes.capacity() == 0) bytes.reserve(std::max(last_size_bytes_ + last_size_bytes_ / 8, tuple.size()));
  bytes.insert(bytes.end(), tuple.begin(), tuple.end());
  return at;
}

}  // namespace sluice

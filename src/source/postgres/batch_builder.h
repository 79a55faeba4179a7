#pragma once
// The batch under construction: whole transactions, and perhaps the start of the next one.

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "change/change_batch.h"
#include "source/postgres/relation_facts.h"

namespace sluice {

class BatchBuilder {
 public:
  void Begin(uint32_t xid, Lsn commit_lsn, Timestamp commit_time);
  /// Copies the tuples into the arena. `relation`: resolved.
  void AddRow(KnownRelation& relation, const pgoutput::RowChange& row);
  void AddTruncate(KnownRelation& relation);
  /// Copies a change whose offsets point into `bytes`.
  void AddCopy(KnownRelation& relation, Change change, Bytes tuples, size_t tuples_offset);
  /// Ends the open transaction. One without changes leaves nothing behind.
  void Commit(Lsn end_lsn);

  bool open() const { return open_.has_value(); }
  Lsn open_commit_lsn() const { return open_->commit_lsn; }
  /// Some part of the open transaction has left already.
  bool cut() const { return cut_; }
  bool has_complete() const { return !batch_.transactions.empty(); }
  /// The last part of a cut transaction is there: nothing may be added before it leaves.
  bool sealed() const { return sealed_; }
  size_t complete_bytes() const { return SizeOf(open_bytes(), open_changes()); }
  size_t complete_changes() const { return open_changes(); }
  size_t open_part_bytes() const { return SizeOf(batch_.bytes.size() - open_bytes(), batch_.changes.size() - open_changes()); }

  /// The whole transactions; what is open stays.
  ChangeBatch TakeComplete();
  /// What there is of the open transaction, which goes on. Only without whole transactions before it.
  ChangeBatch TakePart();

 private:
  static size_t SizeOf(size_t bytes, size_t changes) { return bytes + changes * sizeof(Change); }
  size_t open_bytes() const { return open_ ? open_at_byte_ : batch_.bytes.size(); }
  size_t open_changes() const { return open_ ? open_->first_change : batch_.changes.size(); }
  uint32_t IndexOf(KnownRelation& relation);
  size_t Append(Bytes tuple);
  ChangeBatch Leave();

  ChangeBatch batch_;
  std::unordered_map<const TableSchema*, uint32_t> table_indexes_;
  uint64_t serial_ = NextSerial();        ///< Unique over all builders, so that a KnownRelation may move between them.
  std::optional<Transaction> open_;
  size_t open_at_byte_ = 0;
  bool cut_ = false;
  bool sealed_ = false;
  size_t last_size_bytes_ = 0;

  static uint64_t NextSerial();
};

}  // namespace sluice

#include "source/postgres/transaction_assembler.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/failpoint.h"
#include "observability/errors/source_codes.h"

namespace sluice {
namespace {

Error OutOfOrder(std::string message) { return Error{ErrorKind::kCorrupt, std::move(message), slu::kStreamCorrupt}; }

size_t ColumnsOf(Bytes tuple) { return static_cast<uint16_t>(LoadBigEndian<int16_t>(tuple.data())); }

bool HasColumns(const pgoutput::RowChange& row, size_t columns) {
  return (row.old_tuple.empty() || ColumnsOf(row.old_tuple) == columns) &&
         (row.new_tuple.empty() || ColumnsOf(row.new_tuple) == columns);
}

Error WrongColumns(const KnownRelation& relation) {
  return OutOfOrder(fmt::format("a row of {} does not have the columns that were announced", ToString(relation.facts.name)));
}

}  // namespace

Status TransactionAssembler::Add(Bytes message) {
  SLUICE_CHECK(!must_take());
  const Result<pgoutput::Message> decoded = pgoutput::Decode(message, block_ != nullptr);
  if (!decoded.ok()) return decoded.error();
  return std::visit([this](const auto& fields) { return On(fields); }, *decoded);
}

void TransactionAssembler::AdvanceTo(Lsn wal_end) {
  if (builder_.open() || block_ != nullptr || replay_.transaction != nullptr) return;
  end_lsn_ = std::max(end_lsn_, wal_end);
}

bool TransactionAssembler::must_take() const {
  if (builder_.sealed() || replay_.transaction != nullptr) return true;
  if (builder_.open() && builder_.open_part_bytes() >= limits_.part_bytes_max) return true;
  return builder_.complete_bytes() >= limits_.batch_bytes_target || builder_.complete_changes() >= limits_.batch_changes_target;
}

// ── transactions that come after their commit ──

Status TransactionAssembler::On(const pgoutput::Begin& begin) {
  if (builder_.open() || block_ != nullptr) return OutOfOrder(fmt::format("transaction {} begins inside of another", begin.xid));
  builder_.Begin(begin.xid, begin.commit_lsn, begin.commit_time);
  return Ok();
}

Status TransactionAssembler::On(const pgoutput::Commit& commit) {
  if (!builder_.open() || builder_.open_commit_lsn() != commit.commit_lsn || commit.end_lsn <= commit.commit_lsn)
    return OutOfOrder(fmt::format("the commit at {} ends no transaction that began", ToString(commit.commit_lsn)));
  builder_.Commit(commit.end_lsn);
  Completed(commit);
  return Ok();
}

void TransactionAssembler::Completed(const pgoutput::Commit& commit) {
  end_lsn_ = std::max(end_lsn_, commit.end_lsn);
  source_time_ = std::max({source_time_, commit.commit_time, std::exchange(heartbeat_in_transaction_, {})});
}

Status TransactionAssembler::On(const pgoutput::Relation& relation) {
  auto known = std::make_shared<KnownRelation>();
  known->facts = FactsOf(relation);
  if (block_ != nullptr) {
    block_->AddRelation(relation.xid, std::move(known));
    return Ok();
  }
  // Even equal facts are resolved again: a column that was dropped and added under its name differs only in the
  // catalog. The resolver returns the same pointer where nothing changed.
  last_relation_ = nullptr;
  relations_[relation.oid] = std::move(known);
  return Ok();
}

Status TransactionAssembler::On(const pgoutput::TypeName& type) {
  resolver_.NameType(type.oid, {std::string(type.name_space.empty() ? "pg_catalog" : type.name_space), std::string(type.name)});
  return Ok();
}

Result<KnownRelation*> TransactionAssembler::Find(Oid table) {
  if (last_relation_ != nullptr && last_relation_->facts.oid == table) return last_relation_;
  const auto found = relations_.find(table);
  if (found == relations_.end()) return OutOfOrder(fmt::format("a change of table {} before its description", table));
  RETURN_IF_ERROR(EnsureResolved(*found->second, resolver_));
  last_relation_ = found->second.get();
  return last_relation_;
}

Result<uint32_t> TransactionAssembler::FindInBlock(Oid table) {
  if (const auto index = block_->FindRelation(table)) return *index;
  // The server describes each table again in every streamed transaction; what holds outside is the fallback.
  const auto found = relations_.find(table);
  if (found == relations_.end()) return OutOfOrder(fmt::format("a streamed change of table {} before its description", table));
  block_->AddRelation(block_->xid(), found->second);
  return *block_->FindRelation(table);
}

Status TransactionAssembler::On(const pgoutput::RowChange& row) {
  if (block_ != nullptr) {
    ASSIGN_OR_RETURN(const uint32_t index, FindInBlock(row.relation));
    const KnownRelation& relation = block_->relation(index);
    if (!HasColumns(row, relation.facts.columns.size())) return WrongColumns(relation);
    const size_t before = block_->memory_bytes();
    block_->AddRow(index, row);
    streamed_memory_bytes_ += block_->memory_bytes() - before;
    return streamed_memory_bytes_ > limits_.spill_after_bytes ? KeepWithinBudget() : Ok();
  }
  if (!builder_.open()) return OutOfOrder("a change outside of any transaction");
  ASSIGN_OR_RETURN(KnownRelation* const relation, Find(row.relation));
  if (!HasColumns(row, relation->facts.columns.size())) return WrongColumns(*relation);
  builder_.AddRow(*relation, row);
  return Ok();
}

Status TransactionAssembler::On(const pgoutput::Truncate& truncate) {
  if (block_ == nullptr && !builder_.open()) return OutOfOrder("a truncate outside of any transaction");
  for (ByteReader oids(truncate.relations); !oids.at_end();) {
    const auto oid = oids.Read<Oid>();
    if (block_ != nullptr) {
      ASSIGN_OR_RETURN(const uint32_t index, FindInBlock(oid));
      const size_t before = block_->memory_bytes();
      block_->AddTruncate(index, truncate.xid);
      streamed_memory_bytes_ += block_->memory_bytes() - before;
    } else {
      ASSIGN_OR_RETURN(KnownRelation* const relation, Find(oid));
      builder_.AddTruncate(*relation);
    }
  }
  return streamed_memory_bytes_ > limits_.spill_after_bytes ? KeepWithinBudget() : Ok();
}

Status TransactionAssembler::On(const pgoutput::LogicalMessage& message) {
  if (message.transactional || message.prefix != kHeartbeatPrefix) return Ok();
  std::string_view text = AsText(message.content);
  if (!text.starts_with(heartbeat_token_)) return Ok();
  text.remove_prefix(heartbeat_token_.size());
  int64_t microseconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), microseconds);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return Ok();  // Somebody else's.
  const Timestamp sent{std::chrono::microseconds(microseconds)};
  if (builder_.open()) {
    heartbeat_in_transaction_ = std::max(heartbeat_in_transaction_, sent);
    return Ok();
  }
  // Everything that was visible when it was sent lies before it in the log, and so has been received.
  source_time_ = std::max(source_time_, sent);
  heartbeat_ = true;
  AdvanceTo(message.lsn);
  return Ok();
}

// ── transactions that are streamed while open ──

Status TransactionAssembler::On(const pgoutput::StreamStart& start) {
  if (builder_.open()) return OutOfOrder(fmt::format("a block of streamed transaction {} inside of another transaction", start.xid));
  const auto found = streamed_.find(start.xid);
  if ((found == streamed_.end()) != start.first)
    return OutOfOrder(fmt::format("streamed transaction {} {}", start.xid, start.first ? "starts twice" : "goes on without a start"));
  auto& transaction = streamed_[start.xid];
  if (start.first) transaction = std::make_unique<StreamedTransaction>(start.xid, limits_.part_bytes_max);
  block_ = transaction.get();
  return Ok();
}

Status TransactionAssembler::On(const pgoutput::StreamStop&) {
  block_ = nullptr;
  return Ok();
}

Status TransactionAssembler::On(const pgoutput::StreamAbort& abort) {
  if (block_ != nullptr) return OutOfOrder(fmt::format("transaction {} aborts inside of a stream block", abort.xid));
  const auto found = streamed_.find(abort.xid);
  if (found == streamed_.end()) {
    ++ignored_aborts_;  // PostgreSQL 18 also reports transactions of which it never sent anything.
    return Ok();
  }
  if (abort.subxid != abort.xid) {
    found->second->Abort(abort.subxid);
    return Ok();
  }
  streamed_memory_bytes_ -= found->second->memory_bytes();
  streamed_.erase(found);
  return Ok();
}

Status TransactionAssembler::On(const pgoutput::StreamCommit& stream_commit) {
  const pgoutput::Commit& commit = stream_commit.commit;
  const auto found = streamed_.find(stream_commit.xid);
  if (block_ != nullptr || builder_.open() || found == streamed_.end() || commit.end_lsn <= commit.commit_lsn)
    return OutOfOrder(fmt::format("the commit at {} ends no streamed transaction that began", ToString(commit.commit_lsn)));
  std::unique_ptr<StreamedTransaction> transaction = std::move(found->second);
  streamed_.erase(found);
  streamed_memory_bytes_ -= transaction->memory_bytes();
  // From here on the server takes them for known everywhere.
  last_relation_ = nullptr;
  for (KnownRelationPtr& relation : transaction->SurvivingRelations()) relations_[relation->facts.oid] = std::move(relation);
  const bool fits = !transaction->spilled() && builder_.complete_bytes() + transaction->memory_bytes() <= limits_.batch_bytes_target;
  if (fits) return AppendWhole(*transaction, commit);
  replay_ = Replay{std::move(transaction), commit, /*cut=*/false};
  return Ok();
}

Status TransactionAssembler::AppendWhole(StreamedTransaction& transaction, const pgoutput::Commit& commit) {
  builder_.Begin(transaction.xid(), commit.commit_lsn, commit.commit_time);
  while (transaction.has_chunks()) {
    ASSIGN_OR_RETURN(const StreamChunk chunk, transaction.NextChunk());
    const Bytes arena(chunk.bytes);
    for (const Change& change : chunk.changes) {
      KnownRelation& relation = transaction.relation(change.table);
      RETURN_IF_ERROR(EnsureResolved(relation, resolver_));
      if (change.operation == Operation::kTruncate) {
        builder_.AddTruncate(relation);
        continue;
      }
      const size_t columns = relation.facts.columns.size();
      const size_t begin = change.old_kind != OldTuple::kNone ? change.old_offset : change.new_offset;
      const size_t last = change.operation != Operation::kDelete ? change.new_offset : change.old_offset;
      builder_.AddCopy(relation, change, arena.subspan(begin, last - begin + MeasureTuple(arena.subspan(last), columns)), begin);
    }
  }
  builder_.Commit(commit.end_lsn);
  Completed(commit);
  return Ok();
}

Status TransactionAssembler::KeepWithinBudget() {
  while (streamed_memory_bytes_ > limits_.spill_after_bytes) {
    StreamedTransaction* largest = nullptr;
    for (const auto& [xid, transaction] : streamed_)
      if (largest == nullptr || transaction->memory_bytes() > largest->memory_bytes()) largest = transaction.get();
    SLUICE_CHECK(largest != nullptr);
    const size_t freed_bytes = largest->memory_bytes();
    SLUICE_CHECK(freed_bytes > 0);
    if (!largest->spilled()) ++spilled_transactions_;
    RETURN_IF_ERROR(largest->Spill(spill_folder_));
    streamed_memory_bytes_ -= freed_bytes;
  }
  return Ok();
}

// ── batches ──

Result<ChangeBatchPtr> TransactionAssembler::TakeBatch() {
  if (builder_.has_complete()) return Emit(builder_.TakeComplete(), end_lsn_);
  if (replay_.transaction != nullptr) return TakeReplayed();
  if (builder_.open()) {
    if (builder_.open_part_bytes() < limits_.part_bytes_max) return ChangeBatchPtr();
    return Emit(builder_.TakePart(), Lsn{});
  }
  if (!has_progress() && !heartbeat_) return ChangeBatchPtr();
  return Emit(ChangeBatch{}, end_lsn_);
}

ChangeBatchPtr TransactionAssembler::Emit(ChangeBatch batch, Lsn end_lsn) {
  batch.end_lsn = end_lsn;
  if (end_lsn.valid()) {
    batch.source_time = source_time_;
    taken_end_lsn_ = std::max(taken_end_lsn_, end_lsn);
    heartbeat_ = false;
  }
  return std::make_shared<const ChangeBatch>(std::move(batch));
}

Result<ChangeBatchPtr> TransactionAssembler::TakeReplayed() {
  StreamedTransaction& transaction = *replay_.transaction;
  ChangeBatch batch;
  while (batch.changes.empty() && transaction.has_chunks()) {
    ASSIGN_OR_RETURN(StreamChunk chunk, transaction.NextChunk());
    ASSIGN_OR_RETURN(batch, BatchOfChunk(transaction, std::move(chunk)));
  }
  const bool ends_here = !transaction.has_chunks();
  const pgoutput::Commit commit = replay_.commit;
  if (!batch.changes.empty() || (ends_here && replay_.cut))
    batch.transactions.push_back({.xid = transaction.xid(),
                                  .commit_lsn = commit.commit_lsn,
                                  .end_lsn = commit.end_lsn,
                                  .commit_time = commit.commit_time,
                                  .first_change = 0,
                                  .change_count = batch.changes.size(),
                                  .ends_here = ends_here});
  replay_.cut = true;
  if (!ends_here) return Emit(std::move(batch), Lsn{});
  replay_ = Replay{};
  Completed(commit);
  return Emit(std::move(batch), end_lsn_);
}

Result<ChangeBatch> TransactionAssembler::BatchOfChunk(StreamedTransaction& transaction, StreamChunk chunk) {
  // The arena moves, it is not copied: what aborted stays in it as a hole that no change points to.
  constexpr uint32_t kUnused = UINT32_MAX;
  ChangeBatch batch;
  std::unordered_map<uint32_t, uint32_t> indexes;
  uint32_t last_relation = kUnused;
  uint32_t last_index = 0;
  for (Change& change : chunk.changes) {
    if (change.table != last_relation) {
      last_relation = change.table;
      const auto [at, added] = indexes.try_emplace(change.table, static_cast<uint32_t>(batch.tables.size()));
      if (added) {
        KnownRelation& relation = transaction.relation(change.table);
        RETURN_IF_ERROR(EnsureResolved(relation, resolver_));
        batch.tables.push_back(relation.schema);
      }
      last_index = at->second;
    }
    change.table = last_index;
  }
  batch.bytes = std::move(chunk.bytes);
  batch.changes = std::move(chunk.changes);
  return batch;
}

}  // namespace sluice

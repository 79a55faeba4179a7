#pragma once
// pgoutput messages to batches of committed transactions. No clock, no network; files only for what spills.
//
// A transaction that the source sends after its commit goes straight into the batch under construction. One that it
// streams while open is kept apart until STREAM COMMIT, since parts of it or all of it may still abort.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "change/change_batch.h"
#include "source/postgres/batch_builder.h"
#include "source/postgres/pgoutput_messages.h"
#include "source/postgres/streamed_transaction.h"

namespace sluice {

struct AssemblerLimits {
  size_t batch_bytes_target = 4u << 20;   ///< A batch leaves at the first transaction end behind it.
  size_t batch_changes_target = 50'000;   ///< The same, for tiny rows.
  size_t part_bytes_max = 8u << 20;       ///< A larger transaction is cut, after the row that passed it.
  uint64_t spill_after_bytes = 64u << 20; ///< Open streamed transactions together; beyond it the largest goes to disk.
};

/// The prefix of our non-transactional logical messages; their content is the reader's token and the source's time in
/// decimal µs since 1970.
inline constexpr std::string_view kHeartbeatPrefix = "sluice";

class TransactionAssembler {
 public:
  /// `heartbeat_token`: other heartbeats are not believed, since whoever may use the database may send messages.
  TransactionAssembler(SchemaResolver& resolver, std::string spill_folder, const AssemblerLimits& limits, std::string heartbeat_token = "")
      : resolver_(resolver), spill_folder_(std::move(spill_folder)), limits_(limits), heartbeat_token_(std::move(heartbeat_token)) {}

  /// Takes one pgoutput message. Only while !must_take(). Error: kCorrupt (malformed, out of order, of an unknown
  /// table), kUnavailable (catalog, spill file); the assembler is of no use afterwards.
  Status Add(Bytes message);

  /// The log was read up to `wal_end` and every transaction that ends at or before it was sent.
  ///
  /// This may go forward while streamed transactions are open: none of them has committed before wal_end, so each
  /// will commit behind it. Acknowledging wal_end only moves the slot's confirmed_flush_lsn, by which the server
  /// decides which *commits* to send; what it needs to decode transactions that were open is kept by the slot's
  /// restart_lsn, which the server itself never moves past the start of the oldest of them. After a restart they
  /// come again from their first change.
  /// It does not go forward inside a transaction or stream block: the server's position then lies in the middle.
  void AdvanceTo(Lsn wal_end);

  /// A batch must leave before anything more can be added.
  bool must_take() const;
  /// Whole transactions are waiting.
  bool has_transactions() const { return builder_.has_complete() || replay_.transaction != nullptr; }
  /// Nothing but progress is waiting.
  bool has_progress() const { return !builder_.open() && end_lsn_ > taken_end_lsn_; }
  /// A heartbeat came since the last batch, and no transaction is in the way, with whose end it would leave.
  bool has_heartbeat() const { return heartbeat_ && !builder_.open(); }

  /// The next batch, with the transactions that are complete, or only progress; null: there is nothing. Resolves
  /// schemas. Error: as Add.
  Result<ChangeBatchPtr> TakeBatch();

  size_t streamed_memory_bytes() const { return streamed_memory_bytes_; }
  uint64_t spilled_transactions() const { return spilled_transactions_; }
  uint64_t ignored_aborts() const { return ignored_aborts_; }

 private:
  struct Replay {
    std::unique_ptr<StreamedTransaction> transaction;
    pgoutput::Commit commit{};
    bool cut = false;  ///< A part has left.
  };

  Status On(const pgoutput::Begin& begin);
  Status On(const pgoutput::Commit& commit);
  Status On(const pgoutput::Origin&) { return Ok(); }
  Status On(const pgoutput::Relation& relation);
  Status On(const pgoutput::TypeName& type);
  Status On(const pgoutput::RowChange& row);
  Status On(const pgoutput::Truncate& truncate);
  Status On(const pgoutput::LogicalMessage& message);
  Status On(const pgoutput::StreamStart& start);
  Status On(const pgoutput::StreamStop& stop);
  Status On(const pgoutput::StreamCommit& stream_commit);
  Status On(const pgoutput::StreamAbort& abort);

  Result<KnownRelation*> Find(Oid table);
  Result<uint32_t> FindInBlock(Oid table);
  Status AppendWhole(StreamedTransaction& transaction, const pgoutput::Commit& commit);
  Result<ChangeBatchPtr> TakeReplayed();
  Result<ChangeBatch> BatchOfChunk(StreamedTransaction& transaction, StreamChunk chunk);
  ChangeBatchPtr Emit(ChangeBatch batch, Lsn end_lsn);
  void Completed(const pgoutput::Commit& commit);
  Status KeepWithinBudget();

  SchemaResolver& resolver_;
  const std::string spill_folder_;
  const AssemblerLimits limits_;
  const std::string heartbeat_token_;

  BatchBuilder builder_;
  std::unordered_map<Oid, KnownRelationPtr> relations_;  ///< Bounded by the published tables.
  KnownRelation* last_relation_ = nullptr;

  std::map<uint32_t, std::unique_ptr<StreamedTransaction>> streamed_;  ///< By top-level xid.
  StreamedTransaction* block_ = nullptr;                               ///< Between STREAM START and STOP.
  size_t streamed_memory_bytes_ = 0;
  Replay replay_;

  Lsn end_lsn_;
  Lsn taken_end_lsn_;
  Timestamp source_time_{};
  Timestamp heartbeat_in_transaction_{};  ///< Came between BEGIN and COMMIT: counts once the transaction ended.
  bool heartbeat_ = false;
  uint64_t spilled_transactions_ = 0;
  uint64_t ignored_aborts_ = 0;
};

}  // namespace sluice

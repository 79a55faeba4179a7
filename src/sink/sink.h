#pragma once
// The contract of every destination.
//
// A sink first copies tables, then follows changes. Its bookmark (how far it has durably come) lies in the
// destination, inside the same commit as the data it speaks of, together with an epoch: opening a sink takes the
// next epoch, and a commit under an older one fails with kConflict, so of two processes one stops.
//
// After any error the sink is not usable any more: open a new one, read its bookmark and send again what lies
// behind it. What a sink has written without commit is gone then, and nobody saw it.

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "change/change_batch.h"
#include "change/copy_state.h"
#include "change/position.h"
#include "change/row_receiver.h"
#include "change/stored_rows.h"
#include "change/table_definition.h"
#include "sink/row_repair.h"

namespace sluice {

/// How far one destination is durable.
struct Bookmark {
  Position position;
  uint64_t epoch = 0;
  Timestamp source_time{};   ///< By the source's clock: everything committed up to then is visible here.
};

/// The moment of the source that an initial copy shows.
struct CopyPoint {
  Position position;        ///< The exported snapshot's.
  Timestamp source_time{};  ///< By the source's clock, not later than the exported snapshot.
};

/// Takes the rows of one range; one thread at a time, several writers in parallel.
class CopyWriter : public RowReceiver {
 public:
  /// Makes the range's rows ready to be part of FinishTables. Nothing is visible to readers as complete before. From
  /// here on, or from a later Finish on, the range is kept when the copy is interrupted.
  virtual Status Finish() = 0;
};

/// The content of one table, whatever the order of its rows.
struct TableDigest {
  uint64_t rows = 0;
  uint64_t sum_high = 0;  ///< Sum of the rows' 128-bit hashes, modulo 2^128.
  uint64_t sum_low = 0;

  bool operator==(const TableDigest&) const = default;
};

/// Digests source rows as a sink would hold them.
class DigestReceiver : public RowReceiver {
 public:
  virtual TableDigest digest() const = 0;
};

/// What a sink shows at one moment; stays so while the sink goes on. Its calls may come from any one thread.
class SinkView : public StoredRows {
 public:
  /// Which text of a row is the same here as at the source.
  virtual Result<RowForm> Form(const TableDefinition& table) = 0;
  /// Reads the whole table at the destination.
  virtual Result<TableDigest> Digest(const TableDefinition& table) = 0;
  /// What Digest must equal, once all rows of the source went into it.
  virtual Result<std::unique_ptr<DigestReceiver>> Expect(const TableDefinition& table) = 0;
};

enum class FollowExtent { kLoosen, kAll };

class Sink {
 public:
  virtual ~Sink() = default;

  /// The name in the configuration, e.g. "replica".
  virtual std::string_view name() const = 0;

  /// What Open found; nullopt in a destination that was never written to. Changes with every commit.
  virtual const std::optional<Bookmark>& bookmark() const = 0;

  /// The tables whose copy is complete; none of them is held.
  virtual const CopiedTables& copied_tables() const = 0;

  /// The tables that are not followed until they are copied again.
  virtual const HeldTables& held_tables() const = 0;

  // ── tables one by one: before the first Write ──

  /// Durably: the table's changes are skipped from here on. Also for a table that was never copied.
  virtual Status Hold(const TableName& table, const HeldTable& why) = 0;

  /// Durably: the table is as if it had never been copied or held, so that it is copied again. Its rows stay
  /// until that copy is complete.
  virtual Status Forget(const TableName& table) = 0;

  /// Durably: nothing is known any more of how far the destination has come, as before the first copy. Every table must
  /// have been forgotten before.
  virtual Status ForgetBookmark() = 0;

  /// Brings a copied table in place to the source's columns, keys and partitions, and keeps their fingerprint. With
  /// kLoosen, at any time, only what lets more rows in: labels, partitions, constraints that are gone. With kAll once
  /// everything that was written before `table` was read has been committed here.
  /// Error that names the table: that takes a new copy; nothing was changed.
  virtual Status Follow(const TableDefinition& table, FollowExtent extent) = 0;

  /// Another handle on the same destination under the same epoch, which copies tables on other threads while this
  /// one streams; its stream is not to be used. This handle learns of its tables only when it is opened anew.
  virtual Result<std::unique_ptr<Sink>> OpenBeside() = 0;

  // ── copy ──

  /// What Open found of copies that were interrupted, less what was forgotten since. Only KeepCopies and Forget change it.
  virtual const KeptCopies& kept_copies() const = 0;

  /// Durably forgets what is kept of all tables but these.
  virtual Status KeepCopies(const std::set<TableName>& tables) = 0;

  /// Makes room for a copy of rows as they were at `point`, removing what an interrupted copy of ours left behind but
  /// for what kept_copies() says: there the missing ranges are still to come. Rows of an earlier copy stay visible
  /// until FinishTables.
  /// Error: kNeedsOperator if a table exists that is not ours or has another shape.
  virtual Status PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) = 0;

  /// A writer for one range. Without `range` for rows that take the place of those that RemoveCopied removed; they are
  /// not kept. Thread-safe.
  virtual Result<std::unique_ptr<CopyWriter>> OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) = 0;

  /// Removes from the copy under way whatever stands under these keys, whichever range it came with. Once all ranges
  /// of the table are written. `keys`: rows as a CopyWriter takes them, of which only the key columns matter.
  /// Thread-safe against calls for other tables.
  virtual Status RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) = 0;

  /// Makes the copy of these tables complete and durable (indexes and constraints included) and ends their hold: all or
  /// none, unless the destination commits tables one by one. `copy_position`: the exported snapshot's LSN; becomes the sink's bookmark where there is none yet.
  /// Where there is one, the tables catch up from there.
  /// Thread-safe against OpenCopyWriter of other tables.
  virtual Status FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position,
                              Timestamp source_time) = 0;

  // ── stream: one thread ──

  /// Takes a batch; nothing of it is visible before Commit. Skips transactions that end at or before the
  /// bookmark, or for a table that catches up at or before where it stands; changes of a table in transactions
  /// before its copy LSN; and changes of tables that are not copied. An error that names a table is of that table
  /// alone: held, the others go on.
  virtual Status Write(ChangeBatchPtr batch) = 0;

  /// Makes everything written so far durable together with `position`, all or nothing. A destination that commits tables
  /// one by one may be left with some of them ahead of its bookmark, each whole; they skip what they have. Only at the end of a
  /// transaction. Also without changes: the bookmark then moves alone. A position behind the bookmark moves only
  /// the tables that catch up.
  /// Error: kConflict (another epoch or writer), kOutcomeUnknown (the reply was lost and looking did not tell).
  virtual Status Commit(const Position& position, Timestamp source_time) = 0;

  /// Makes what stands under the keys exactly the rows given. Right after Commit, with nothing written since; the next
  /// Commit makes it visible. Error: kNeedsOperator: refused, nothing was changed, and the sink goes on.
  virtual Status Repair(std::span<const RowRepair> repairs) = 0;

  /// What the sink shows now. Right after Commit, with nothing written since.
  virtual Result<std::unique_ptr<SinkView>> View() = 0;

  /// Bytes held in memory since the last commit; the pipeline commits early when they pass a limit.
  virtual size_t uncommitted_bytes() const = 0;

  /// Between two items of the stream, on its thread: what people asked of this destination, a step at a time. Nothing that
  /// was written since the last commit becomes visible by it. Only called where `attends()`.
  virtual Status Attend() { return Ok(); }
  virtual bool attends() const { return false; }

  /// After an error: gives back what an unfinished commit holds, such as locks that others of this process wait for.
  /// The last call.
  virtual void LetGo() {}
};

}  // namespace sluice

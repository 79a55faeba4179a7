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

/// Takes the rows of one range; one thread at a time, several writers in parallel.
class CopyWriter : public RowReceiver {
 public:
  /// Makes the range's rows ready to be part of FinishTables. Nothing is visible to readers as complete before.
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

class Sink {
 public:
  virtual ~Sink() = default;

  /// The name in the configuration, e.g. "replica".
  virtual std::string_view name() const = 0;

  /// What Open found; nullopt in a destination that was never written to. Changes with every commit.
  virtual const std::optional<Bookmark>& bookmark() const = 0;

  /// The tables whose initial copy is complete.
  virtual const CopiedTables& copied_tables() const = 0;

  // ── initial copy ──

  /// Makes empty tables for the copy, removing what an interrupted copy of ours left behind.
  /// Error: kNeedsOperator if a table exists that is not ours or has another shape.
  virtual Status PrepareTables(const std::vector<TableDefinition>& tables) = 0;

  /// A writer for one range. Thread-safe.
  virtual Result<std::unique_ptr<CopyWriter>> OpenCopyWriter(const TableDefinition& table) = 0;

  /// Makes the copy of these tables complete and durable (indexes and constraints included), all or none.
  /// `copy_position`: the exported snapshot's LSN; becomes the sink's bookmark where there is none yet.
  /// Thread-safe against OpenCopyWriter of other tables.
  virtual Status FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position,
                              Timestamp source_time) = 0;

  // ── stream: one thread ──

  /// Takes a batch; nothing of it is visible before Commit. Skips transactions that end at or before the
  /// bookmark, and changes of a table in transactions before its copy LSN.
  virtual Status Write(ChangeBatchPtr batch) = 0;

  /// Makes everything written so far durable together with `position`, all or nothing. Only at the end of a
  /// transaction. Also without changes: the bookmark then moves alone.
  /// Error: kConflict (another epoch or writer), kOutcomeUnknown (the reply was lost and looking did not tell).
  virtual Status Commit(const Position& position, Timestamp source_time) = 0;

  /// Makes what stands under the keys exactly the rows given. Right after Commit, with nothing written since; the next
  /// Commit makes it visible. Error: kNeedsOperator: refused, nothing was changed, and the sink goes on.
  virtual Status Repair(std::span<const RowRepair> repairs) = 0;

  /// What the sink shows now. Right after Commit, with nothing written since.
  virtual Result<std::unique_ptr<SinkView>> View() = 0;

  /// Bytes held in memory since the last commit; the pipeline commits early when they pass a limit.
  virtual size_t uncommitted_bytes() const = 0;
};

}  // namespace sluice

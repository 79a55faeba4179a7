#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/lsn.h"
#include "change/row_receiver.h"
#include "change/streamed_keys.h"
#include "change/stored_rows.h"
#include "change/table_definition.h"

namespace sluice {

/// A part of one leaf: heap blocks [first_block, end_block).
struct CopyRange {
  size_t table = 0;       ///< Index into the list of tables being copied.
  size_t leaf = 0;        ///< Index into TableDefinition::leaves.
  uint32_t first_block = 0;
  uint32_t end_block = 0; ///< UINT32_MAX: to the end, whatever was added since pages were counted.
  uint64_t size_bytes = 0;///< Estimate, TOAST included: for progress and for starting the largest first.
};

/// Reads the rows as of one exported snapshot. Open() one reader per thread.
class InitialCopy {
 public:
  class Reader {
   public:
    virtual ~Reader() = default;
    /// Reads one range and hands its rows over as they come. Error: kCopiedTableRewritten if the snapshot no longer
    /// shows the table's rows, before any of them; other ranges may be read all the same.
    virtual Status Read(const TableDefinition& table, const CopyRange& range, RowReceiver& receiver) = 0;

    /// Keeps a leaf's files as they are while the reader lives: who wants to empty or rewrite it waits. Reading alone
    /// does so for one range at a time. Error: as Read.
    virtual Status Hold(const TableDefinition& table, size_t leaf) = 0;

    /// As StoredRows, of one range. Error: as Read; after any error the reader is not usable any more.
    virtual Status Sum(const TableDefinition& table, const CopyRange& range, const RowForm& form, const Buckets& buckets,
                       std::stop_token stop, BucketSums& sums) = 0;
    virtual Status Fetch(const TableDefinition& table, const CopyRange& range, const RowForm& form, const Buckets& buckets,
                         size_t rows_max, std::stop_token stop, std::vector<FetchedRow>& rows) = 0;
    /// Appends per key the row of the whole table that has it. `keys`: the texts of the schema's key columns.
    virtual Status FetchKeys(const TableDefinition& table, const RowForm& form, const std::vector<std::vector<std::string>>& keys,
                             std::stop_token stop, std::vector<std::optional<FetchedRow>>& rows) = 0;

    /// Hands over a row per key, of which only the key columns are set: what a stream told in the form of a copy.
    virtual Status ReadKeys(const TableDefinition& table, const StreamedKeys& keys, std::stop_token stop, RowReceiver& receiver) = 0;
    /// Hands over the rows of the whole table that have these keys, each once. Error: as Read.
    virtual Status ReadRowsOf(const TableDefinition& table, const StreamedKeys& keys, std::stop_token stop, RowReceiver& receiver) = 0;
  };

  virtual ~InitialCopy() = default;
  /// Commits before it are in the snapshot, commits at or after it are not: the tables' copy LSN.
  virtual Lsn snapshot_lsn() const = 0;
  /// Makes ranges of about `range_bytes_target`, largest tables first.
  virtual std::vector<CopyRange> Plan(const std::vector<TableDefinition>& tables, uint64_t range_bytes_target) const = 0;
  /// A connection that reads under the exported snapshot, and has proved that it does. Thread-safe.
  virtual Result<std::unique_ptr<Reader>> Open() = 0;
  /// Sets the tables' sequences to their values of now: no snapshot holds them, and rows that are copied or streamed
  /// later may have taken more since the definitions were read. Thread-safe.
  virtual Status ReadSequenceValues(std::vector<TableDefinition>& tables) = 0;
};

}  // namespace sluice

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "change/lsn.h"
#include "change/table_schema.h"
#include "change/tuple.h"

namespace sluice {

enum class Operation : uint8_t { kInsert, kUpdate, kDelete, kTruncate };

/// What the old side of an update or delete holds.
enum class OldTuple : uint8_t {
  kNone,  ///< The key did not change: identify the row by the new tuple's key columns.
  kKey,   ///< Only the key columns are meaningful ('K'); the others are null.
  kFull,  ///< The whole old row ('O').
};

/// One insert, update, delete or truncate of one table: offsets into its batch's bytes.
struct Change {
  Operation operation = Operation::kInsert;
  OldTuple old_kind = OldTuple::kNone;
  uint32_t table = 0;         ///< Index into ChangeBatch::tables.
  size_t old_offset = 0;      ///< Where TupleData of the old side starts; only with old_kind != kNone.
  size_t new_offset = 0;      ///< Where TupleData of the new side starts; inserts and updates only.
};

/// A whole source transaction, or one part of a very large one.
struct Transaction {
  uint32_t xid = 0;
  Lsn commit_lsn;             ///< Start of the commit record: compare with a table's copy LSN.
  Lsn end_lsn;                ///< End of the commit record: what bookmarks and acknowledgements hold.
  Timestamp commit_time{};    ///< By the source's clock.
  size_t first_change = 0;    ///< Index into ChangeBatch::changes.
  size_t change_count = 0;
  bool ends_here = true;      ///< False: the next batch goes on with the same transaction.
};

/// Committed transactions in commit order, in one arena. Shared by all sinks, so immutable once it left the
/// source. A transaction larger than a batch is cut: all of its parts but the last say ends_here = false, each
/// is alone in its batch, and nothing may be made visible before the last. A batch without transactions only
/// tells progress.
struct ChangeBatch {
  std::vector<std::byte> bytes;
  std::vector<Change> changes;
  std::vector<Transaction> transactions;
  std::vector<TableSchemaPtr> tables;

  /// Everything that ends at or before this was in this batch or an earlier one; unset (0) while a
  /// transaction goes on.
  Lsn end_lsn;
  /// By the source's clock: everything committed up to then is at or before end_lsn. Zero: not known.
  Timestamp source_time{};

  bool ends_transaction() const { return transactions.empty() || transactions.back().ends_here; }
  const std::byte* old_tuple(const Change& change) const { return bytes.data() + change.old_offset; }
  const std::byte* new_tuple(const Change& change) const { return bytes.data() + change.new_offset; }
  size_t size_bytes() const {
    return bytes.size() + changes.size() * sizeof(Change) + transactions.size() * sizeof(Transaction);
  }
};
using ChangeBatchPtr = std::shared_ptr<const ChangeBatch>;

}  // namespace sluice

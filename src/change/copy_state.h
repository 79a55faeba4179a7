#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "change/position.h"
#include "change/table_schema.h"

namespace sluice {

/// A table whose copy is complete in one sink. Its rows are those of the exported snapshot taken at
/// `copy_lsn`: transactions with commit_lsn < copy_lsn are in it, all others must come by the stream.
struct CopiedTable {
  Oid oid = 0;  ///< Of the source table: another OID under the same name is another table.
  Lsn copy_lsn;
  /// Where a table goes on that was copied beside the stream, until a commit has brought it to the sink's bookmark; or one that
  /// a commit has left ahead of the bookmark, until that has passed it. Everything that ends at or before it is in the table.
  /// Unset: the bookmark speaks for the table too.
  std::optional<Lsn> catching_up_from = {};
  std::string fingerprint = {};  ///< Of the source's table when this one was last brought to it; see table_fingerprint.h.

  bool operator==(const CopiedTable&) const = default;
};

/// By source name. A table that is missing here needs a copy before it may take changes.
using CopiedTables = std::map<TableName, CopiedTable>;

/// A table that one sink does not follow, and why: the others go on. Its rows stay as they are until it is copied
/// again.
struct HeldTable {
  Oid oid = 0;         ///< Of the source table that was held; 0: whichever has the name.
  int code = 0;        ///< SLU number.
  std::string reason;  ///< One line, no row values.
  Lsn lsn;             ///< The sink's bookmark when it was held: the rows are of then at the latest.

  bool operator==(const HeldTable&) const = default;
};
using HeldTables = std::map<TableName, HeldTable>;

/// Heap blocks [first_block, end_block) of one source table that holds rows; UINT32_MAX: to its end.
struct BlockRange {
  Oid leaf = 0;
  uint32_t first_block = 0;
  uint32_t end_block = UINT32_MAX;

  auto operator<=>(const BlockRange&) const = default;
};

/// What a destination has durably of a copy that was interrupted. Nobody sees it yet.
struct KeptCopy {
  LogIdentity log;
  Oid oid = 0;                     ///< Of the source table, as CopiedTable::oid.
  std::string fingerprint = {};    ///< CopyFingerprint of the source's table when the copy was prepared.
  Lsn lsn;                         ///< The oldest of the snapshots that the ranges were read under.
  std::vector<BlockRange> ranges;  ///< They don't overlap. Whatever was added to them since is there too.
};

/// By source name.
using KeptCopies = std::map<TableName, KeptCopy>;

/// Everything at or before it is in all tables of a sink: where the stream must go on for it.
inline Lsn ResumeLsn(Lsn bookmark, const CopiedTables& copied) {
  for (const auto& [name, table] : copied)
    if (table.catching_up_from) bookmark = std::min(bookmark, *table.catching_up_from);
  return bookmark;
}

/// Whether a table must take the changes of a transaction. `bookmark`: of its sink; unset where there is none.
inline bool TakesTransaction(const CopiedTable& table, Lsn commit_lsn, Lsn end_lsn, Lsn bookmark) {
  return commit_lsn >= table.copy_lsn && end_lsn > table.catching_up_from.value_or(bookmark);
}

}  // namespace sluice

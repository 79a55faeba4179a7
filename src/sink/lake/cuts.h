#pragma once
// Cuts: moments of the source at which all tables of the lake can be read together. Every snapshot says how far its commit had
// brought its table, and the tables of one commit say the same, so that a cut is found in the snapshots alone. A table that a commit
// brought ahead of the bookmark has the snapshot before it. Pure.

#include <optional>
#include <string>
#include <vector>

#include "change/copy_state.h"
#include "iceberg/table_metadata.h"
#include "sink/lake/lake_properties.h"
#include "sink/sink.h"

namespace sluice {

/// One table as the catalog has it, and whether it is held.
struct CutTable {
  TableName name;
  iceberg::TableMetadataPtr metadata;
  std::optional<HeldTable> held;
};

/// A point on the way of main, from the newest to the oldest. A snapshot of another writer shows what its parent shows.
struct MarkedSnapshot {
  const iceberg::Snapshot* snapshot = nullptr;
  std::optional<SnapshotMark> mark;  ///< Absent: no snapshot that is left on the way to it says.
};

/// main's snapshots that are left, newest first. Ends where a parent is missing, or comes again.
std::vector<MarkedSnapshot> MainHistory(const iceberg::TableMetadata& metadata);

struct CutWish {
  std::optional<Lsn> lsn;            ///< At or before it.
  std::optional<Timestamp> time;     ///< The same, by the source's clock.
};

enum class CutState {
  kSnapshot,     ///< snapshot_id shows it.
  kEmpty,        ///< The table had no rows, and no snapshot yet.
  kExpired,      ///< It was there, but its snapshots of that time are gone, or there never was one.
  kNotYetThere,  ///< It was copied later, at `lsn`.
  kBehind,       ///< It has not come so far: held, catching up or being copied; it is at `lsn` at the latest.
  kForeign,      ///< Not a table of ours: no part of the cut.
};

struct TableAtCut {
  TableName name;
  CutState state = CutState::kForeign;
  std::optional<int64_t> snapshot_id;
  Lsn lsn;             ///< Of the snapshot's commit, or as its state says.
  std::string reason;  ///< Where the table is missing: one sentence.

  bool is_missing() const { return state == CutState::kExpired || state == CutState::kNotYetThere || state == CutState::kBehind; }
};

struct Cut {
  Lsn lsn;
  std::optional<Timestamp> source_time;  ///< Everything committed at the source up to then is in it.
  std::vector<TableAtCut> tables;        ///< In the order given.
};

/// The newest cut that the wish allows. `bookmark`: the lake's, loaded before the tables: what is not dirty is good up to there.
/// nullopt: nothing in the lake is that old, or nothing was ever committed.
std::optional<Cut> FindCut(const std::vector<CutTable>& tables, const std::optional<Bookmark>& bookmark, const CutWish& wish);

/// One table as of a moment that FindCut found, or that a bookmark named.
TableAtCut AtCut(const CutTable& table, Lsn lsn);

}  // namespace sluice

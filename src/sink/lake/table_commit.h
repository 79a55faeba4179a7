#pragma once
// One catalog commit of several tables together with the bookmark.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "iceberg/manifest_cache.h"
#include "iceberg/snapshot_producer.h"
#include "sink/lake/garbage.h"
#include "sink/lake/lake_table.h"
#include "sink/sink.h"

namespace sluice {

/// A tag that a commit makes or removes. One that the table has already is moved.
struct TagChange {
  std::string name;
  std::optional<int64_t> snapshot_id = std::nullopt;  ///< Unset: the one that is current after the commit.
  bool remove = false;
};

struct TableToCommit {
  LakeTable* table = nullptr;
  iceberg::TableChange change = {};
  iceberg::Properties properties = {};  ///< Besides those of TableProperties.
  std::vector<std::string> removed_properties = {};
  std::vector<iceberg::TableUpdate> first = {};  ///< Of schema and partitions: what the change is written by.
  std::vector<TagChange> tags = {};              ///< After the change.
  std::optional<int64_t> snapshot_id = std::nullopt;  ///< Of the snapshot that the change makes; unset: any that is free.
  std::optional<Lsn> since = std::nullopt;  ///< Where the changes begin, if that is not where the commit before this one ended.
  bool moves_snapshot = false;  ///< Also where no file changes: the mark and what else changes is safe from late commits only so (decision 0025).

  bool changes_files() const {
    return !change.added_files.empty() || !change.removed_data_files.empty() || !change.removed_delete_files.empty() || !change.removed_vectors.empty() ||
           change.remove_everything;
  }
  bool makes_snapshot() const { return changes_files() || moves_snapshot; }
  bool changes_only_tags() const { return !tags.empty() && !makes_snapshot() && properties.empty() && removed_properties.empty(); }
};

struct LakeCommit {
  std::vector<TableToCommit> tables;
  Bookmark bookmark;           ///< Its epoch is the one that the lake must still have.
  std::optional<Bookmark> reached = {};  ///< By these tables, where they are behind the bookmark.
  bool move_bookmark = true;   ///< False: only the tables change.
  std::vector<std::string> removed_from_namespace = {};  ///< Properties beside the bookmark.
  int64_t timestamp_ms = 0;
};

/// A table's part, added where it has none yet. Valid until another is added.
TableToCommit& PartOf(LakeCommit& commit, LakeTable& table);

/// The snapshot that is current once it is committed, which is settled by that; nullopt: none.
std::optional<int64_t> SettleSnapshotId(TableToCommit& table);

/// A change of the bookmark's namespace under this epoch.
NamespaceUpdate ExpectEpoch(uint64_t epoch);

/// Writes manifests and manifest lists, then swaps all tables and the bookmark at once (or in turn, as CommitInTurn
/// says), and puts the new state into the tables. Error: kConflict (another epoch or writer), kOutcomeUnknown,
/// kUnavailable; nothing was changed but for kOutcomeUnknown.
Status CommitTables(Catalog& catalog, ObjectStore& store, iceberg::ManifestCache& cache, const LakeConfig& config,
                    LakeCommit commit, Garbage& garbage);

/// Swaps what `updates` say in one table, with the epoch checked. They change none of its files.
Status CommitUpdates(Catalog& catalog, ObjectStore& store, iceberg::ManifestCache& cache, uint64_t epoch, int64_t timestamp_ms, LakeTable& table,
                     std::vector<iceberg::TableUpdate> updates);

}  // namespace sluice

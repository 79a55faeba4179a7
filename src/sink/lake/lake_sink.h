#pragma once
// A destination that is an Iceberg lake: for each source table one Iceberg table that is its current state.
//
// A commit appends the new row versions and marks the superseded ones deleted by position, in all tables at once. The
// bookmark lies in the properties of the catalog's namespace "sluice", set in the same catalog transaction. Where the catalog takes one
// table at a time, the bookmark comes last: a table that was committed before a crash is ahead of it, says so, and skips what it has.
//
// Where it is asked for, a second table beside a table gets every version, in the same commits (decision 0026).

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "iceberg/manifest_cache.h"
#include "sink/lake/cut_table.h"
#include "sink/lake/garbage.h"
#include "sink/lake/kept_parts.h"
#include "sink/lake/lake_maintenance.h"
#include "sink/lake/lake_orders.h"
#include "sink/lake/lake_table.h"
#include "sink/lake/lake_tags.h"
#include "sink/lake/lake_work.h"
#include "sink/lake/table_commit.h"
#include "sink/sink.h"
#include "storage/object_store.h"

namespace sluice {

/// Per table and column: how often a value could not be held as it was.
using LakePolicyCounts = std::map<TableName, std::map<std::string, PolicyCounts>>;

class LakeSink final : public Sink {
 public:
  /// Makes the warehouse and catalog if they are missing, and takes the next epoch. `orders`: whom it attends; must outlive it.
  /// Error: kNeedsOperator, kUnavailable, kConflict (another process took the epoch at the same time), kCorrupt.
  static Result<std::unique_ptr<Sink>> Open(const LakeConfig& config, const LogIdentity& log, LakeOrders* orders = nullptr);

  /// With a catalog, store and clock of one's own. `catalog` must work on this `store`: what is put later there is durable once it commits.
  static Result<std::unique_ptr<LakeSink>> OpenWith(const LakeConfig& config, const LogIdentity& log,
                                                    std::unique_ptr<ObjectStore> store, std::unique_ptr<Catalog> catalog,
                                                    std::unique_ptr<Clock> clock, LakeOrders* orders = nullptr);
  ~LakeSink() override;

  std::string_view name() const override { return config_.name; }
  const std::optional<Bookmark>& bookmark() const override { return bookmark_; }
  const CopiedTables& copied_tables() const override { return copied_; }
  const HeldTables& held_tables() const override { return held_; }
  const KeptCopies& kept_copies() const override { return kept_; }
  Status KeepCopies(const std::set<TableName>& tables) override;

  Status Hold(const TableName& table, const HeldTable& why) override;
  Status Forget(const TableName& table) override;
  Status ForgetBookmark() override;
  Status Follow(const TableDefinition& table, FollowExtent extent) override;
  Result<std::unique_ptr<Sink>> OpenBeside() override;

  Status PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) override;
  Result<std::unique_ptr<CopyWriter>> OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) override;
  Status RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) override;
  Status FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position, Timestamp source_time) override;

  Status Write(ChangeBatchPtr batch) override;
  Status Commit(const Position& position, Timestamp source_time) override;
  Status Repair(std::span<const RowRepair> repairs) override;
  Result<std::unique_ptr<SinkView>> View() override;
  Status Attend() override;
  bool attends() const override { return orders_ != nullptr; }
  size_t uncommitted_bytes() const override;

  /// Waits until the lake's maintenance has something that the next commit puts in place, or nothing to do: for tests.
  void WaitForMaintenance() { maintenance_->WaitUntilIdle(); }

  /// Since the sink was opened. Thread-safe.
  LakePolicyCounts policy_counts() const;

 private:
  static constexpr size_t kEncodeThreads = 2;

  LakeSink(LakeConfig config, LogIdentity log, std::shared_ptr<ObjectStore> store, std::shared_ptr<Catalog> catalog,
           std::shared_ptr<Clock> clock, std::shared_ptr<KeyIndexSpace> index_space, LakeOrders* orders = nullptr);
  Status TakeEpoch();
  Status LoadTables();
  Status FenceOff(const TableIdentifier& id, const CatalogTable& table);
  void ForgetWhatIsOver(const TableName& name, const CopiedTable& copied, NamespaceUpdate& over);
  Status PrepareTable(const TableDefinition& table, const CopyPoint& point, NamespaceUpdate& begin);
  Status CheckNames(const TableSchema& table);
  Status PrepareFresh(LakeTable& table, const TableDefinition& definition, CopyLayout& layout);
  Status PrepareRefill(LakeTable& table, const TableDefinition& definition, CopyLayout& layout);
  CopyTarget& CopyTargetOf(const TableName& name);
  Status KeepPart(const TableName& name, const CopyLayout& layout, Lsn lsn, const std::vector<BlockRange>& ranges,
                  const std::vector<iceberg::DataFile>& files);
  Status FinishCopies(const std::vector<TableDefinition>& tables, const Position& copy_position, Timestamp source_time);
  Status RemoveLeftover(LakeTable& table);
  Status RemoveLeftoverFiles(const LakeTable& table);
  Result<LakeTable*> TableFor(const TableSchemaPtr& schema);
  Status OpenWriter(LakeTable& table, const TableSchemaPtr& schema);
  Status FollowLayout(LakeTable& table);
  void DropOut(const TableName& name);
  Status CommitStream(const Position& position, Timestamp source_time);
  Status AttachChanges(std::map<TableIdentifier, CatalogTable> found);
  void LinkChanges(LakeTable& table, CatalogTable found);
  Status StartChanges(LakeTable& table);
  Status TryStartChanges(LakeTable& table);
  Status StartMissingChanges();
  Status StopChanges(const TableIdentifier& id, CatalogTable changes);
  Result<CatalogTable> CreateChanges(const TableIdentifier& id, const LakeTable& table);
  Result<ChangesSchema> FollowChanges(LakeTable& table);
  Status CopyIntoChanges(LakeTable& table);
  Result<std::unique_ptr<ChangesWriter>> MakeChangesWriter(LakeTable& table, Lsn done);
  Status OpenChangesWriter(LakeTable& table);
  Status RemoveOldVersions(LakeTable& changes, LakeCommit& commit);
  Status AddChanges(LakeCommit& commit);
  enum class ColumnsOf { kFirstRows, kRows, kCatalog };
  Status FollowSchema(LakeTable& table, const TableSchemaPtr& schema, ColumnsOf what);
  Status WriteTransaction(const ChangeBatch& batch, const Transaction& transaction);
  bool Wants(const Transaction& transaction, const TableSchema& table) const;
  Status FreeMemory();
  void OfferForMaintenance(const LakeTable& table);
  Status PutCompactionsInPlace();
  Result<bool> PutInPlace(const Compaction& compaction);

  using Tables = std::map<TableName, LakeTable>;
  Status OpenCutTable();
  Result<TaggedMoments> KnownMoments();
  Result<Tables> LoadHeldTables() const;
  std::set<std::string> KnownTags(const Tables& held) const;
  Status AddDueTags(LakeCommit& commit, Tables& held);
  Status ChangeTags(const TagPlan& plan, LakeCommit& commit, Tables& held);
  Result<std::vector<CutRow>> RowsOfOtherTables(const TaggedMoments& moments, const Tables& held) const;

  Status BeginWork();
  Status WorkOn();
  Result<std::vector<TableName>> TablesToWorkOn();
  Status Tag();
  Status DeleteTag();
  Status Expire(const TableName& name);
  Status AskMaintenance(const TableName& name);
  Status AwaitMaintenance();
  Status RollBack();
  void FinishWork();
  /// Whether tables and bookmark are committed one by one.
  bool commits_in_turn() const { return !catalog_->commits_many_tables(); }
  Status CommitUpdates(LakeTable& table, std::vector<iceberg::TableUpdate> updates);
  int64_t NowMs() const { return clock_->Now().time_since_epoch().count() / 1000; }
  /// One that leaves the bookmark where it is.
  LakeCommit CommitBeside() const;
  void Count(const LakeTable& table, const LakeSchema& schema, const std::vector<PolicyCounts>& counts);

  const LakeConfig config_;
  const LogIdentity log_;
  const std::shared_ptr<ObjectStore> store_;  // These four are shared with handles beside.
  const std::shared_ptr<Catalog> catalog_;
  const std::shared_ptr<Clock> clock_;
  const std::shared_ptr<KeyIndexSpace> index_space_;
  iceberg::ManifestCache cache_;
  Garbage garbage_;
  LakeContext context_;

  mutable std::mutex mutex_;  // Guards tables_ (the map), copied_, bookmark_, kept_parts_ and commits.
  std::map<TableName, LakeTable> tables_;
  CopiedTables copied_;
  HeldTables held_;
  KeptCopies kept_;
  LakeKeptCopies kept_parts_;  // With what was kept since.
  std::optional<Bookmark> bookmark_;

  // The stream's thread only.
  std::map<const TableSchema*, std::pair<TableSchemaPtr, LakeTable*>> by_schema_;
  std::optional<Timestamp> ingested_at_;  ///< Of all rows since the last commit.
  std::vector<TableName> changes_to_start_;  ///< Tables whose changes are to be kept from some commit on.
  std::set<TableName> skipped_;           ///< Tables whose changes are not taken; logged once.
  LakeOrders* const orders_;              ///< Null: attends nobody.
  std::unique_ptr<LakeWork> work_;        ///< What it is at; null: nothing.
  LakeTable cuts_;                        ///< The table of cuts; without metadata until a tag needs it.

  mutable std::mutex counts_mutex_;  // Guards counts_.
  LakePolicyCounts counts_;

  std::unique_ptr<LakeMaintenance> maintenance_;  // Null in handles beside. Uses the above, so it goes first.
};

}  // namespace sluice

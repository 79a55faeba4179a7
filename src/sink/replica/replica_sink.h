#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "sink/replica/apply.h"
#include "sink/replica/destination_types.h"
#include "sink/replica/follow_columns.h"
#include "sink/replica/net_effect.h"
#include "sink/replica/replica_copy_writer.h"
#include "sink/replica/session.h"
#include "sink/replica/table_analyzer.h"
#include "sink/sink.h"

namespace sluice {

/// A second PostgreSQL. Its bookmark is a row in its namespace `sluice`.
class ReplicaSink final : public Sink {
 public:
  /// Error: kUnavailable; kNeedsOperator (standby, no privilege, bookmark of another source, the source itself).
  static Result<std::unique_ptr<Sink>> Open(const ReplicaConfig& config, const LogIdentity& source_log);

  std::string_view name() const override { return config_.name; }
  const std::optional<Bookmark>& bookmark() const override { return bookmark_; }
  const CopiedTables& copied_tables() const override { return copied_tables_; }
  const HeldTables& held_tables() const override { return held_tables_; }
  const KeptCopies& kept_copies() const override { return kept_copies_; }
  Status KeepCopies(const std::set<TableName>& tables) override;

  Status Hold(const TableName& table, const HeldTable& why) override;
  Status Forget(const TableName& table) override;
  Status ForgetBookmark() override;
  Status Follow(const TableDefinition& table, FollowExtent extent) override;
  Result<std::unique_ptr<Sink>> OpenBeside() override;

  Status PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) override;
  Result<std::unique_ptr<CopyWriter>> OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) override;
  Status RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) override;
  Status FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position,
                      Timestamp source_time) override;

  Status Write(ChangeBatchPtr batch) override;
  Status Commit(const Position& position, Timestamp source_time) override;
  Status Repair(std::span<const RowRepair> repairs) override;
  Result<std::unique_ptr<SinkView>> View() override;
  size_t uncommitted_bytes() const override { return staged_bytes_; }
  void LetGo() override;

 private:
  /// One table's changes since the last application.
  struct TableState {
    std::unique_ptr<DestinationTable> destination;
    std::unique_ptr<DestinationTable> text_destination;   ///< For a stream in text; made when one comes.
    TableSchemaPtr schema;
    const CopiedTable* copied = nullptr;
    std::unique_ptr<NetEffect> net;      ///< Tables with a key.
    std::vector<RowChange> changes;
    size_t others = 0;                   ///< Changes that are no inserts.
    bool truncated = false;
    bool listed = false;                 ///< In active_.
  };

  ReplicaSink(const ReplicaConfig& config, ReplicaSession session);

  Result<ReplicaSession> TakeSession();
  Result<std::shared_ptr<const DestinationTable>> CopyTarget(const TableDefinition& table);
  Result<std::unique_ptr<CopyWriter>> OpenWriter(const TableDefinition& table, ReplicaCopyWriter::Purpose purpose, const std::optional<BlockRange>& range);

  /// nullptr: the table is not copied, so its changes are none of ours.
  Result<TableState*> StateOf(const TableSchemaPtr& schema);
  Result<TableState*> LoadState(const TableSchemaPtr& schema);
  Status FollowStreamedColumns(const TableSchema& schema);
  bool Wants(const Transaction& transaction, const CopiedTable& table) const;
  Status InTransaction(const std::function<Status()>& work);
  Status Collect(const ChangeBatch& batch);
  Status CollectTransaction(const ChangeBatch& batch, const Transaction& transaction);
  Result<std::vector<TableEffect>> TakeEffects();
  Status ApplyStaged(const CommitPoint* commit);
  void ClearActive();

  const ReplicaConfig config_;
  ReplicaSession session_;
  DestinationTypes types_;
  Applier applier_;
  uint64_t epoch_ = 0;
  std::optional<Bookmark> bookmark_;
  CopiedTables copied_tables_;
  HeldTables held_tables_;
  KeptCopies kept_copies_;
  CopyPoint copy_point_;                        ///< Of the tables prepared last.
  std::map<TableName, ColumnNames> columns_;    ///< Of the copied tables.

  std::vector<ChangeBatchPtr> staged_;
  size_t staged_bytes_ = 0;
  std::map<TableName, std::unique_ptr<TableState>> tables_;
  std::unordered_map<const TableSchema*, TableState*> by_schema_;
  std::vector<TableSchemaPtr> known_schemas_;   ///< Keeps the keys of by_schema_ alive.
  std::vector<TableState*> active_;
  std::set<TableName> skipped_;                 ///< Tables whose changes were not ours; logged once.

  std::mutex mutex_;  // Guards everything below.
  std::vector<ReplicaSession> idle_sessions_;
  std::map<TableName, std::shared_ptr<const DestinationTable>> copy_targets_;
  std::set<TableName> refilled_;                ///< Their copies go beside the rows that are there.

  TableAnalyzer analyzer_;  // Last: ends first.
};

}  // namespace sluice

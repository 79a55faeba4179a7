#pragma once
// The Sink over a destination in memory, with everything that may befall a call.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "world.h"

namespace sluice::simulator {

class SimSink final : public Sink {
 public:
  /// Takes the next epoch.
  static Result<std::unique_ptr<Sink>> Open(World& world, LifePtr life, Destination& destination);

  std::string_view name() const override { return destination_.name; }
  const std::optional<Bookmark>& bookmark() const override { return bookmark_; }
  const CopiedTables& copied_tables() const override { return copied_; }
  const HeldTables& held_tables() const override { return held_; }
  Status Hold(const TableName& table, const HeldTable& why) override;
  Status Forget(const TableName& table) override;
  Status ForgetBookmark() override { return Error{ErrorKind::kNeedsOperator, "nothing starts over here"}; }
  Status Follow(const TableDefinition& table, FollowExtent extent) override;
  Result<std::unique_ptr<Sink>> OpenBeside() override;
  Status PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) override;
  Result<std::unique_ptr<CopyWriter>> OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) override;
  const KeptCopies& kept_copies() const override { return kept_; }
  Status KeepCopies(const std::set<TableName>& tables) override;
  Status RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) override;
  Status FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position, Timestamp source_time) override;
  Status Write(ChangeBatchPtr batch) override;
  Status Commit(const Position& position, Timestamp source_time) override;
  Status Repair(std::span<const RowRepair> repairs) override;
  Result<std::unique_ptr<SinkView>> View() override;
  size_t uncommitted_bytes() const override { return uncommitted_bytes_; }

  /// The rows of a range that is complete; without one, of rows that were read again.
  Status FinishRange(const TableName& table, const std::optional<BlockRange>& range, std::map<int64_t, Row> rows);
  Status Call(const char* what);

 private:
  /// A copy as this handle has it, durably or not.
  struct UnfinishedCopy {
    std::multimap<int64_t, Row> rows;
    std::map<BlockRange, std::map<int64_t, Row>> not_kept;
  };

  SimSink(World& world, LifePtr life, Destination& destination, uint64_t epoch, KeptCopies kept);

  Status Broken(Error error);
  Status CheckEpoch();
  Status Reply();
  void LearnDurable();
  void Keep(const TableName& table);
  bool Wants(const Transaction& transaction, const TableSchema& table) const;
  Status Apply(const ChangeBatch& batch, const Change& change, const TableSchema& table);
  TableContent& Working(const TableName& table);
  void Do(Step step);
  void FollowColumns(const TableSchema& table);
  void Erase(const TableSchema& table, int64_t key);

  World& world_;
  const LifePtr life_;
  Destination& destination_;
  const uint64_t incarnation_;
  const uint64_t epoch_;
  std::optional<Bookmark> bookmark_;
  CopiedTables copied_;
  HeldTables held_;
  KeptCopies kept_;  // As Open found them.
  Position copy_position_;
  std::map<TableName, UnfinishedCopy> copies_;
  std::map<TableName, TableContent> working_;  // Durable rows and what is written since; taken when first needed.
  std::map<TableName, TableSchemaPtr> schemas_;
  std::vector<Step> steps_;
  size_t uncommitted_bytes_ = 0;
  bool in_transaction_ = false;
  bool broken_ = false;
};

}  // namespace sluice::simulator

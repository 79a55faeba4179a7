#pragma once
// Wraps any sink: what reaches it has the names, columns, rows and masks that its configuration wants. The sink knows
// nothing of it, and neither does the pipeline: to one side everything is as the sink holds it, to the other as the
// source does.

#include <memory>
#include <string_view>

#include "sink/mapping/batch_mapping.h"
#include "sink/mapping/mapping.h"
#include "sink/sink.h"

namespace sluice {

class MappedSink final : public Sink {
 public:
  MappedSink(std::unique_ptr<Sink> sink, std::shared_ptr<mapping::Mapping> mapping);

  std::string_view name() const override { return sink_->name(); }
  const std::optional<Bookmark>& bookmark() const override { return sink_->bookmark(); }
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
  size_t uncommitted_bytes() const override { return sink_->uncommitted_bytes(); }
  Status Attend() override;
  bool attends() const override { return sink_->attends(); }
  void LetGo() override { sink_->LetGo(); }

 private:
  mapping::TableRoute RouteOf(const TableSchemaPtr& schema) const;
  Status Told(Status status);
  bool CopiedBefore(const TableName& target) const { return sink_->copied_tables().contains(target) || before_.contains(target); }
  Result<std::vector<TableDefinition>> Define(const std::vector<TableDefinition>& tables) const;

  const std::unique_ptr<Sink> sink_;
  const std::shared_ptr<mapping::Mapping> mapping_;
  mapping::BatchMapper mapper_;
  CopiedTables copied_;  // As the source names them.
  HeldTables held_;      // The same.
  KeptCopies kept_;      // The same. While tables are copied only KeepCopies and Forget change it.
  CopiedTables before_;  // Beside another handle: what that one knew, as the sink names it.
};

}  // namespace sluice

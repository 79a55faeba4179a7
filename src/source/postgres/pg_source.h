#pragma once
// PostgreSQL 14 to 18 as a source: one logical replication slot with pgoutput, one publication of explicit tables.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "postgres/connection.h"
#include "source/postgres/schema_registry.h"
#include "source/source.h"

namespace sluice {

class PgSource final : public Source {
 public:
  /// Connects and asks which log this is. `spill_folder`: where open transactions go that memory cannot hold;
  /// made when it is missing. Error: kUnavailable, kNeedsOperator (2001 version, 2101 wal_level, 2102 privilege).
  static Result<std::unique_ptr<PgSource>> Connect(const SourceConfig& config, const PipelineConfig& pipeline,
                                                   std::string spill_folder);

  const LogIdentity& identity() const override { return identity_; }
  Result<SourceLog> ReadLog() override;
  Result<std::vector<TableDefinition>> ReadTables() override;
  Status EnsurePublication(const std::vector<TableDefinition>& tables) override;
  Result<std::set<TableName>> PublishedTables() override;
  Result<std::optional<SlotState>> FindSlot() override;
  Result<std::unique_ptr<InitialCopy>> CreateSlotWithSnapshot() override;
  Result<std::unique_ptr<InitialCopy>> ExportSnapshot(std::chrono::milliseconds wait_max) override;
  Result<std::unique_ptr<ChangeStream>> OpenStream(Lsn resume_from) override;
  Result<Lsn> CurrentLsn() override;
  Result<Timestamp> Now() override;
  Result<std::optional<std::chrono::milliseconds>> StandbyLag() override;
  Status DropSlot() override;
  Status DropSlotAndPublication() override;

 private:
  Result<std::vector<TableDefinition>> ReadTablesOnce();
  Status EnsureConnected();
  PgSource(const SourceConfig& config, const PipelineConfig& pipeline, std::string spill_folder, PgConnection connection)
      : config_(config), pipeline_(pipeline), spill_folder_(std::move(spill_folder)), connection_(std::move(connection)) {}

  const SourceConfig config_;
  const PipelineConfig pipeline_;
  const std::string spill_folder_;
  PgConnection connection_;
  LogIdentity identity_;
  std::vector<TimelineSwitch> timelines_left_;
  std::shared_ptr<SchemaRegistry> schemas_ = std::make_shared<SchemaRegistry>();  ///< Shared with the stream.
};

}  // namespace sluice

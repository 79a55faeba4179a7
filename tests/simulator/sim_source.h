#pragma once
// The Source over the fake server: its calls travel, fail and see a catalog like the real one's. Its stream is the real
// PgChangeStream, decoder and assembler, fed with bytes.

#include <memory>

#include "source/postgres/schema_registry.h"
#include "source/source.h"
#include "world.h"

namespace sluice::simulator {

class SimSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> Connect(World& world, LifePtr life);

  const LogIdentity& identity() const override { return identity_; }
  Result<std::vector<TableDefinition>> ReadTables() override;
  Status EnsurePublication(const std::vector<TableDefinition>& tables) override;
  Result<std::optional<SlotState>> FindSlot() override;
  Result<std::unique_ptr<InitialCopy>> CreateSlotWithSnapshot() override;
  Result<std::unique_ptr<InitialCopy>> ExportSnapshot(std::chrono::milliseconds wait_max) override;
  Result<std::unique_ptr<ChangeStream>> OpenStream(Lsn resume_from) override;
  Result<Lsn> CurrentLsn() override;
  Result<Timestamp> Now() override;
  Result<SourceLog> ReadLog() override;
  Result<std::set<TableName>> PublishedTables() override;
  Result<std::optional<std::chrono::milliseconds>> StandbyLag() override { return std::optional<std::chrono::milliseconds>(); }
  Status DropSlot() override { return Error{ErrorKind::kNeedsOperator, "nothing is given up here"}; }
  Status DropSlotAndPublication() override;

 private:
  SimSource(World& world, LifePtr life) : world_(world), life_(std::move(life)), incarnation_(world.server.incarnation), identity_(world.server.identity) {}
  Status Call(const char* what);
  Status WaitForOpenTransactions(std::chrono::milliseconds wait_max);

  World& world_;
  const LifePtr life_;
  const uint64_t incarnation_;
  const LogIdentity identity_;
  std::shared_ptr<SchemaRegistry> schemas_ = std::make_shared<SchemaRegistry>();
};

}  // namespace sluice::simulator

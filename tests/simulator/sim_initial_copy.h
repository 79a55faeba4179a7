#pragma once
// Rows under an exported snapshot of the fake server.

#include <map>
#include <memory>

#include "source/initial_copy.h"
#include "world.h"

namespace sluice::simulator {

class SimInitialCopy final : public InitialCopy {
 public:
  /// Shows what is committed now.
  SimInitialCopy(World& world, LifePtr life);
  ~SimInitialCopy() override;

  Lsn snapshot_lsn() const override { return lsn_; }
  std::vector<CopyRange> Plan(const std::vector<TableDefinition>& tables, uint64_t range_bytes_target) const override;
  Result<std::unique_ptr<Reader>> Open() override;
  Status ReadSequenceValues(std::vector<TableDefinition>& tables) override;

  struct Snapshot {
    std::map<Oid, FakeDatabase::Table> tables;
  };

 private:
  World& world_;
  const LifePtr life_;
  const uint64_t incarnation_;
  const Lsn lsn_;
  std::shared_ptr<const Snapshot> snapshot_;
  bool exporter_killed_ = false;
};

/// The texts of a row under these columns, as a server prints them.
std::vector<std::optional<std::string>> TextsOf(const TableSchema& schema, int64_t key, const Row& row);
/// As StoredRows::Sum and Fetch do.
void SumUp(const TableSchema& schema, int64_t key, const Row& row, const Buckets& buckets, BucketSums& sums);
void FetchInto(const TableSchema& schema, int64_t key, const Row& row, const Buckets& buckets, std::vector<FetchedRow>& rows);

}  // namespace sluice::simulator

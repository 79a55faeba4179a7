#pragma once
// The lake at one moment as what an initial copy reads. A range is a run of one table's data files.

#include <memory>
#include <vector>

#include "sink/lake/lake_rows.h"
#include "source/initial_copy.h"

namespace sluice {

using LakeTables = std::vector<std::shared_ptr<const LakeRows>>;

class LakeCopy final : public InitialCopy {
 public:
  /// `tables`: in the order of those that are copied.
  LakeCopy(Lsn lsn, LakeTables tables) : lsn_(lsn), tables_(std::move(tables)) {}

  Lsn snapshot_lsn() const override { return lsn_; }
  std::vector<CopyRange> Plan(const std::vector<TableDefinition>& tables, uint64_t range_bytes_target) const override;
  Result<std::unique_ptr<Reader>> Open() override;
  Status ReadSequenceValues(std::vector<TableDefinition>& tables) override;

 private:
  const Lsn lsn_;
  const LakeTables tables_;
};

}  // namespace sluice

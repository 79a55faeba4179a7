#pragma once
// The source's rows under one exported snapshot, range by range, as slowly as is asked for.

#include <memory>
#include <vector>

#include "change/stored_rows.h"
#include "source/initial_copy.h"

namespace sluice {

class SourceRows final : public StoredRows {
 public:
  /// `copy` must outlive it. `bytes_per_second`: how fast the source may be read; 0: as fast as it can.
  SourceRows(InitialCopy& copy, uint64_t bytes_per_second) : copy_(copy), bytes_per_second_(bytes_per_second) {}

  /// Keeps these tables' files as they are from now on, as far as the snapshot still shows them: who wants to empty one
  /// waits until this object is gone. Error: only where no reader can be opened.
  Status Hold(const std::vector<TableDefinition>& tables);

  /// All that is asked from here on is asked of this table. Opens another reader if the last one failed.
  Status Choose(std::vector<CopyRange> ranges);

  Status Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop,
             BucketSums& sums) override;
  Status Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max,
               std::stop_token stop, std::vector<FetchedRow>& rows) override;
  /// All rows, as they are stored.
  Status Read(const TableDefinition& table, RowReceiver& receiver, const std::stop_token& stop);

 private:
  template <class Visit>
  Status ForEachRange(const std::stop_token& stop, const Visit& visit);

  InitialCopy& copy_;
  const uint64_t bytes_per_second_;
  std::unique_ptr<InitialCopy::Reader> reader_;  // Null after it failed.
  std::vector<CopyRange> ranges_;
};

}  // namespace sluice

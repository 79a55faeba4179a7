#pragma once
// The live files of one snapshot and which deletes apply to each.

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "iceberg/manifest_cache.h"
#include "iceberg/table_metadata.h"

namespace sluice::iceberg {

/// A live file: an entry of a manifest that `manifest` keeps alive.
struct LiveFile {
  ManifestEntries manifest;
  const ManifestEntry* entry = nullptr;

  const DataFile& file() const { return entry->file; }
  int64_t file_sequence_number() const { return entry->file_sequence_number.value_or(0); }
  int64_t sequence_number() const { return entry->sequence_number.value_or(0); }
};

struct ScanFile {
  LiveFile data;
  std::vector<uint32_t> deletes;  ///< Into TableScan::delete_files.
};

struct TableScan {
  std::vector<ScanFile> data_files;
  std::vector<LiveFile> delete_files;
};

/// A data file's deletion vector, which holds all that was ever deleted of it; nullptr: its deletes are in files of positions, if anywhere.
const DataFile* VectorOf(const TableScan& scan, const ScanFile& file);

/// Plans reading a whole snapshot. A position delete file applies to data files of its partition
/// and spec that are not newer, as far as its path bounds or referenced file allow. Error:
/// kNeedsOperator if the snapshot has equality deletes; what `reader` returns.
Result<TableScan> PlanScan(const std::vector<ManifestFile>& manifests, ManifestReader& reader);

}  // namespace sluice::iceberg

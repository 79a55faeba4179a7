#pragma once
// How large a table of the lake is, and how well its files suit those who read it. Pure, but for reading manifests.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "iceberg/manifest_cache.h"
#include "iceberg/table_metadata.h"

namespace sluice {

struct FileFigures {
  int64_t data_files = 0, delete_files = 0;
  int64_t small_files = 0;       ///< Data files far below the size that is aimed at.
  int64_t rows = 0;              ///< In data files, deleted ones too.
  int64_t deleted_rows = 0;      ///< That position deletes name; at most `rows` of a writer that names each once.
  int64_t equality_deletes = 0;  ///< Of other writers: nobody knows how many rows they hit.
  int64_t bytes = 0;             ///< Of all files.

  int64_t live_rows() const { return rows - deleted_rows; }
  double deleted_share() const { return rows == 0 ? 0 : static_cast<double>(deleted_rows) / static_cast<double>(rows); }
  void Add(const iceberg::DataFile& file, int64_t small_bytes);
  void Add(const FileFigures& other);
};

struct TableFigures {
  FileFigures all;
  std::map<std::string, FileFigures> partitions;  ///< By "a_day=2026-07-01/b_bucket=3".
};

/// The live files of a snapshot. `small_bytes`: a data file below it counts as small.
Result<TableFigures> ReadFigures(const iceberg::TableMetadata& metadata, const std::vector<iceberg::ManifestFile>& manifests, iceberg::ManifestReader& reader,
                                 int64_t small_bytes);

/// A file's partition as people read it; empty where the table has none.
std::string PartitionText(const iceberg::TableMetadata& metadata, const iceberg::DataFile& file);

/// Delete files per commit that wrote any, over the snapshots that are left: sluice writes one per partition that a commit's deletes touch.
double DeleteFilesPerCommit(const iceberg::TableMetadata& metadata);

/// What to do better, one sentence each; empty: nothing.
std::vector<std::string> Hints(const TableFigures& figures, double delete_files_per_commit);

}  // namespace sluice

#pragma once
// Writes files of one partition again: many small ones as one, and those of which much is deleted without what is deleted.
//
// It works on a snapshot while the stream goes on. Rows keep their order, so the new place of a row follows from its old one
// and from the rows that were left out before it; what is deleted meanwhile is deleted in the new file by the commit that
// puts it in place (docs/internals/decisions/0018-compaction-beside-the-stream.md).

#include <roaring/roaring.hh>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/pace.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "iceberg/table_scan.h"
#include "sink/lake/compaction_plan.h"
#include "sink/lake/table_writer.h"

namespace sluice {

/// A data file that gave its rows to another.
struct CompactedFile {
  std::string path;
  int64_t row_count = 0;
  RowForward rows;  ///< Its `file` counts in Compaction::outputs.

  bool gave_rows() const { return static_cast<int64_t>(rows.left_out.cardinality()) < row_count; }
};

/// One partition's files written again, not committed.
struct Compaction {
  TableIdentifier table;
  std::string table_uuid;
  int32_t format_version = 0;  ///< By which its deletes are written.
  std::vector<CompactedFile> inputs;
  std::vector<iceberg::DataFile> outputs;
  std::vector<iceberg::DataFile> delete_files;    ///< That take the place of those removed. Format 2.
  std::map<std::string, Roaring> unvectored;      ///< By data file: what the removed ones deleted of files that stay. Format 3.
  std::vector<std::string> removed_delete_files;  ///< Paths.
  std::set<std::string> seen_delete_files;        ///< Of the table, in that snapshot.
  int64_t bytes_read = 0;
};

/// Of what is not put in place. What cannot be removed is an orphan, which is found later.
void RemoveWritten(ObjectStore& store, const Compaction& compaction);

/// What compacting looks at and must not exceed.
struct CompactionLimits {
  CompactionPolicy policy;
  std::chrono::seconds quiet_after{3600};
  Timestamp now;
};

/// Looks for one partition that is worth it, and writes its files again; nullopt if there is none or `stop` was requested.
/// Files that it wrote before an error are removed. Error: as ObjectStore, kCorrupt.
Result<std::optional<Compaction>> Compact(const LakeContext& context, const TableIdentifier& id, const iceberg::TableMetadata& table,
                                          const CompactionLimits& limits, Pace& pace, const std::stop_token& stop);

}  // namespace sluice

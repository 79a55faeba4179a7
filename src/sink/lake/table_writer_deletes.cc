// The delete files of a commit.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "sink/lake/partition_deletes.h"
#include "sink/lake/table_writer.h"

namespace sluice {
namespace {

// What a commit writes again for that at most; where there is more, compaction sees to it beside the stream.
constexpr int64_t kPositionsWrittenAgainMax = 65'536;

/// Of one partition.
struct Positions {
  int64_t rows = 0;       ///< Of its data files.
  int64_t deleted = 0;    ///< Of these.
  int64_t positions = 0;  ///< In its delete files, also of data files that are gone.
  std::vector<std::string> delete_files;
};

}  // namespace

Status TableWriter::PrepareDeletes(iceberg::TableChange& change) {
  std::vector<FileDeletes> deletes;
  std::deque<Roaring> vectors;
  bool some_dangle = false;
  for (TableFile& file : files_) {
    if (file.new_deletes.isEmpty() || file.removed) continue;
    if (file.has_vector) change.removed_vectors.push_back(file.path);
    if (file.deleted_count == file.rows) {
      file.removed = true;
      if (file.committed) change.removed_data_files.push_back(file.path); else garbage_.push_back(file.path);
      some_dangle = some_dangle || !file.committed_deletes.isEmpty();
      continue;
    }
    const Roaring* rows = &file.new_deletes;
    if (layout_.has_vectors()) rows = &vectors.emplace_back(file.committed_deletes | file.new_deletes);
    deletes.push_back({file.path, file.spec_id, &file.partition, rows});
  }
  std::deque<Roaring> merged;
  if (some_dangle && !layout_.has_vectors() && manifests_ && !truncated_) RETURN_IF_ERROR(DropDanglingPositions(change, deletes, merged));
  ASSIGN_OR_RETURN(change.added_files, WriteDeletesByPartition(context_, layout_, schema_->iceberg, deletes));
  return Ok();
}

// DuckDB takes a table's rows less its positions for the number of rows, and fails where that is below zero. So a partition
// of which the positions outnumber the rows, many being of files that are gone, has its delete files written again as one.
Status TableWriter::DropDanglingPositions(iceberg::TableChange& change, std::vector<FileDeletes>& deletes, std::deque<Roaring>& merged) {
  std::map<std::string, Positions> by_partition;
  for (const iceberg::ManifestFile& manifest : *manifests_) {
    if (manifest.content != iceberg::ManifestContent::kDeletes || manifest.live_files_count() == 0) continue;
    ASSIGN_OR_RETURN(const iceberg::ManifestEntries entries, context_.manifests.ReadManifest(manifest));
    for (const iceberg::ManifestEntry& entry : *entries) {
      if (!entry.is_live()) continue;
      Positions& of = by_partition[iceberg::PartitionKey(entry.file.spec_id, entry.file.partition)];
      of.positions += entry.file.record_count;
      of.delete_files.push_back(entry.file.path);
    }
  }
  const auto partition_of = [&](const TableFile& file) { return by_partition.find(iceberg::PartitionKey(file.spec_id, file.partition)); };
  for (const TableFile& file : files_) {
    const auto found = partition_of(file);
    if (file.removed || found == by_partition.end()) continue;
    found->second.rows += file.rows;
    found->second.deleted += file.deleted_count;
    found->second.positions += static_cast<int64_t>(file.new_deletes.cardinality());
  }
  std::erase_if(by_partition, [](const auto& entry) { return entry.second.positions <= entry.second.rows || entry.second.deleted > kPositionsWrittenAgainMax; });
  if (by_partition.empty()) return Ok();
  std::erase_if(deletes, [&](const FileDeletes& of) { return by_partition.contains(iceberg::PartitionKey(of.spec_id, *of.partition)); });
  for (const TableFile& file : files_) {
    if (file.removed || file.deleted_count == 0 || partition_of(file) == by_partition.end()) continue;
    deletes.push_back({file.path, file.spec_id, &file.partition, &merged.emplace_back(file.committed_deletes | file.new_deletes)});
  }
  for (auto& [key, of] : by_partition)
    for (std::string& path : of.delete_files) change.removed_delete_files.push_back(std::move(path));
  return Ok();
}

}  // namespace sluice

// How what was prepared beside the stream gets into the lake: by commits of the sink's own, between those of the stream.

#include <map>

#include "base/failpoint.h"
#include "observability/log.h"
#include "sink/lake/lake_sink.h"
#include "sink/lake/partition_deletes.h"

namespace sluice {
namespace {

struct LiveFiles {
  std::map<std::string_view, const iceberg::DataFile*> data;
  std::set<std::string_view> deletes;   ///< Their paths, also of vectors.
  std::set<std::string_view> vectored;  ///< Data files that have a vector.
};

LiveFiles LiveFilesOf(const iceberg::TableScan& scan) {
  LiveFiles live;
  for (const iceberg::ScanFile& file : scan.data_files) {
    live.data.emplace(file.data.file().path, &file.data.file());
    if (iceberg::VectorOf(scan, file) != nullptr) live.vectored.insert(file.data.file().path);
  }
  for (const iceberg::LiveFile& file : scan.delete_files) live.deletes.insert(file.file().path);
  return live;
}

}  // namespace

void LakeSink::OfferForMaintenance(const LakeTable& table) {
  if (maintenance_ && table.is_complete()) maintenance_->Offer(table.id, table.current.metadata);
}

Status LakeSink::PutCompactionsInPlace() {
  if (!maintenance_) return Ok();
  for (const Compaction& compaction : maintenance_->TakeReady()) {
    const Result<bool> put = PutInPlace(compaction);
    // Of an unknown outcome the files may be the table's.
    const bool unknown = !put.ok() && put.error().kind == ErrorKind::kOutcomeUnknown;
    if (!unknown && !(put.ok() && *put)) RemoveWritten(*store_, compaction);
    // First, so that the next look is at what the table is now: the stream's commit may have changed its format.
    const auto table = tables_.find(NameOf(compaction.table));
    if (table != tables_.end()) OfferForMaintenance(table->second);
    maintenance_->Settle(compaction.table);
    if (!put.ok()) return put.error();
  }
  return Ok();
}

Result<bool> LakeSink::PutInPlace(const Compaction& compaction) {
  const auto found = tables_.find(NameOf(compaction.table));
  if (found == tables_.end()) return false;
  LakeTable& table = found->second;
  const bool is_settled = table.current.metadata && table.current.metadata->table_uuid == compaction.table_uuid &&
                          table.current.metadata->format_version == compaction.format_version && table.is_complete() &&
                          (table.writer == nullptr || !table.writer->dirty());
  if (!is_settled) return false;
  if (!table.manifests) {
    ASSIGN_OR_RETURN(table.manifests, iceberg::CurrentManifests(*table.current.metadata, cache_));
  }
  ASSIGN_OR_RETURN(const iceberg::TableScan scan, iceberg::PlanScan(*table.manifests, cache_));
  const LiveFiles live = LiveFilesOf(scan);
  // Who does not know the files has deleted nothing, so delete files that came since are somebody else's.
  const bool knows_deletes = table.writer != nullptr && table.writer->knows_files();
  const auto was_seen = [&](std::string_view path) { return compaction.seen_delete_files.contains(std::string(path)); };
  if (!knows_deletes && !std::all_of(live.deletes.begin(), live.deletes.end(), was_seen)) return false;
  TableToCommit to_commit{.table = &table};
  to_commit.change.keeps_rows = true;
  std::vector<Roaring> deleted(compaction.outputs.size());
  for (const CompactedFile& input : compaction.inputs) {
    if (live.data.contains(input.path)) {
      to_commit.change.removed_data_files.push_back(input.path);
      if (live.vectored.contains(input.path)) to_commit.change.removed_vectors.push_back(input.path);
    } else if (input.gave_rows()) {
      // A file goes when all its rows are deleted. So more rows are added than go with files, and no catalog takes that as a replace.
      to_commit.change.keeps_rows = false;
      input.rows.AddAll(input.row_count, deleted[input.rows.file]);
    }
  }
  for (const std::string& path : compaction.removed_delete_files)
    if (live.deletes.contains(path)) to_commit.change.removed_delete_files.push_back(path);
  if (to_commit.change.removed_data_files.empty() && to_commit.change.removed_delete_files.empty()) return false;
  if (table.writer != nullptr) table.writer->AddDeletedSince(compaction, deleted);

  SLUICE_FAILPOINT("lake.before_compaction_commit");
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  std::vector<FileDeletes> deletes;
  for (size_t i = 0; i < compaction.outputs.size(); ++i) {
    const iceberg::DataFile& file = compaction.outputs[i];
    if (!deleted[i].isEmpty()) deletes.push_back({file.path, file.spec_id, &file.partition, &deleted[i]});
  }
  for (const auto& [path, rows] : compaction.unvectored) {
    // A vector that came since holds these rows too.
    const auto file = live.data.find(path);
    if (file != live.data.end() && !live.vectored.contains(path)) deletes.push_back({path, file->second->spec_id, &file->second->partition, &rows});
  }
  ASSIGN_OR_RETURN(to_commit.change.added_files, WriteDeletesByPartition(context_, LayoutOf(metadata, config_, NameOf(table.id)), metadata.schema(), deletes));
  std::vector<iceberg::DataFile>& added = to_commit.change.added_files;
  added.insert(added.end(), compaction.outputs.begin(), compaction.outputs.end());
  // Where a commit has written the partition's delete files again meanwhile, its own say all that these would.
  if (to_commit.change.removed_delete_files.empty())
    for (const iceberg::DataFile& file : compaction.delete_files) garbage_.Add({file.path});
  else
    added.insert(added.end(), compaction.delete_files.begin(), compaction.delete_files.end());
  LakeCommit commit = CommitBeside();
  commit.tables.push_back(std::move(to_commit));
  RETURN_IF_ERROR(CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_));
  if (table.writer != nullptr) table.writer->Compacted(compaction, std::move(deleted), table.manifests);
  log::Info("lake", "lake.compacted", "files of a partition were written again",
            {{"table", ToString(table.id)},
             {"data_files", std::to_string(compaction.inputs.size())},
             {"into", std::to_string(compaction.outputs.size())},
             {"delete_files", std::to_string(compaction.removed_delete_files.size())},
             {"bytes_read", std::to_string(compaction.bytes_read)}});
  return true;
}

}  // namespace sluice

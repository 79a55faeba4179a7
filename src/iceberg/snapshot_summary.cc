#include "iceberg/snapshot_summary.h"

#include <fmt/format.h>

#include <charconv>

#include "iceberg/partition_spec.h"

namespace sluice::iceberg {
namespace {

void PutCount(Properties& summary, const char* key, int64_t count) {
  if (count > 0) summary[key] = fmt::format("{}", count);
}

/// Goes on from the previous snapshot's total, as Java does it; what is not known there or would be
/// negative stays away.
void PutTotal(Properties& summary, const Snapshot* previous, const char* key, int64_t added,
              int64_t removed) {
  int64_t total = 0;
  if (previous) {
    const auto found = previous->summary.find(key);
    if (found == previous->summary.end()) return;
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), total);
    if (error != std::errc() || end != text.data() + text.size()) return;
  }
  total += added - removed;
  if (total >= 0) summary[key] = fmt::format("{}", total);
}

}  // namespace

void SnapshotSummary::Counts::Count(const DataFile& file) {
  // As Java counts: a vector's own part of its file.
  files_size += file.is_vector() ? file.content_size_bytes.value_or(0) : file.file_size_bytes;
  switch (file.content) {
    case FileContent::kData:
      ++data_files;
      records += file.record_count;
      return;
    case FileContent::kPositionDeletes:
      ++delete_files;
      ++(file.is_vector() ? deletion_vectors : position_delete_files);
      position_deletes += file.record_count;
      return;
    case FileContent::kEqualityDeletes:
      ++delete_files;
      ++equality_delete_files;
      equality_deletes += file.record_count;
      return;
  }
}

void SnapshotSummary::Add(const DataFile& file) {
  added_.Count(file);
  partitions_.insert(PartitionKey(file.spec_id, file.partition));
}

void SnapshotSummary::Remove(const DataFile& file) {
  removed_.Count(file);
  partitions_.insert(PartitionKey(file.spec_id, file.partition));
}

const char* SnapshotSummary::Operation(bool keeps_rows) const {
  if (keeps_rows) return "replace";
  const bool adds = added_.data_files > 0;
  const bool deletes = added_.delete_files > 0 || removed_.data_files > 0;
  if (adds) return deletes ? "overwrite" : "append";
  return deletes ? "delete" : "append";
}

Properties SnapshotSummary::Build(const Snapshot* previous, bool keeps_rows,
                                  const ManifestCounts& manifests) const {
  Properties summary;
  summary["operation"] = Operation(keeps_rows);
  PutCount(summary, "added-data-files", added_.data_files);
  PutCount(summary, "deleted-data-files", removed_.data_files);
  PutCount(summary, "added-delete-files", added_.delete_files);
  PutCount(summary, "removed-delete-files", removed_.delete_files);
  PutCount(summary, "added-position-delete-files", added_.position_delete_files);
  PutCount(summary, "removed-position-delete-files", removed_.position_delete_files);
  PutCount(summary, "added-equality-delete-files", added_.equality_delete_files);
  PutCount(summary, "removed-equality-delete-files", removed_.equality_delete_files);
  PutCount(summary, "added-dvs", added_.deletion_vectors);
  PutCount(summary, "removed-dvs", removed_.deletion_vectors);
  PutCount(summary, "added-records", added_.records);
  PutCount(summary, "deleted-records", removed_.records);
  PutCount(summary, "added-position-deletes", added_.position_deletes);
  PutCount(summary, "removed-position-deletes", removed_.position_deletes);
  PutCount(summary, "added-equality-deletes", added_.equality_deletes);
  PutCount(summary, "removed-equality-deletes", removed_.equality_deletes);
  PutCount(summary, "added-files-size", added_.files_size);
  PutCount(summary, "removed-files-size", removed_.files_size);
  PutTotal(summary, previous, "total-data-files", added_.data_files, removed_.data_files);
  PutTotal(summary, previous, "total-delete-files", added_.delete_files, removed_.delete_files);
  PutTotal(summary, previous, "total-records", added_.records, removed_.records);
  PutTotal(summary, previous, "total-files-size", added_.files_size, removed_.files_size);
  PutTotal(summary, previous, "total-position-deletes", added_.position_deletes,
           removed_.position_deletes);
  PutTotal(summary, previous, "total-equality-deletes", added_.equality_deletes,
           removed_.equality_deletes);
  summary["changed-partition-count"] = fmt::format("{}", partitions_.size());
  summary["manifests-created"] = fmt::format("{}", manifests.created);
  summary["manifests-kept"] = fmt::format("{}", manifests.kept);
  summary["manifests-replaced"] = fmt::format("{}", manifests.replaced);
  summary["engine-name"] = "sluice";
  return summary;
}

}  // namespace sluice::iceberg

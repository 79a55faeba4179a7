#include "iceberg/table_scan.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

/// nullptr if the file carries no such bound.
const std::string* FindBound(const BoundById& bounds, int32_t field_id) {
  for (const auto& [id, bound] : bounds)
    if (id == field_id) return &bound;
  return nullptr;
}

/// The one data file that a delete file speaks of; empty if there may be several.
std::string_view TargetOf(const DataFile& deletes) {
  if (deletes.referenced_data_file) return *deletes.referenced_data_file;
  const std::string* lower = FindBound(deletes.lower_bounds, kDeleteFilePathId);
  const std::string* upper = FindBound(deletes.upper_bounds, kDeleteFilePathId);
  return lower && upper && *lower == *upper ? std::string_view(*lower) : std::string_view();
}

bool MayHold(const DataFile& deletes, const std::string& path) {
  const std::string* lower = FindBound(deletes.lower_bounds, kDeleteFilePathId);
  const std::string* upper = FindBound(deletes.upper_bounds, kDeleteFilePathId);
  // A truncated upper bound is raised, a truncated lower one is a prefix: both compare correctly.
  return (!lower || *lower <= path) && (!upper || path <= *upper);
}

Status CheckReadable(const DataFile& file) {
  if (file.content == FileContent::kEqualityDeletes)
    return Unknown(file.path + " is an equality delete file, which another writer added");
  return Ok();
}

}  // namespace

const DataFile* VectorOf(const TableScan& scan, const ScanFile& file) {
  for (const uint32_t i : file.deletes)
    if (scan.delete_files[i].file().is_vector()) return &scan.delete_files[i].file();
  return nullptr;
}

Result<TableScan> PlanScan(const std::vector<ManifestFile>& manifests, ManifestReader& reader) {
  TableScan scan;
  for (const ManifestFile& manifest : manifests) {
    if (manifest.live_files_count() == 0) continue;
    ASSIGN_OR_RETURN(const ManifestEntries entries, reader.ReadManifest(manifest));
    for (const ManifestEntry& entry : *entries) {
      if (!entry.is_live()) continue;
      RETURN_IF_ERROR(CheckReadable(entry.file));
      if (entry.file.content == FileContent::kData)
        scan.data_files.push_back({{entries, &entry}, {}});
      else
        scan.delete_files.push_back({entries, &entry});
    }
  }
  // Most delete files speak of one data file and are found by its path; the rest is tried one by
  // one.
  std::unordered_map<std::string_view, std::vector<uint32_t>> by_target;
  std::vector<uint32_t> others;
  for (uint32_t i = 0; i < scan.delete_files.size(); ++i) {
    const std::string_view target = TargetOf(scan.delete_files[i].file());
    (target.empty() ? others : by_target[target]).push_back(i);
  }
  for (ScanFile& data : scan.data_files) {
    const auto add = [&](uint32_t i) {
      const LiveFile& deletes = scan.delete_files[i];
      if (deletes.sequence_number() >= data.data.sequence_number()) data.deletes.push_back(i);
    };
    const DataFile& file = data.data.file();
    if (const auto found = by_target.find(file.path); found != by_target.end())
      for (const uint32_t i : found->second) add(i);
    for (const uint32_t i : others) {
      const DataFile& deletes = scan.delete_files[i].file();
      if (deletes.spec_id == file.spec_id && deletes.partition == file.partition &&
          MayHold(deletes, file.path))
        add(i);
    }
  }
  return scan;
}

}  // namespace sluice::iceberg

#include "iceberg/snapshot_expiry.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace sluice::iceberg {
namespace {

using ManifestByPath = std::unordered_map<std::string_view, const ManifestFile*>;

const Snapshot* ParentOf(const TableMetadata& metadata, const Snapshot& snapshot) {
  return snapshot.parent_snapshot_id ? metadata.FindSnapshot(*snapshot.parent_snapshot_id)
                                     : nullptr;
}

/// Whether the kept snapshots are one line of which the oldest follows the newest expired one, and
/// the expired ones are a line too. Both are in the order of their commits.
bool IsOneLine(const std::vector<const Snapshot*>& expired,
               const std::vector<const Snapshot*>& kept) {
  const Snapshot* previous = expired.front();
  const auto follows = [&](const Snapshot* snapshot) {
    const bool linked = snapshot->parent_snapshot_id == previous->snapshot_id;
    previous = snapshot;
    return linked;
  };
  return std::all_of(expired.begin() + 1, expired.end(), follows) &&
         std::all_of(kept.begin(), kept.end(), follows);
}

void AddTo(ManifestByPath& by_path, const std::vector<ManifestFile>& manifests) {
  for (const ManifestFile& manifest : manifests) by_path.try_emplace(manifest.path, &manifest);
}

/// The lists are held so that the pointers into them stay valid.
Result<ManifestByPath> ReadLists(const std::vector<const Snapshot*>& snapshots,
                                 const NewSnapshot& latest, ManifestReader& reader,
                                 std::vector<ManifestFiles>& held) {
  ManifestByPath by_path;
  for (const Snapshot* snapshot : snapshots) {
    ManifestFiles manifests = latest.manifests;
    if (snapshot != latest.snapshot) {
      ASSIGN_OR_RETURN(manifests, reader.ReadManifestList(snapshot->manifest_list));
    }
    AddTo(by_path, *manifests);
    held.push_back(std::move(manifests));
  }
  return by_path;
}

}  // namespace

std::vector<int64_t> SnapshotsToExpire(const TableMetadata& metadata, int32_t keep) {
  std::unordered_set<int64_t> kept;
  for (const auto& [name, ref] : metadata.refs) {
    const Snapshot* snapshot = metadata.FindSnapshot(ref.snapshot_id);
    const int64_t wanted = ref.is_tag ? 1 : std::max<int64_t>(keep, 1);
    for (int64_t i = 0; snapshot && i < wanted; ++i) {
      kept.insert(snapshot->snapshot_id);
      snapshot = ParentOf(metadata, *snapshot);
    }
  }
  std::vector<int64_t> expired;
  for (const Snapshot& snapshot : metadata.snapshots)
    if (!kept.contains(snapshot.snapshot_id)) expired.push_back(snapshot.snapshot_id);
  return expired;
}

Result<std::vector<std::string>> FindUnreachable(const TableMetadata& metadata,
                                                 const std::vector<int64_t>& expired_ids,
                                                 const NewSnapshot& latest,
                                                 ManifestReader& reader) {
  if (expired_ids.empty()) return std::vector<std::string>();
  const std::unordered_set<int64_t> ids(expired_ids.begin(), expired_ids.end());
  std::vector<const Snapshot*> expired;
  std::vector<const Snapshot*> kept;
  for (const Snapshot& snapshot : metadata.snapshots)
    (ids.contains(snapshot.snapshot_id) ? expired : kept).push_back(&snapshot);
  if (latest.snapshot) kept.push_back(latest.snapshot);
  if (expired.empty()) return std::vector<std::string>();
  const bool line = !kept.empty() && IsOneLine(expired, kept);
  if (line) kept.resize(1);

  std::vector<ManifestFiles> held;
  ASSIGN_OR_RETURN(const ManifestByPath expired_manifests,
                   ReadLists(expired, latest, reader, held));
  ASSIGN_OR_RETURN(const ManifestByPath kept_manifests, ReadLists(kept, latest, reader, held));
  ManifestByPath oldest_manifests;
  AddTo(oldest_manifests, *held.front());

  std::vector<std::string> unreachable;
  for (const Snapshot* snapshot : expired) unreachable.push_back(snapshot->manifest_list);
  std::unordered_set<std::string> files;
  for (const auto& [path, manifest] : expired_manifests) {
    if (kept_manifests.contains(path)) continue;
    unreachable.emplace_back(path);
    ASSIGN_OR_RETURN(const ManifestEntries entries, reader.ReadManifest(*manifest));
    for (const ManifestEntry& entry : *entries)
      if (entry.is_live()) files.insert(entry.file.path);
  }
  // Files of those manifests may live on in manifests that were written since.
  for (const auto& [path, manifest] : kept_manifests) {
    if (files.empty()) break;
    if (line && oldest_manifests.contains(path)) continue;
    ASSIGN_OR_RETURN(const ManifestEntries entries, reader.ReadManifest(*manifest));
    for (const ManifestEntry& entry : *entries)
      if (entry.is_live()) files.erase(entry.file.path);
  }
  unreachable.insert(unreachable.end(), files.begin(), files.end());
  return unreachable;
}

}  // namespace sluice::iceberg

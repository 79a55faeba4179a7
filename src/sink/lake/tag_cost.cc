#include "sink/lake/tag_cost.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "iceberg/snapshot_expiry.h"

namespace sluice {
namespace {

using BytesByPath = std::unordered_map<std::string, int64_t>;

Status AddFiles(const iceberg::Snapshot& snapshot, iceberg::ManifestReader& reader, std::unordered_set<std::string>& manifests_seen, BytesByPath& out) {
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, reader.ReadManifestList(snapshot.manifest_list));
  for (const iceberg::ManifestFile& manifest : *manifests) {
    if (!manifests_seen.insert(manifest.path).second) continue;
    ASSIGN_OR_RETURN(const iceberg::ManifestEntries entries, reader.ReadManifest(manifest));
    for (const iceberg::ManifestEntry& entry : *entries)
      if (entry.is_live()) out[entry.file.path] = entry.file.content_size_bytes.value_or(entry.file.file_size_bytes);
  }
  return Ok();
}

}  // namespace

Result<TagCost> FindTagCost(const iceberg::TableMetadata& metadata, int32_t snapshots_kept, iceberg::ManifestReader& reader) {
  iceberg::TableMetadata untagged = metadata;
  std::erase_if(untagged.refs, [](const auto& ref) { return ref.second.is_tag; });
  std::unordered_set<int64_t> tagged;
  for (const auto& [name, ref] : metadata.refs)
    if (ref.is_tag) tagged.insert(ref.snapshot_id);
  std::unordered_set<int64_t> only_tagged;
  for (const int64_t id : iceberg::SnapshotsToExpire(untagged, snapshots_kept))
    if (tagged.contains(id)) only_tagged.insert(id);
  TagCost cost;
  if (only_tagged.empty()) return cost;
  BytesByPath of_tags, of_others;
  std::unordered_set<std::string> tags_seen, others_seen;
  for (const iceberg::Snapshot& snapshot : metadata.snapshots) {
    const bool is_tagged = only_tagged.contains(snapshot.snapshot_id);
    RETURN_IF_ERROR(AddFiles(snapshot, reader, is_tagged ? tags_seen : others_seen, is_tagged ? of_tags : of_others));
  }
  cost.snapshots = static_cast<int64_t>(only_tagged.size());
  for (const auto& [path, bytes] : of_tags) {
    if (of_others.contains(path)) continue;
    ++cost.files;
    cost.bytes += bytes;
  }
  return cost;
}

}  // namespace sluice

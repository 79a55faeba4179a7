#include "sink/lake/orphans.h"

#include "sink/lake/data_file_name.h"
#include "storage/canonical_path.h"

namespace sluice {
namespace {

// Other writers' statistics files are kept as JSON text; whatever it quotes may be a path.
void AddQuoted(const std::string& json, std::set<std::string>& out) {
  for (size_t at = json.find('"'); at != std::string::npos;) {
    const size_t end = json.find('"', at + 1);
    if (end == std::string::npos) return;
    out.insert(CanonicalUri(json.substr(at + 1, end - at - 1)));
    at = json.find('"', end + 1);
  }
}

}  // namespace

Result<std::set<std::string>> ReachableFiles(iceberg::ManifestReader& reader, const CatalogTable& table) {
  const iceberg::TableMetadata& metadata = *table.metadata;
  std::set<std::string> reachable{CanonicalUri(table.metadata_location), metadata.location + "/metadata/version-hint.text"};
  for (const iceberg::Snapshot& snapshot : metadata.snapshots) {
    reachable.insert(CanonicalUri(snapshot.manifest_list));
    ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, reader.ReadManifestList(snapshot.manifest_list));
    for (const iceberg::ManifestFile& manifest : *manifests) {
      if (!reachable.insert(CanonicalUri(manifest.path)).second) continue;
      ASSIGN_OR_RETURN(const iceberg::ManifestEntries entries, reader.ReadManifest(manifest));
      for (const iceberg::ManifestEntry& entry : *entries)
        if (entry.is_live()) reachable.insert(CanonicalUri(entry.file.path));
    }
  }
  for (const iceberg::MetadataLogEntry& entry : metadata.metadata_log) reachable.insert(CanonicalUri(entry.metadata_file));
  AddQuoted(metadata.statistics_json, reachable);
  AddQuoted(metadata.partition_statistics_json, reachable);
  return reachable;
}

Result<std::vector<ObjectInfo>> FindOrphans(ObjectStore& store, Catalog& catalog, iceberg::ManifestReader& reader, const TableIdentifier& id, const OrphanAge& age) {
  if (!catalog.names_all_files()) return std::vector<ObjectInfo>();
  ASSIGN_OR_RETURN(const auto before, catalog.LoadTable(id));
  if (!before) return std::vector<ObjectInfo>();
  ASSIGN_OR_RETURN(std::vector<ObjectInfo> objects, store.List(before->metadata->location));
  ASSIGN_OR_RETURN(const auto table, catalog.LoadTable(id));
  if (!table || table->metadata->location != before->metadata->location) return std::vector<ObjectInfo>();
  ASSIGN_OR_RETURN(const std::set<std::string> reachable, ReachableFiles(reader, *table));
  const int64_t modified_before_ms = age.modified_before.time_since_epoch().count() / 1000;
  std::erase_if(objects, [&](const ObjectInfo& object) {
    const auto epoch = EpochOfDataFile(object.uri);
    return reachable.contains(object.uri) || (epoch ? *epoch >= age.epoch : object.modified_ms >= modified_before_ms);
  });
  return objects;
}

}  // namespace sluice

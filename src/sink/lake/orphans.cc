#include "sink/lake/orphans.h"

#include "sink/lake/data_file_name.h"
#include "sink/lake/definition_file.h"
#include "storage/canonical_path.h"

namespace sluice {
namespace {

// Other writers' statistics files are kept as JSON text; whatever it quotes may be a path.
template <class Reach>
void ReachQuoted(const std::string& json, Reach&& reach) {
  for (size_t at = json.find('"'); at != std::string::npos;) {
    const size_t end = json.find('"', at + 1);
    if (end == std::string::npos) return;
    reach(json.substr(at + 1, end - at - 1));
    at = json.find('"', end + 1);
  }
}

}  // namespace

bool OrphanAge::IsLeft(std::string_view uri, int64_t written_ms) const {
  const auto writer = EpochOfDataFile(uri);
  return writer ? *writer < epoch : written_ms < modified_before.time_since_epoch().count() / 1000;
}

Result<std::set<std::string>> ReachableFiles(iceberg::ManifestReader& reader, const CatalogTable& table) {
  const iceberg::TableMetadata& metadata = *table.metadata;
  std::set<std::string> reachable;
  // What other writers spell otherwise is the same file.
  const auto reach = [&](const std::string& uri) { return reachable.insert(CanonicalUri(uri)).second; };
  reach(table.metadata_location);
  reach(metadata.location + "/metadata/version-hint.text");
  const auto reach_definition = [&](const iceberg::Properties& properties) {
    if (const auto named = properties.find(kDefinitionProperty); named != properties.end()) reach(DefinitionUri(metadata.location, named->second));
  };
  reach_definition(metadata.properties);
  for (const iceberg::Snapshot& snapshot : metadata.snapshots) {
    reach_definition(snapshot.summary);
    reach(snapshot.manifest_list);
    ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, reader.ReadManifestList(snapshot.manifest_list));
    for (const iceberg::ManifestFile& manifest : *manifests) {
      if (!reach(manifest.path)) continue;
      ASSIGN_OR_RETURN(const iceberg::ManifestEntries entries, reader.ReadManifest(manifest));
      for (const iceberg::ManifestEntry& entry : *entries)
        if (entry.is_live()) reach(entry.file.path);
    }
  }
  for (const iceberg::MetadataLogEntry& entry : metadata.metadata_log) reach(entry.metadata_file);
  ReachQuoted(metadata.statistics_json, reach);
  ReachQuoted(metadata.partition_statistics_json, reach);
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
  std::erase_if(objects, [&](const ObjectInfo& object) { return reachable.contains(object.uri) || !age.IsLeft(object.uri, object.modified_ms); });
  return objects;
}

}  // namespace sluice

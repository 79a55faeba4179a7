#include "server/rest_catalog/lake_reader.h"

#include <fmt/format.h>

#include "catalog/open_catalog.h"
#include "observability/error_catalog.h"
#include "server/rest_catalog/metadata_document.h"

namespace sluice {

Result<ObjectStore*> LakeReader::OpenStore() {
  const std::lock_guard lock(mutex_);
  if (!store_) {
    ASSIGN_OR_RETURN(store_, ObjectStore::Open(config_.warehouse, config_.storage));
  }
  return store_.get();
}

// A file is opened anew each time: it takes no time, and it may be another one by now.
Result<std::shared_ptr<Catalog>> LakeReader::OpenCatalog() {
  if (LakeIsMissing(config_)) return std::shared_ptr<Catalog>();
  ASSIGN_OR_RETURN(ObjectStore* const store, OpenStore());
  if (config_.catalog_dsn.empty()) {
    ASSIGN_OR_RETURN(std::shared_ptr<Catalog> catalog, OpenCatalogToRead(config_, *store));
    return catalog;
  }
  const std::lock_guard lock(mutex_);
  if (!catalog_) {
    ASSIGN_OR_RETURN(catalog_, OpenCatalogToRead(config_, *store));
  }
  return catalog_;
}

Result<std::vector<std::string>> LakeReader::Namespaces() {
  ASSIGN_OR_RETURN(const auto catalog, OpenCatalog());
  if (!catalog) return std::vector<std::string>();
  ASSIGN_OR_RETURN(const std::vector<std::string> all, catalog->ListNamespaces());
  std::vector<std::string> seen;
  for (const std::string& name : all) {
    if (hidden_.contains(name)) {
      ASSIGN_OR_RETURN(const std::vector<TableIdentifier> tables, catalog->ListTables(name));
      if (tables.empty()) continue;
    }
    seen.push_back(name);
  }
  return seen;
}

Result<iceberg::Properties> LakeReader::PropertiesOf(const std::string& name_space) {
  ASSIGN_OR_RETURN(const auto catalog, OpenCatalog());
  if (!catalog || hidden_.contains(name_space)) return iceberg::Properties();
  ASSIGN_OR_RETURN(auto properties, catalog->NamespaceProperties(name_space));
  return properties ? *std::move(properties) : iceberg::Properties();
}

Result<std::vector<std::string>> LakeReader::Tables(const std::string& name_space) {
  std::vector<std::string> names;
  ASSIGN_OR_RETURN(const auto catalog, OpenCatalog());
  if (!catalog) return names;
  ASSIGN_OR_RETURN(std::vector<TableIdentifier> tables, catalog->ListTables(name_space));
  for (TableIdentifier& table : tables) names.push_back(std::move(table.name));
  return names;
}

Result<std::optional<std::string>> LakeReader::FindMetadata(const TableIdentifier& table) {
  ASSIGN_OR_RETURN(const auto catalog, OpenCatalog());
  if (!catalog) return std::optional<std::string>();
  return catalog->MetadataLocation(table);
}

Result<TextCache::Text> LakeReader::ReadMetadata(const std::string& location, SnapshotsWanted snapshots) {
  const std::string name = (snapshots == SnapshotsWanted::kAll ? "all " : "refs ") + location;
  if (TextCache::Text kept = cache_.Find(name)) return kept;
  ASSIGN_OR_RETURN(ObjectStore* const store, OpenStore());
  Result<std::string> read = store->GetRange(location, 0, kMetadataBytesMax + 1);
  if (!read.ok()) return IsNotFound(read.error()) ? Result<TextCache::Text>(TextCache::Text()) : read.error();
  if (read->size() > static_cast<size_t>(kMetadataBytesMax))
    return Error{ErrorKind::kNeedsOperator, fmt::format("{} is larger than {} MiB", location, kMetadataBytesMax >> 20), slu::kLakeFormatUnknown};
  std::string document = *std::move(read);
  if (snapshots == SnapshotsWanted::kReferenced) {
    ASSIGN_OR_RETURN(document, KeepReferencedSnapshots(document));
  } else {
    RETURN_IF_ERROR(CheckMetadataDocument(document));
  }
  auto text = std::make_shared<const std::string>(std::move(document));
  cache_.Keep(name, text);
  return TextCache::Text(text);
}

}  // namespace sluice

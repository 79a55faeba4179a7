#include "catalog/open_catalog.h"

#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "catalog/postgres_database.h"
#include "catalog/remote_catalog.h"
#include "catalog/sql_catalog.h"
#include "catalog/sqlite_database.h"

namespace sluice {
namespace {

std::string SqlitePath(const LakeConfig& config) {
  std::string path = config.catalog_uri.empty() ? config.warehouse + "/catalog.db" : config.catalog_uri;
  constexpr std::string_view kSqlite = "sqlite:///";  // As PyIceberg writes it, with an absolute path behind.
  if (path.starts_with(kSqlite)) path.erase(0, kSqlite.size() - (path.starts_with("sqlite:////") ? 0 : 1));
  if (path.starts_with("file://")) path.erase(0, 7);
  return path;
}

Result<std::unique_ptr<Catalog>> OpenRemote(const LakeConfig& config, ObjectStore& store, CatalogAccess access) {
  ASSIGN_OR_RETURN(auto catalog, RemoteCatalog::Open(*config.rest_catalog, config.storage, store, access));
  return std::unique_ptr<Catalog>(std::move(catalog));
}

bool IsFile(const LakeConfig& config) { return config.catalog_dsn.empty() && !config.rest_catalog; }

}  // namespace

Result<std::unique_ptr<Catalog>> OpenCatalog(const LakeConfig& config, ObjectStore& store) {
  if (config.rest_catalog) return OpenRemote(config, store, CatalogAccess::kWrite);
  ASSIGN_OR_RETURN(auto database, config.catalog_dsn.empty() ? OpenSqliteDatabase(SqlitePath(config)) : OpenPostgresDatabase(config.catalog_dsn, config.catalog_name));
  ASSIGN_OR_RETURN(auto catalog, SqlCatalog::Open({.catalog_name = config.catalog_name}, std::move(database), store));
  return std::unique_ptr<Catalog>(std::move(catalog));
}

bool LakeIsMissing(const LakeConfig& config) {
  std::string folder = config.warehouse;
  if (folder.starts_with("file://")) folder.erase(0, 7);
  const bool no_folder = folder.starts_with('/') && access(folder.c_str(), F_OK) != 0;
  return no_folder || (IsFile(config) && access(SqlitePath(config).c_str(), F_OK) != 0);
}

Result<std::unique_ptr<Catalog>> OpenCatalogToRead(const LakeConfig& config, ObjectStore& store) {
  if (LakeIsMissing(config)) return std::unique_ptr<Catalog>();
  if (config.rest_catalog) return OpenRemote(config, store, CatalogAccess::kRead);
  ASSIGN_OR_RETURN(auto database, config.catalog_dsn.empty() ? OpenSqliteToRead(SqlitePath(config))
                                                             : OpenPostgresDatabase(config.catalog_dsn, config.catalog_name, CatalogAccess::kRead));
  ASSIGN_OR_RETURN(auto catalog, SqlCatalog::OpenToRead({.catalog_name = config.catalog_name}, std::move(database), store));
  return std::unique_ptr<Catalog>(std::move(catalog));
}

Result<std::optional<LakeToRead>> OpenLakeToRead(const LakeConfig& config) {
  if (LakeIsMissing(config)) return std::optional<LakeToRead>();
  LakeToRead lake;
  ASSIGN_OR_RETURN(lake.store, ObjectStore::Open(config.warehouse, config.storage));
  ASSIGN_OR_RETURN(lake.catalog, OpenCatalogToRead(config, *lake.store));
  if (lake.catalog == nullptr) return std::optional<LakeToRead>();
  return std::optional(std::move(lake));
}

}  // namespace sluice

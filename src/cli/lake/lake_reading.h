#pragma once
// What every command of `sluice lake` begins with: the configured lake, opened so that nothing can be changed, and its tables by name.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/open_catalog.h"
#include "cli/invocation.h"
#include "iceberg/manifest_cache.h"
#include "sink/lake/lake_properties.h"

namespace sluice::cli {

struct OpenedLake {
  LakeConfig config;
  LakeToRead lake;
  std::unique_ptr<iceberg::ManifestCache> manifests;

  Catalog& catalog() const { return *lake.catalog; }
  ObjectStore& store() const { return *lake.store; }
};

/// Error: kLakeMissing where no lake is configured, or there is none yet.
Result<OpenedLake> OpenLake(Invocation& invocation);

/// All tables of all namespaces, sorted.
Result<std::vector<TableIdentifier>> ListTables(Catalog& catalog);

/// "namespace.table", or a table's name alone where one namespace has it. Error: kLakeNoTable with the nearest name.
Result<TableIdentifier> FindTable(Catalog& catalog, const std::string& name);

struct FoundTable {
  TableIdentifier id;
  CatalogTable table;
};
Result<FoundTable> LoadTable(Catalog& catalog, const std::string& name);

/// Calls `visit` for each table that is still there. What fails for one table stops no other: its error goes to stderr, and the last is
/// returned after all.
Status ForEachTable(const OpenedLake& lake, const Invocation& invocation, const std::function<Status(const TableIdentifier& id, const CatalogTable& table)>& visit);

/// By the lake's names; none where nothing is held.
Result<HeldTables> ReadHeldTables(Catalog& catalog);

/// Milliseconds since 1970 in the form of RFC 3339.
std::string TimeText(int64_t ms);

}  // namespace sluice::cli

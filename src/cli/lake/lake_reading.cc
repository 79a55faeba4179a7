#include "cli/lake/lake_reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/render_error.h"
#include "config/did_you_mean.h"
#include "config/printable.h"
#include "pipeline/status_json.h"

namespace sluice::cli {
namespace {

constexpr size_t kManifestCacheBytes = size_t{64} << 20;

Error NoLake(std::string message) { return Error{ErrorKind::kNeedsOperator, std::move(message), slu::kLakeMissing}; }

}  // namespace

Result<OpenedLake> OpenLake(Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  if (!config.lake) return NoLake("the configuration has no lake");
  ASSIGN_OR_RETURN(std::optional<LakeToRead> lake, OpenLakeToRead(*config.lake));
  if (!lake) return NoLake(fmt::format("there is no lake at {}", config.lake->warehouse));
  OpenedLake opened{*config.lake, std::move(*lake), nullptr};
  opened.manifests = std::make_unique<iceberg::ManifestCache>(opened.store(), kManifestCacheBytes);
  return opened;
}

Result<std::vector<TableIdentifier>> ListTables(Catalog& catalog) {
  ASSIGN_OR_RETURN(const std::vector<std::string> namespaces, catalog.ListNamespaces());
  std::vector<TableIdentifier> tables;
  for (const std::string& name_space : namespaces) {
    ASSIGN_OR_RETURN(const std::vector<TableIdentifier> some, catalog.ListTables(name_space));
    tables.insert(tables.end(), some.begin(), some.end());
  }
  std::sort(tables.begin(), tables.end());
  return tables;
}

Result<TableIdentifier> FindTable(Catalog& catalog, const std::string& name) {
  ASSIGN_OR_RETURN(const std::vector<TableIdentifier> tables, ListTables(catalog));
  std::vector<std::string> names;
  const TableIdentifier* alone = nullptr;
  int with_name = 0;
  for (const TableIdentifier& table : tables) {
    if (ToString(table) == name) return table;
    names.push_back(ToString(table));
    if (table.name != name) continue;
    alone = &table;
    ++with_name;
  }
  if (with_name == 1) return *alone;
  Error error{ErrorKind::kNeedsOperator, fmt::format("there is no table \"{}\" in the lake", Printable(name)), slu::kLakeNoTable};
  if (with_name > 1) {
    error.message = fmt::format("{} namespaces have a table \"{}\"", with_name, Printable(name));
    error.fix = {fmt::format("say which: {}", Printable(ToString(*alone)))};
    return error;
  }
  if (name.find('.') == std::string::npos)
    for (const TableIdentifier& table : tables) names.push_back(table.name);
  if (const auto meant = DidYouMean(name, names)) error.fix = {fmt::format("did you mean {}?", Printable(*meant)), "list them: sluice lake tables"};
  return error;
}

Result<FoundTable> LoadTable(Catalog& catalog, const std::string& name) {
  ASSIGN_OR_RETURN(TableIdentifier id, FindTable(catalog, name));
  ASSIGN_OR_RETURN(std::optional<CatalogTable> table, catalog.LoadTable(id));
  if (!table) return Error{ErrorKind::kNeedsOperator, fmt::format("table {} was dropped just now", Printable(name)), slu::kLakeNoTable};
  return FoundTable{std::move(id), std::move(*table)};
}

Status ForEachTable(const OpenedLake& lake, const Invocation& invocation, const std::function<Status(const TableIdentifier& id, const CatalogTable& table)>& visit) {
  ASSIGN_OR_RETURN(const std::vector<TableIdentifier> tables, ListTables(lake.catalog()));
  Status last;
  for (const TableIdentifier& id : tables) {
    const auto table = lake.catalog().LoadTable(id);
    if (table.ok() && !*table) continue;
    Status visited = table.ok() ? visit(id, **table) : Status(table.error());
    if (visited.ok()) continue;
    Error error = std::move(visited).error();
    error.message = fmt::format("table {}: {}", Printable(ToString(id)), error.message);
    if (!last.ok()) PrintTalk(RenderError(last.error(), invocation.terminal.color));
    last = std::move(error);
  }
  return last;
}

Result<HeldTables> ReadHeldTables(Catalog& catalog) {
  ASSIGN_OR_RETURN(const auto properties, catalog.NamespaceProperties(kBookmarkNamespace));
  return properties ? ParseHeldTables(*properties) : Result<HeldTables>(HeldTables());
}

std::string TimeText(int64_t ms) {
  constexpr int64_t kYear9999Ms = 253'402'300'799'000;
  return ToRfc3339(Timestamp(std::chrono::milliseconds(std::clamp<int64_t>(ms, 0, kYear9999Ms))));
}

}  // namespace sluice::cli

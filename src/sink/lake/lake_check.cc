#include "sink/lake/lake_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "catalog/name_rules.h"
#include "catalog/postgres_database.h"
#include "catalog/remote_catalog.h"
#include "observability/error_catalog.h"
#include "postgres/connection.h"
#include "sink/lake/changes_table.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/row_sorter.h"
#include "sink/lake/pg_type_oid.h"
#include "sink/lake/reader_profile.h"
#include "sink/lake/table_id.h"
#include "sink/lake/type_map.h"
#include "storage/object_store.h"

namespace sluice {
namespace {

constexpr uint64_t kFreeBytesMin = 1ull << 30;

// A store that is not there is not a matter of chown.
std::string FixFor(const LakeConfig& config, const Error& error) {
  if (config.warehouse.starts_with('/')) return fmt::format("chown \"$(id -un)\" '{}'", config.warehouse);
  return fmt::format("sluice explain {}", error.code);
}

void CheckFolder(const LakeConfig& config, Findings& findings) {
  const bool local = config.warehouse.starts_with('/');
  const std::string wanted = local ? "a folder that can be written" : "a bucket that can be written, read and deleted from";
  const auto store = ObjectStore::Open(config.warehouse, config.storage);
  if (!store.ok()) {
    findings.push_back({"L001", Severity::kFail, config.warehouse, store.error().message, wanted, store.error().evidence});
    return;
  }
  const Status tried = (*store)->Probe();
  if (!tried.ok()) {
    findings.push_back({"L001", Severity::kFail, config.warehouse, tried.error().message, wanted, FixFor(config, tried.error())});
    return;
  }
  findings.push_back({"L001", Severity::kOk, config.warehouse, "the warehouse can be written"});
}

bool IsOnThisMachine(std::string_view uri) {
  return uri.starts_with("http://127.") || uri.starts_with("http://localhost") || uri.starts_with("http://[::1]");
}

void CheckRestCatalog(const LakeConfig& config, Findings& findings) {
  const RestCatalogConfig& rest = *config.rest_catalog;
  const auto store = ObjectStore::Open(config.warehouse, config.storage);
  if (!store.ok()) return;  // Said already.
  const auto catalog = RemoteCatalog::Open(rest, config.storage, **store, CatalogAccess::kRead);
  const auto listed = catalog.ok() ? (*catalog)->ListNamespaces() : Result<std::vector<std::string>>(catalog.error());
  if (!listed.ok())
    return findings.push_back({"L003", Severity::kFail, rest.uri, listed.error().message + (listed.error().evidence.empty() ? "" : ": " + listed.error().evidence),
                               "a REST catalog that answers", fmt::format("sluice explain {}", listed.error().code)});
  findings.push_back({"L003", Severity::kOk, rest.uri, fmt::format("the REST catalog answers; it has {} namespaces", listed->size())});
  if (!(*catalog)->connection().offers_commits())
    findings.push_back({"L004", Severity::kFail, rest.uri, "the REST catalog takes no commits", "POST /v1/{prefix}/transactions/commit", fmt::format("sluice explain {}", slu::kRestNoCommits)});
  else if (rest.signing_service == "s3tables")
    findings.push_back({"L004", Severity::kFail, rest.uri, "S3 Tables gives each table a bucket of its own, outside of the warehouse", "a catalog that puts tables where it is asked to, as Glue's",
                        fmt::format("sluice explain {}", slu::kRestLocation)});
  else if (!(*catalog)->commits_many_tables())
    findings.push_back({"L004", Severity::kWarn, rest.uri, "the REST catalog commits one table at a time: readers may see tables at different moments while a commit goes on, and there are no tags",
                        "POST /v1/{prefix}/transactions/commit", ""});
  const bool has_secrets = !rest.token.empty() || !rest.client_secret.empty();
  if (has_secrets && rest.uri.starts_with("http://") && !IsOnThisMachine(rest.uri))
    findings.push_back({"L005", Severity::kWarn, rest.uri, "credentials cross the network in the clear", "an address that begins with https://", ""});
}

void CheckCatalog(const LakeConfig& config, Findings& findings) {
  if (config.rest_catalog) return CheckRestCatalog(config, findings);
  if (config.catalog_dsn.empty()) return;  // A file, made when it is needed.
  const std::string where = RedactDsn(config.catalog_dsn);
  const auto opened = OpenPostgresDatabase(config.catalog_dsn, config.catalog_name);
  if (opened.ok()) return findings.push_back({"L003", Severity::kOk, where, "the catalog can be reached"});
  findings.push_back({"L003", Severity::kFail, where, opened.error().message, "a PostgreSQL that keeps the catalog", opened.error().evidence});
}

void CheckSpace(const LakeConfig& config, const std::vector<TableDefinition>& tables, Findings& findings) {
  std::string path = config.warehouse;
  if (path.starts_with("file://")) path.erase(0, 7);
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  if (error) return;  // Not a local folder.
  uint64_t source_bytes = 0;
  for (const TableDefinition& table : tables) source_bytes += table.size_bytes();
  // Parquet takes a third of PostgreSQL's pages or less; half leaves room for versions that are not expired yet.
  const uint64_t wanted = std::max(kFreeBytesMin, source_bytes / 2);
  const std::string found = fmt::format("{} MiB free", space.available >> 20);
  if (space.available < wanted) {
    findings.push_back({"L002", Severity::kWarn, config.warehouse, found, fmt::format("about {} MiB", wanted >> 20), ""});
  } else {
    findings.push_back({"L002", Severity::kOk, config.warehouse, found});
  }
}

void CheckNames(const LakeConfig& config, const std::vector<TableDefinition>& tables, Findings& findings) {
  // A table that a named reader cannot take would be held.
  const ReaderNeeds needs = NeedsOf(config.readers);
  const auto gravity = [](bool refused) { return refused ? Severity::kFail : Severity::kWarn; };
  const std::string fix = "give it another name in sinks.lake.map, or leave the reader out of sinks.lake.readers";
  std::map<std::string, std::string> seen;
  for (const TableDefinition& table : tables) {
    const std::string name = ToString(table.schema->name);
    if (table.schema->name.name_space == kBookmarkNamespace)
      findings.push_back({"L010", Severity::kFail, name, "the lake keeps its bookmark in a namespace of that name", "another namespace", "exclude the table in the configuration"});
    const bool of_aws = config.rest_catalog && !config.rest_catalog->signing_service.empty();
    if (const Status fits = CheckName(of_aws ? NameRules::kAws : NameRules::kProtocol, IdOf(table.schema->name)); !fits.ok())
      findings.push_back({"L013", Severity::kFail, name, fits.error().message, "a name that the catalog takes", "give it another name in sinks.lake.map"});
    const auto [other, is_new] = seen.emplace(LowerCase(name), name);
    if (!is_new)
      findings.push_back({"L011", gravity(needs.names_ignore_case), name, "differs from " + other->second + " only by case", "names that all readers tell apart", needs.names_ignore_case ? fix : ""});
    std::set<std::string> columns;
    for (const Column& column : table.schema->columns) {
      if (!columns.insert(LowerCase(column.name)).second)
        findings.push_back({"L011", gravity(needs.names_ignore_case), name + "." + column.name, "differs from another column only by case", "names that all readers tell apart", needs.names_ignore_case ? fix : ""});
      if (IsReservedColumnName(column.name))
        findings.push_back({"L012", gravity(needs.no_reserved_names), name + "." + column.name, "Iceberg reserves the name: Spark refuses the table", "another name", needs.no_reserved_names ? fix : ""});
    }
  }
}

std::string_view WhatHappens(Loss loss) {
  switch (loss) {
    case Loss::kNone: return "";
    case Loss::kInfinity: return "infinity and years outside 1 to 9999 become NULL";
    case Loss::kNotANumber: return "NaN and infinity become NULL";
    case Loss::kArrayShape: return "arrays of other than one dimension from 1 become NULL";
    case Loss::kOidAsNumber: return "held as the number of the object, not its name";
    case Loss::kUnknownBinary: return "the type is not known: held as hexadecimal of its binary form";
  }
  return "";
}

// Not limited to so many characters by its type: varchar(n) and char(n) have n + 4 as their typmod.
bool MayBeLongerThan(int characters, const Column& column) {
  if (MapType(*column.type, column.typmod, {.no_lists = true}).type.id != iceberg::TypeId::kString) return false;
  const Type& type = BaseOf(*column.type);
  const int32_t typmod = column.type->kind == TypeKind::kDomain ? column.type->element_typmod : column.typmod;
  if (type.oid == pg::kVarchar || type.oid == pg::kBpchar) return typmod < 4 || typmod - 4 > characters;
  return type.oid == pg::kText || type.oid == pg::kJson || type.oid == pg::kJsonb || type.oid == pg::kXml || type.kind == TypeKind::kArray || type.extension == "citext";
}

void CheckReaders(const LakeConfig& config, const std::vector<TableDefinition>& tables, Findings& findings) {
  const ReaderNeeds needs = NeedsOf(config.readers);
  for (const TableDefinition& table : tables) {
    std::string as_text, cut;
    for (const Column& column : table.schema->columns) {
      const auto add = [&](std::string& names) { names += (names.empty() ? "" : ", ") + column.name; };
      if (!SameType(MapType(*column.type, column.typmod, needs).type, MapType(*column.type, column.typmod).type)) add(as_text);
      if (needs.text_characters_max && MayBeLongerThan(*needs.text_characters_max, column)) add(cut);
    }
    const std::string name = ToString(table.schema->name);
    if (!as_text.empty()) findings.push_back({"L021", Severity::kInfo, name, fmt::format("held as text, as the lake's readers need it: {}", as_text), "", "", ""});
    if (!cut.empty()) findings.push_back({"L022", Severity::kInfo, name, fmt::format("redshift cuts texts at {} characters: {}", *needs.text_characters_max, cut), "", "", ""});
  }
}

void CheckTypes(const LakeConfig& config, const std::vector<TableDefinition>& tables, Findings& findings) {
  const ReaderNeeds needs = NeedsOf(config.readers);
  for (const TableDefinition& table : tables) {
    for (const Column& column : table.schema->columns) {
      const Loss loss = MapType(*column.type, column.typmod, needs).loss;
      if (loss == Loss::kNone) continue;
      // Dates and decimals are in every database, what they can't hold in few: not worth a warning.
      const bool rare = loss == Loss::kInfinity || loss == Loss::kNotANumber || loss == Loss::kArrayShape;
      const std::string what = fmt::format("{}, and are counted", WhatHappens(loss));
      findings.push_back({"L020", rare ? Severity::kInfo : Severity::kWarn, ToString(table.schema->name) + "." + column.name,
                          column.type->name + ": " + what, rare ? "" : "a type that the lake can hold", "", what});
    }
  }
}

void CheckLayouts(const LakeConfig& config, const std::vector<TableDefinition>& tables, Findings& findings) {
  for (const TableDefinition& table : tables) {
    const auto spec = MakePartitionSpec(PartitionConfigOf(config, table.schema->name), *MakeLakeSchema(table.schema, NeedsOf(config.readers)));
    if (!spec.ok())
      findings.push_back({"L030", Severity::kFail, ToString(table.schema->name), spec.error().message, "a partition that fits the table",
                          "correct partition in the lake's options, or in the table's (table_options)"});
    const auto sort = MakeSortOrder(SortConfigOf(config, table.schema->name), *MakeLakeSchema(table.schema, NeedsOf(config.readers)));
    if (!sort.ok())
      findings.push_back({"L033", Severity::kFail, ToString(table.schema->name), sort.error().message, "an order by columns of the table", "correct sort in the lake's options, or in the table's (table_options)"});
  }
  const auto check_format = [&](const std::string& of, int format_version) {
    if (const std::string who = ReadersRefuseFormat(config.readers, format_version); !who.empty())
      findings.push_back({"L032", Severity::kFail, of, fmt::format("format_version {} cannot be read by {}, which the lake's readers name", format_version, who), "format_version: 2",
                          "set format_version: 2, or leave them out of sinks.lake.readers"});
  };
  check_format(config.name, config.format_version);
  for (const auto& [name, settings] : config.tables) {
    if (settings.format_version) check_format(name, *settings.format_version);
    const bool known = std::any_of(tables.begin(), tables.end(), [&](const TableDefinition& table) { return ToString(table.schema->name) == name; });
    if (!known) findings.push_back({"L031", Severity::kWarn, name, "has settings, but is not among the tables", "the name of a table that is copied", ""});
  }
}

void CheckChanges(const LakeConfig& config, const std::vector<TableDefinition>& tables, Findings& findings) {
  std::set<std::string> unused(config.changes.tables.begin(), config.changes.tables.end());
  std::vector<PartitionFieldConfig> of_tables = config.changes.partition;
  std::erase_if(of_tables, [](const PartitionFieldConfig& field) { return field.column == "_op" || field.column == "_seq"; });
  for (const TableDefinition& table : tables) {
    const TableName& name = table.schema->name;
    std::erase_if(unused, [&](const std::string& glob) { return MatchesAny({glob}, ToString(name)); });
    if (!KeepsChanges(config, name)) continue;
    const TableName changes = ChangesTableOf(name);
    if (std::any_of(tables.begin(), tables.end(), [&](const TableDefinition& other) { return other.schema->name == changes; }))
      findings.push_back({"L040", Severity::kFail, ToString(name), fmt::format("{} is a table of the source, so it cannot have the changes of {}", ToString(changes), ToString(name)), "a name that is free",
                          "leave one of them out, or give it another name in sinks.lake.map"});
    const auto spec = MakePartitionSpec(of_tables, *MakeLakeSchema(table.schema, NeedsOf(config.readers)));
    if (!spec.ok()) findings.push_back({"L041", Severity::kFail, ToString(name), spec.error().message, "a partition that fits all tables whose changes are kept", "correct sinks.lake.changes.partition"});
  }
  for (const std::string& glob : unused)
    findings.push_back({"L042", Severity::kWarn, glob, "changes are to be kept, but no table of that name is copied", "the name of a table that is copied, as the lake has it", ""});
}

}  // namespace

Findings CheckLake(const LakeConfig& config, const std::vector<TableDefinition>& tables) {
  Findings findings;
  CheckFolder(config, findings);
  CheckCatalog(config, findings);
  CheckSpace(config, tables, findings);
  CheckNames(config, tables, findings);
  CheckReaders(config, tables, findings);
  CheckTypes(config, tables, findings);
  CheckLayouts(config, tables, findings);
  CheckChanges(config, tables, findings);
  return findings;
}

}  // namespace sluice

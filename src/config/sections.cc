#include "config/sections.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/connection_fields.h"
#include "config/did_you_mean.h"
#include "config/mapping_section.h"
#include "config/partition.h"
#include "config/sort.h"
#include "config/printable.h"
#include "config/rest_catalog_section.h"
#include "config/storage_section.h"
#include "config/units.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr uint64_t kMiB = 1ull << 20;
constexpr uint64_t kGiB = 1ull << 30;

// SLUICE_SOURCES_BACKEND_PASSWORD → SLUICE_BACKEND_PASSWORD, in the letters a shell takes.
std::string PasswordVariable(std::string_view name) {
  std::string variable = "SLUICE_";
  for (const char c : name) {
    if (c >= 'a' && c <= 'z') variable += static_cast<char>(c - 'a' + 'A');
    else variable += (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
  }
  return variable + "_PASSWORD";
}

// PostgreSQL takes nothing else in the name of a slot.
void CheckSlotName(FieldReader& fields, const YamlNode* node, const std::string& slot) {
  if (node == nullptr) return;
  const bool good = slot.size() <= 63 && slot.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  if (!good)
    fields.Mistake(slu::kBadValue, fmt::format("{} cannot be {}", fields.PathOf("name"), Quoted(*node)), node, "name", "",
                   "The name of a slot has at most 63 characters: a to z, 0 to 9 and _.", "choose another name");
}

SourceConfig ReadSource(FieldReader& fields, const std::string& name, const std::string& project) {
  SourceConfig source;
  source.name = name;
  if (project != "sluice") {
    source.slot = "sluice_" + project;
    std::replace(source.slot.begin(), source.slot.end(), '-', '_');
    source.publication = source.slot;
  }
  std::string type;
  fields.Choice("type", type, {"postgres"}, Presence::kRequired);
  ReadConnection(fields, PasswordVariable(name), source.dsn);
  if (auto slot = fields.Mapping("slot")) {
    CheckSlotName(*slot, slot->Text("name", source.slot), source.slot);
    slot->RefuseOthers();
  }
  if (auto publication = fields.Mapping("publication")) {
    const YamlNode* node = publication->Text("name", source.publication);
    if (node != nullptr && source.publication.size() > 63)
      publication->Mistake(slu::kBadValue, fmt::format("{} is longer than 63 bytes", publication->PathOf("name")), node, "name");
    publication->RefuseOthers();
  }
  if (auto heartbeat = fields.Mapping("heartbeat")) {
    milliseconds every = source.heartbeat_interval;
    heartbeat->Duration("every", every, std::chrono::seconds(1), hours(1));
    source.heartbeat_interval = std::chrono::duration_cast<std::chrono::seconds>(every);
    heartbeat->RefuseOthers();
  }
  if (auto snapshot = fields.Mapping("snapshot")) {
    snapshot->Integer("parallel_tables", source.copy.parallel, 1, 64);
    snapshot->Size("range_size", source.copy.range_bytes_target, kMiB, 1024 * kGiB);
    snapshot->Size("max_rate", source.copy.bytes_per_second_max, kMiB, 1024 * kGiB);
    snapshot->Duration("standby_lag", source.copy.standby_lag_max, milliseconds(0), hours(24));
    snapshot->RefuseOthers();
  }
  if (auto budget = fields.Mapping("slot_budget")) {
    budget->Size("warn", source.slot_budget_warn_bytes, kMiB);
    budget->Size("give_up", source.slot_give_up_bytes, kMiB);
    budget->RefuseOthers();
  }
  if (auto stream = fields.Mapping("stream")) {
    stream->Size("spill_after", source.spill_after_bytes, kMiB, 64 * kGiB);
    stream->RefuseOthers();
  }
  fields.RefuseOthers();
  return source;
}

ReplicaConfig ReadReplica(FieldReader& fields, const std::string& name) {
  ReplicaConfig replica;
  replica.name = name;
  ReadConnection(fields, PasswordVariable(name), replica.dsn);
  if (auto commit = fields.Mapping("commit")) {
    commit->Duration("interval", replica.commit_interval, milliseconds(0), hours(1));
    commit->Size("max_bytes", replica.commit_bytes_max, 64 << 10, 4 * kGiB);
    commit->RefuseOthers();
  }
  ReadMapping(fields, replica.map);
  fields.RefuseOthers();
  return replica;
}

constexpr int kFormatVersionMin = 2, kFormatVersionMax = 3;

void ReadPartition(FieldReader& fields, std::vector<PartitionFieldConfig>& partition) {
  std::vector<std::string> texts;
  std::vector<const YamlNode*> nodes;
  if (fields.Texts("partition", texts, &nodes) == nullptr) return;
  partition.clear();
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto field = ParsePartitionField(texts[i]);
    if (field) partition.push_back(*field);
    else
      fields.Mistake(slu::kBadValue, fmt::format("{} is no partition transform", Quoted(*nodes[i])), nodes[i], "partition", "",
                     "", "use one of: day(column), hour(column), month(column), year(column), bucket(16, column), truncate(10, column), identity(column)");
  }
}

void ReadSort(FieldReader& fields, std::vector<SortFieldConfig>& sort) {
  std::vector<std::string> texts;
  std::vector<const YamlNode*> nodes;
  if (fields.Texts("sort", texts, &nodes) == nullptr) return;
  sort.clear();
  for (size_t i = 0; i < texts.size(); ++i) {
    if (const auto field = ParseSortField(texts[i])) sort.push_back(*field);
    else fields.Mistake(slu::kBadValue, fmt::format("{} is nothing to sort by", Quoted(*nodes[i])), nodes[i], "sort", "", "", "name a column: facility_id, hit_at desc, name nulls last");
  }
}

void ReadLakeCatalog(FieldReader& catalog, const std::string& folder, LakeConfig& lake) {
  std::string type;
  catalog.Choice("type", type, {"sqlite", "postgres", "rest"}, Presence::kRequired);
  if (type == "rest") {
    ReadRestCatalog(catalog, folder, lake);
    return catalog.RefuseOthers();
  }
  if (type == "postgres") ReadConnection(catalog, "SLUICE_CATALOG_PASSWORD", lake.catalog_dsn);
  else if (catalog.Text("path", lake.catalog_uri) != nullptr) lake.catalog_uri = AbsolutePath(lake.catalog_uri, folder);
  catalog.Text("name", lake.catalog_name);
  catalog.RefuseOthers();
}

void ReadLakeMaintenance(FieldReader& fields, LakeMaintenanceConfig& maintenance) {
  std::string compact = "on";
  fields.Choice("compact", compact, {"on", "off"});
  maintenance.enabled = compact == "on";
  fields.Size("max_rate", maintenance.bytes_per_second_max, kMiB, 1024 * kGiB);
  std::string window;
  if (const YamlNode* const node = fields.Text("window", window)) {
    const auto parsed = ParseDailyWindow(window);
    if (parsed) maintenance.window = *parsed;
    else fields.Mistake(slu::kBadValue, fmt::format("{} is no part of a day", Quoted(*node)), node, "window", "", "", "two times of day in UTC: 22:00-05:30");
  }
  fields.Integer("merge_at", maintenance.files_merged_at, 2, 1000);
  fields.Integer("deleted_percent", maintenance.deleted_percent_max, 1, 100);
  fields.Duration("look_every", maintenance.look_every, milliseconds(0), hours(24));
  fields.Size("refresh_rate", maintenance.refresh_bytes_per_second, 0, kGiB);
  milliseconds quiet_after = maintenance.quiet_after, orphans_after = maintenance.orphans_after, refresh_every = maintenance.refresh_every;
  if (fields.Duration("refresh_every", refresh_every, seconds(1), hours(24 * 365))) maintenance.refresh_every = std::chrono::floor<seconds>(refresh_every);
  if (fields.Duration("quiet_after", quiet_after, seconds(1), hours(24 * 365))) maintenance.quiet_after = std::chrono::floor<seconds>(quiet_after);
  if (fields.Duration("orphans_after", orphans_after, hours(1), hours(24 * 365))) maintenance.orphans_after = std::chrono::floor<seconds>(orphans_after);
  fields.RefuseOthers();
}

void ReadReaders(FieldReader& fields, std::vector<ReaderEngine>& readers) {
  std::vector<std::string> names;
  std::vector<const YamlNode*> nodes;
  fields.Texts("readers", names, &nodes);
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto reader = ParseReaderEngine(names[i])) readers.push_back(*reader);
    else {
      const auto meant = DidYouMean(names[i], ReaderEngineNames());
      fields.Mistake(slu::kBadValue, fmt::format("no reader {} is known", Quoted(*nodes[i])), nodes[i], "readers", meant ? fmt::format("did you mean \"{}\"?", *meant) : "", "",
                     fmt::format("use some of: {}", fmt::join(ReaderEngineNames(), ", ")));
    }
  }
}

void CheckPatterns(FieldReader& fields, std::string_view name, std::vector<std::string>& patterns) {
  std::vector<const YamlNode*> nodes;
  if (fields.Texts(name, patterns, &nodes) == nullptr) return;
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (patterns[i].starts_with("~/"))
      fields.Mistake(slu::kNotSupported, fmt::format("{} is a regular expression, which is not built in", Quoted(*nodes[i])), nodes[i], name, "",
                     "Patterns are globs of namespace.table.", "use * and ?: audit.*");
    else if (patterns[i].find('.') == std::string::npos || patterns[i].size() < 3)
      fields.Mistake(slu::kBadValue, fmt::format("{} names no table", Quoted(*nodes[i])), nodes[i], name, "",
                     "A pattern is namespace.table, with * and ? for what may vary.", fmt::format("public.{0}\nor in every namespace: *.{0}", Printable(patterns[i])));
  }
}

LakeConfig ReadLake(FieldReader& fields, const std::string& name, const std::string& folder) {
  LakeConfig lake;
  lake.name = name;
  ReadStorage(fields, folder, lake);
  if (auto catalog = fields.Mapping("catalog")) ReadLakeCatalog(*catalog, folder, lake);
  if (lake.catalog_uri.empty() && lake.catalog_dsn.empty() && !lake.rest_catalog && IsInBucket(lake.warehouse))
    fields.Mistake(slu::kMissingField, "a lake in a bucket needs a place for its catalog", nullptr, "catalog", "",
                   "A catalog of type sqlite is a file, which cannot lie in a bucket.",
                   "catalog: { type: postgres, host: HOST, database: DATABASE, user: USER, password: ${SLUICE_CATALOG_PASSWORD} }\ncatalog: { type: sqlite, path: /var/lib/sluice/catalog.db }");
  ReadReaders(fields, lake.readers);
  if (auto commit = fields.Mapping("commit")) {
    commit->Duration("interval", lake.commit_interval, milliseconds(100), hours(24));
    commit->Size("max_bytes", lake.commit_bytes_max, kMiB, 64 * kGiB);
    commit->RefuseOthers();
  }
  ReadPartition(fields, lake.partition);
  ReadSort(fields, lake.sort);
  fields.Integer("format_version", lake.format_version, kFormatVersionMin, kFormatVersionMax);
  if (auto files = fields.Mapping("files")) {
    files->Size("target_size", lake.file_bytes_target, kMiB, 16 * kGiB);
    files->Choice("compression", lake.compression, {"zstd", "snappy", "lz4", "none"});
    files->Integer("level", lake.compression_level, 1, 22);
    files->RefuseOthers();
  }
  if (auto snapshots = fields.Mapping("snapshots")) {
    snapshots->Integer("keep", lake.snapshots_kept, 1, 100'000);
    snapshots->RefuseOthers();
  }
  if (auto tags = fields.Mapping("tags")) {
    tags->Integer("hourly", lake.tags.hourly, 0, 10'000);
    tags->Integer("daily", lake.tags.daily, 0, 10'000);
    tags->RefuseOthers();
  }
  if (auto changes = fields.Mapping("changes")) {
    CheckPatterns(*changes, "tables", lake.changes.tables);
    ReadPartition(*changes, lake.changes.partition);
    changes->Duration("keep", lake.changes.keep, hours(1), hours(24 * 365 * 100));
    changes->RefuseOthers();
  }
  if (auto index = fields.Mapping("index")) {
    index->Size("max_memory", lake.index_memory_bytes_max, 64 << 10, 64 * kGiB);
    index->RefuseOthers();
  }
  if (auto manifests = fields.Mapping("manifests")) {
    manifests->Integer("merge_at", lake.manifests_merged_at, 2, 10'000);
    manifests->RefuseOthers();
  }
  if (auto maintenance = fields.Mapping("maintenance")) ReadLakeMaintenance(*maintenance, lake.maintenance);
  ReadMapping(fields, lake.map);
  fields.RefuseOthers();
  return lake;
}

LakeTableConfig ReadLakeTable(FieldReader& fields) {
  LakeTableConfig table;
  std::vector<PartitionFieldConfig> partition;
  ReadPartition(fields, partition);
  if (fields.Has("partition")) table.partition = std::move(partition);
  std::vector<SortFieldConfig> sort;
  ReadSort(fields, sort);
  if (fields.Has("sort")) table.sort = std::move(sort);
  int format_version = 0;
  if (fields.Integer("format_version", format_version, kFormatVersionMin, kFormatVersionMax) != nullptr) table.format_version = format_version;
  if (auto files = fields.Mapping("files")) {
    uint64_t target = 0;
    if (files->Size("target_size", target, kMiB, 16 * kGiB)) table.file_bytes_target = target;
    files->RefuseOthers();
  }
  fields.RefuseOthers();
  return table;
}

void ReadTableOptions(FieldReader& options, Config& config) {
  for (const YamlEntry& entry : options.entries()) {
    auto table = options.Nested(entry);
    if (!table) continue;
    if (entry.key.find('.') == std::string::npos)
      options.Mistake(slu::kBadValue, fmt::format("\"{}\" names no table", Printable(entry.key)), &entry.value, entry.key, "",
                      "A table is named with its namespace.", fmt::format("public.{}", Printable(entry.key)));
    if (auto lake = table->Mapping("lake")) {
      LakeTableConfig parsed = ReadLakeTable(*lake);
      if (config.lake) config.lake->tables[entry.key] = std::move(parsed);
    }
    table->RefuseOthers();
  }
}

template <class T>
std::vector<std::string> Names(const std::map<std::string, T>& parts) {
  std::vector<std::string> names;
  for (const auto& [name, part] : parts) names.push_back(name);
  return names;
}

void Undeclared(FieldReader& fields, std::string_view field, std::string_view kind, const YamlNode& node, const std::string& name, const std::vector<std::string>& declared) {
  const auto meant = DidYouMean(name, declared);
  fields.Mistake(slu::kUnknownName, fmt::format("there is no {} named {}", kind, Quoted(node)), &node, field,
                 meant ? fmt::format("did you mean \"{}\"?", Printable(*meant)) : "", "",
                 declared.empty() ? fmt::format("declare it under {}s", kind) : fmt::format("use one of: {}", Printable(fmt::format("{}", fmt::join(declared, ", ")))));
}

bool Contains(const std::vector<std::string>& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

void PickSinks(FieldReader& pipeline, const DeclaredParts& parts, Config& config) {
  std::vector<std::string> to;
  std::vector<const YamlNode*> nodes;
  const YamlNode* list = pipeline.Texts("to", to, &nodes);
  if (!pipeline.Has("to") || (list != nullptr && list->kind == YamlNode::Kind::kSequence && list->items.empty()))
    pipeline.Mistake(slu::kMissingField, fmt::format("{} is missing", pipeline.PathOf("to")), list, "to", "", "", "to: [replica, lake]");
  std::vector<std::string> declared = Names(parts.replicas);
  for (const std::string& name : Names(parts.lakes)) declared.push_back(name);
  for (size_t i = 0; i < to.size(); ++i) {
    const auto replica = parts.replicas.find(to[i]);
    const auto lake = parts.lakes.find(to[i]);
    if ((replica != parts.replicas.end() && config.replica) || (lake != parts.lakes.end() && config.lake))
      pipeline.Mistake(slu::kNotSupported, fmt::format("{} would be the second sink of its type", Quoted(*nodes[i])), nodes[i], "to", "",
                       "This version has one sink of each type in a pipeline.", "start a second sluice with another file, project and slot");
    else if (replica != parts.replicas.end()) config.replica = replica->second;
    else if (lake != parts.lakes.end()) config.lake = lake->second;
    else if (!Contains(parts.mistaken, to[i])) Undeclared(pipeline, "to", "sink", *nodes[i], to[i], declared);
  }
}

}  // namespace

void ReadSources(FieldReader& sources, const std::string& project, DeclaredParts& parts) {
  for (const YamlEntry& entry : sources.entries()) {
    if (auto fields = sources.Nested(entry)) parts.sources[entry.key] = ReadSource(*fields, entry.key, project);
    else parts.mistaken.push_back(entry.key);
  }
}

void ReadSinks(FieldReader& sinks, const std::string& folder, DeclaredParts& parts) {
  for (const YamlEntry& entry : sinks.entries()) {
    auto fields = sinks.Nested(entry);
    std::string type;
    if (fields) fields->Choice("type", type, {"postgres", "iceberg"}, Presence::kRequired);
    if (type == "postgres") parts.replicas[entry.key] = ReadReplica(*fields, entry.key);
    else if (type == "iceberg") parts.lakes[entry.key] = ReadLake(*fields, entry.key, folder);
    else parts.mistaken.push_back(entry.key);
  }
}

void ReadPipelines(FieldReader& pipelines, const DeclaredParts& parts, Config& config) {
  if (pipelines.entries().empty())
    pipelines.Mistake(slu::kMissingField, "there is no pipeline", nullptr, "", "", "", "pipelines: { NAME: { from: SOURCE, to: [SINK] } }");
  bool first = true;
  for (const YamlEntry& entry : pipelines.entries()) {
    if (!first) {
      pipelines.Mistake(slu::kNotSupported, fmt::format("pipeline \"{}\" is the second one", Printable(entry.key)), &entry.value, entry.key, "",
                        "This version runs one pipeline.", "start a second sluice with another file, project and slot");
      return;
    }
    first = false;
    auto fields = pipelines.Nested(entry);
    if (!fields) continue;
    config.pipeline.name = entry.key;
    std::string from;
    if (const YamlNode* node = fields->Text("from", from, Presence::kRequired)) {
      if (const auto source = parts.sources.find(from); source != parts.sources.end()) config.source = source->second;
      else if (!Contains(parts.mistaken, from)) Undeclared(*fields, "from", "source", *node, from, Names(parts.sources));
    }
    PickSinks(*fields, parts, config);
    if (auto tables = fields->Mapping("tables")) {
      CheckPatterns(*tables, "include", config.pipeline.include);
      CheckPatterns(*tables, "exclude", config.pipeline.exclude);
      std::string without_identity = "append-only";
      tables->Choice("without_identity", without_identity, {"append-only", "refuse"});
      config.pipeline.without_identity = without_identity == "refuse" ? WithoutIdentity::kRefuse : WithoutIdentity::kAppendOnly;
      tables->Duration("watch", config.pipeline.table_watch_interval, milliseconds(100), hours(24));
      tables->RefuseOthers();
    }
    if (auto queue = fields->Mapping("queue")) {
      queue->Size("max_bytes", config.pipeline.queue_bytes_max, kMiB, 16 * kGiB);
      queue->RefuseOthers();
    }
    if (auto verify = fields->Mapping("verify")) {
      verify->Duration("every", config.pipeline.verify.every, milliseconds(0), hours(24 * 365));
      verify->Size("max_rate", config.pipeline.verify.bytes_per_second_max, kMiB, 1024 * kGiB);
      verify->RefuseOthers();
    }
    if (auto options = fields->Mapping("table_options")) ReadTableOptions(*options, config);
    fields->RefuseOthers();
  }
}

void ReadObserve(FieldReader& observe, Config& config) {
  if (auto logs = observe.Mapping("logs")) {
    logs->Choice("level", config.log_level, {"debug", "info", "warn", "error"});
    logs->Choice("format", config.log_format, {"auto", "text", "json"});
    logs->RefuseOthers();
  }
  observe.RefuseOthers();
}

}  // namespace sluice

#include "cli/parts.h"

#include "catalog/open_catalog.h"
#include "cli/lake/served_moments.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_sink.h"
#include "sink/mapping/mapped_sink.h"
#include "sink/mapping/mapping_check.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/replica_sink.h"
#include "source/postgres/pg_source.h"

namespace sluice::cli {
namespace {

using mapping::Mapping;

/// What the process knows of its sinks' mappings; outlives the pipelines that come and go.
struct Mappings {
  std::shared_ptr<Mapping> replica, lake;  // Absent where nothing is mapped.
};

std::shared_ptr<Mapping> MakeMapping(const std::string& sink, const MappingConfig& config) {
  return config.empty() ? nullptr : std::make_shared<Mapping>(sink, config);
}

Mappings MakeMappings(const Config& config) {
  return {config.replica ? MakeMapping(config.replica->name, config.replica->map) : nullptr,
          config.lake ? MakeMapping(config.lake->name, config.lake->map) : nullptr};
}

std::unique_ptr<Sink> Mapped(std::unique_ptr<Sink> sink, const std::shared_ptr<Mapping>& mapping) {
  if (!mapping) return sink;
  return std::make_unique<MappedSink>(std::move(sink), mapping);
}

Status AcceptTables(const Mappings& mappings, const std::vector<TableDefinition>& tables) {
  for (const std::shared_ptr<Mapping>& mapping : {mappings.replica, mappings.lake}) {
    if (!mapping) continue;
    const auto mistakes = mapping::FindMistakes(mapping->rules(), tables);
    if (!mistakes.empty()) return mapping::ToError(mapping->sink(), mistakes);
    // From now on their guarded columns are known, whatever the stream calls them.
    for (const TableDefinition& table : tables) {
      const auto defined = mapping->Define(table);
      if (!defined.ok()) return defined.error();
    }
  }
  return Ok();
}

Result<std::vector<AttachedSink>> OpenSinks(const Config& config, const Mappings& mappings, const LogIdentity& log, LakeOrders* orders) {
  std::vector<AttachedSink> sinks;
  if (config.replica) {
    ASSIGN_OR_RETURN(std::unique_ptr<Sink> sink, ReplicaSink::Open(*config.replica, log));
    sinks.push_back({Mapped(std::move(sink), mappings.replica), {config.replica->commit_interval, config.replica->commit_bytes_max}});
  }
  if (config.lake) {
    ASSIGN_OR_RETURN(std::unique_ptr<Sink> sink, LakeSink::Open(BehindMapping(*config.lake), log, orders));
    sinks.push_back({Mapped(std::move(sink), mappings.lake), {config.lake->commit_interval, config.lake->commit_bytes_max}});
  }
  return sinks;
}

// The namespace is made when the sink is first opened.
Result<std::optional<Bookmark>> ReadReplicaBookmark(const ReplicaConfig& config) {
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(config.dsn, {"sluice bookmark"}));
  ASSIGN_OR_RETURN(const std::string there, connection.QueryValue("SELECT pg_catalog.to_regclass('sluice.bookmark') IS NOT NULL"));
  if (there != "t") return std::optional<Bookmark>();
  return ReadBookmark(connection);
}

Result<std::optional<Bookmark>> ReadLakeBookmark(const LakeConfig& config) {
  ASSIGN_OR_RETURN(const std::optional<LakeToRead> lake, OpenLakeToRead(config));
  if (!lake) return std::optional<Bookmark>();
  ASSIGN_OR_RETURN(const auto properties, lake->catalog->NamespaceProperties(kBookmarkNamespace));
  if (!properties) return std::optional<Bookmark>();
  ASSIGN_OR_RETURN(std::optional<Bookmark> bookmark, ParseBookmark(*properties));
  if (bookmark) {
    ASSIGN_OR_RETURN(bookmark->epoch, ParseEpoch(*properties));
  }
  return bookmark;
}

}  // namespace

LakeConfig BehindMapping(const LakeConfig& config) {
  LakeConfig behind = config;
  if (config.map.empty()) return behind;
  behind.tables.clear();
  const mapping::MappingRules rules(config.map);
  for (const auto& [name, settings] : config.tables) behind.tables[ToString(rules.TargetOf(mapping::ParseTableName(name)))] = settings;
  return behind;
}

Connector MakeConnector(const Config& config, LakeOrders* orders) {
  const auto mappings = std::make_shared<const Mappings>(MakeMappings(config));
  return {[&config]() -> Result<std::unique_ptr<Source>> {
            ASSIGN_OR_RETURN(std::unique_ptr<PgSource> source, PgSource::Connect(config.source, config.pipeline, config.state_folder + "/spill"));
            return std::unique_ptr<Source>(std::move(source));
          },
          [&config, mappings, orders](const LogIdentity& log) { return OpenSinks(config, *mappings, log, orders); },
          [mappings](const std::vector<TableDefinition>& tables) { return AcceptTables(*mappings, tables); }};
}

PipelineOptions MakePipelineOptions(const Config& config) {
  PipelineOptions options;
  options.copy = config.source.copy;
  options.queue_bytes_max = config.pipeline.queue_bytes_max;
  options.table_watch_interval = config.pipeline.table_watch_interval;
  return options;
}

Result<std::unique_ptr<CatalogServer>> ServeCatalog(const Config& config) {
  if (!config.serve_catalog || !config.lake) return std::unique_ptr<CatalogServer>();
  return CatalogServer::Start(*config.serve_catalog, *config.lake, {kBookmarkNamespace}, std::make_unique<ServedMoments>(*config.lake));
}

std::string SocketPath(const Config& config) { return config.state_folder + "/sluice.sock"; }

Result<std::vector<SinkBookmark>> ReadBookmarks(const Config& config) {
  std::vector<SinkBookmark> bookmarks;
  if (config.replica) {
    ASSIGN_OR_RETURN(std::optional<Bookmark> bookmark, ReadReplicaBookmark(*config.replica));
    bookmarks.push_back({config.replica->name, std::move(bookmark)});
  }
  if (config.lake) {
    ASSIGN_OR_RETURN(std::optional<Bookmark> bookmark, ReadLakeBookmark(*config.lake));
    bookmarks.push_back({config.lake->name, std::move(bookmark)});
  }
  return bookmarks;
}

}  // namespace sluice::cli

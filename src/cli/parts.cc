#include "cli/parts.h"

#include <unistd.h>

#include "catalog/sqlite_catalog.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_sink.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/replica_sink.h"
#include "source/postgres/pg_source.h"

namespace sluice::cli {
namespace {

Result<std::vector<AttachedSink>> OpenSinks(const Config& config, const LogIdentity& log) {
  std::vector<AttachedSink> sinks;
  if (config.replica) {
    ASSIGN_OR_RETURN(std::unique_ptr<Sink> sink, ReplicaSink::Open(*config.replica, log));
    sinks.push_back({std::move(sink), {config.replica->commit_interval, config.replica->commit_bytes_max}});
  }
  if (config.lake) {
    ASSIGN_OR_RETURN(std::unique_ptr<Sink> sink, LakeSink::Open(*config.lake, log));
    sinks.push_back({std::move(sink), {config.lake->commit_interval, config.lake->commit_bytes_max}});
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

// Looks for the catalog's file first, since opening it would make it.
Result<std::optional<Bookmark>> ReadLakeBookmark(const LakeConfig& config) {
  const std::string path = config.catalog_uri.empty() ? config.warehouse + "/catalog.db" : config.catalog_uri;
  if (access(path.c_str(), F_OK) != 0) return std::optional<Bookmark>();
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectStore> store, ObjectStore::Open(config.warehouse));
  SqliteCatalog::Options options;
  options.path = path;
  options.catalog_name = config.catalog_name;
  ASSIGN_OR_RETURN(const std::unique_ptr<SqliteCatalog> catalog, SqliteCatalog::Open(options, *store));
  ASSIGN_OR_RETURN(const auto properties, catalog->NamespaceProperties(kBookmarkNamespace));
  if (!properties) return std::optional<Bookmark>();
  ASSIGN_OR_RETURN(std::optional<Bookmark> bookmark, ParseBookmark(*properties));
  if (bookmark) {
    ASSIGN_OR_RETURN(bookmark->epoch, ParseEpoch(*properties));
  }
  return bookmark;
}

}  // namespace

Connector MakeConnector(const Config& config) {
  return {[&config]() -> Result<std::unique_ptr<Source>> {
            ASSIGN_OR_RETURN(std::unique_ptr<PgSource> source, PgSource::Connect(config.source, config.pipeline, config.state_folder + "/spill"));
            return std::unique_ptr<Source>(std::move(source));
          },
          [&config](const LogIdentity& log) { return OpenSinks(config, log); }};
}

PipelineOptions MakePipelineOptions(const Config& config) {
  PipelineOptions options;
  options.copy = config.source.copy;
  options.queue_bytes_max = config.pipeline.queue_bytes_max;
  options.table_watch_interval = config.pipeline.table_watch_interval;
  return options;
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

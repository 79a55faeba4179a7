#pragma once
// The one place that knows which sources and sinks there are, and makes them from the configuration.

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/finding.h"
#include "pipeline/pipeline.h"
#include "server/rest_catalog/catalog_server.h"

namespace sluice {
class LakeOrders;
}

namespace sluice::cli {

/// The configuration of the sink behind a mapping: what is said of the source's tables is said of theirs there.
LakeConfig BehindMapping(const LakeConfig& config);

/// What a pipeline runs on. `config` must outlive it. `orders`: whom the lake attends; must outlive it too.
Connector MakeConnector(const Config& config, LakeOrders* orders = nullptr);

PipelineOptions MakePipelineOptions(const Config& config);

/// Serves the lake's catalog to readers until destroyed; nullptr where the configuration has no `serve.catalog`.
Result<std::unique_ptr<CatalogServer>> ServeCatalog(const Config& config);

/// Where the process that runs this configuration listens.
std::string SocketPath(const Config& config);

struct SinkBookmark {
  std::string sink;
  std::optional<Bookmark> bookmark;  ///< Absent: nothing was ever made durable there.
};

/// Reads every configured sink's bookmark, without opening the sinks: that would take their next epoch.
Result<std::vector<SinkBookmark>> ReadBookmarks(const Config& config);

}  // namespace sluice::cli

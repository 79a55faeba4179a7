#pragma once
// The documents that `--json` prints. Within a major version fields are only added.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pipeline/status.h"

namespace sluice {

/// sluice.status/v1
nlohmann::ordered_json StatusToJson(const PipelineStatus& status);
/// sluice.tables/v1, only tables that match a glob.
nlohmann::ordered_json TablesToJson(const PipelineStatus& status, const std::vector<std::string>& globs);
/// sluice.bookmarks/v1: how far each sink is durable.
nlohmann::ordered_json BookmarksToJson(const PipelineStatus& status);

/// RFC 3339, UTC, milliseconds.
std::string ToRfc3339(Timestamp time);

}  // namespace sluice

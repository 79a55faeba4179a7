#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "iceberg/table_metadata.h"

namespace sluice::iceberg {

std::string ToJsonText(const TableMetadata& metadata);

/// Format 2 or 3 of any writer. `text` is not trusted.
/// Error: kCorrupt; kNeedsOperator for a format version or type we don't know.
Result<TableMetadata> ParseTableMetadata(std::string_view text);
Result<TableMetadata> TableMetadataFromJson(const nlohmann::ordered_json& json);

nlohmann::ordered_json ToJson(const Snapshot& snapshot);
nlohmann::ordered_json ToJson(const SnapshotRef& ref);

Result<Snapshot> SnapshotFromJson(const nlohmann::ordered_json& json);

}  // namespace sluice::iceberg

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "iceberg/schema.h"

namespace sluice::iceberg {

nlohmann::ordered_json ToJson(const Schema& schema);
nlohmann::ordered_json ToJson(const Type& type);

/// Error: kCorrupt; kNeedsOperator for a type of a later format version.
Result<Schema> SchemaFromJson(const nlohmann::ordered_json& json);

/// Without blanks, as it stands in a manifest's header.
std::string ToJsonText(const Schema& schema);
Result<Schema> ParseSchema(std::string_view text);

}  // namespace sluice::iceberg

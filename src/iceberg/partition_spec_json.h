#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "iceberg/partition_spec.h"

namespace sluice::iceberg {

nlohmann::ordered_json ToJson(const PartitionSpec& spec);
nlohmann::ordered_json ToJson(const SortOrder& order);

/// Error: kCorrupt.
Result<PartitionSpec> PartitionSpecFromJson(const nlohmann::ordered_json& json);
Result<SortOrder> SortOrderFromJson(const nlohmann::ordered_json& json);

/// The array of fields alone, as it stands in a manifest's header.
std::string FieldsToJsonText(const PartitionSpec& spec);
Result<PartitionSpec> ParseSpecFields(int32_t spec_id, std::string_view text);

}  // namespace sluice::iceberg

#pragma once
// Orders to the lake and what came of them, as they go over the control socket and to people's programs.

#include <nlohmann/json.hpp>

#include "sink/lake/lake_orders.h"

namespace sluice::cli {

nlohmann::ordered_json OrderToJson(const LakeOrder& order);
/// Error: kCorrupt (8203).
Result<LakeOrder> OrderFromJson(const nlohmann::ordered_json& json);

/// {"lsn", "source_time", "tables": [{"table", "done", "note", "snapshot_id", figures by name…}], "not_done"}
nlohmann::ordered_json ReportToJson(const LakeReport& report);

nlohmann::ordered_json ProgressToJson(const LakeProgress& progress);

}  // namespace sluice::cli

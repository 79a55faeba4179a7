#pragma once
// The documents of sluice verify, and how they are asked for. Within a major version fields are only added.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pipeline/repair.h"
#include "pipeline/verify.h"

namespace sluice {

/// What a client wants to know, and to see of it.
struct VerifyRequest {
  VerifyOptions options;
  bool dry_run = false;      ///< Of a repair.
  size_t rows_shown = 0;     ///< Of the rows that differ, per table and sink.
  bool values_shown = false; ///< Rows leave the servers: only when somebody asked for it.
};

/// {"sink", "all_rows", "source_bytes_per_second", "rows_shown", "values_shown", "dry_run"}: what goes over the control socket beside the globs.
nlohmann::ordered_json OptionsToJson(const VerifyRequest& request);
VerifyRequest OptionsFromJson(const std::vector<std::string>& globs, const nlohmann::ordered_json& options);

/// sluice.verify/v1
nlohmann::ordered_json VerifyToJson(const VerifyReport& report, const VerifyRequest& request);
/// sluice.verify.repair/v1
nlohmann::ordered_json RepairToJson(const RepairReport& report);

}  // namespace sluice

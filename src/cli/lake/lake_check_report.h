#pragma once
// The report of sluice lake check.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "audit/table_check.h"

namespace sluice::cli {

struct CheckedLakeTable {
  std::string name;
  std::string metadata_location;
  audit::CheckedTable checked;
};

/// Tables without finding in one line each; each finding with its file, what it breaks and what to do below it; of notes
/// of one kind the first, and how many more there are.
std::string RenderLakeCheck(const std::vector<CheckedLakeTable>& tables, bool color);

/// Schema sluice.lake.check/v1.
nlohmann::ordered_json LakeCheckToJson(const std::vector<CheckedLakeTable>& tables);

}  // namespace sluice::cli

#pragma once
// The report of sluice check.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/finding.h"

namespace sluice::cli {

/// What was looked at, e.g. SOURCE backend, and what was found.
struct CheckGroup {
  std::string title;   ///< CONFIG, SOURCE, TARGET, LAKE.
  std::string object;  ///< Name in the configuration, or its file.
  Findings findings;
};

struct CheckCounts {
  size_t ok = 0, infos = 0, warnings = 0, failures = 0;
};

CheckCounts Count(const std::vector<CheckGroup>& groups);

/// One line per finding, those that are alike and short "ok" lines joined; each problem with its fix below it; a summary at the end.
std::string RenderReport(const std::vector<CheckGroup>& groups, bool color);

/// Schema sluice.check/v1.
nlohmann::ordered_json ReportToJson(const std::vector<CheckGroup>& groups);

}  // namespace sluice::cli

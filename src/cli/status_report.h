#pragma once
// What sluice status and sluice tables show, from the documents sluice.status/v1 and sluice.tables/v1. Pure.

#include <nlohmann/json.hpp>
#include <string>

#include "cli/output.h"
#include "observability/error_catalog.h"

namespace sluice::cli {

/// `aligned`: for people, with padding; else fields separated by tabs.
std::string RenderStatus(const nlohmann::ordered_json& status, bool aligned);

Table TablesTable(const nlohmann::ordered_json& tables);

/// kDegraded where something needs a human, else kOk.
ExitCode StatusExitCode(const nlohmann::ordered_json& status);

}  // namespace sluice::cli

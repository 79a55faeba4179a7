#pragma once
// What sluice verify shows, from its documents. Pure.

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::cli {

/// From sluice.verify/v1: one line per table and sink, then a summary.
std::string RenderVerify(const nlohmann::ordered_json& report, bool aligned);

/// From sluice.verify/v1 with rows: one line per row that differs.
std::string RenderDiff(const nlohmann::ordered_json& report, bool aligned);

/// From sluice.verify.repair/v1.
std::string RenderRepair(const nlohmann::ordered_json& report, bool aligned);

/// "comparing public.shot, 3 of 14 tables done", at most `width` columns.
std::string VerifyLine(const nlohmann::ordered_json& progress, size_t width);

}  // namespace sluice::cli

#pragma once
// What sluice verify shows, from a document of schema sluice.verify/v1. Pure.

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::cli {

/// One line per difference, then a summary; all tables where everything is equal and `aligned`.
std::string RenderVerify(const nlohmann::ordered_json& report, bool aligned);

/// "comparing public.shot, 3 of 14 tables done", at most `width` columns.
std::string VerifyLine(const nlohmann::ordered_json& progress, size_t width);

}  // namespace sluice::cli

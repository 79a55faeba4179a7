#pragma once
// What goes over the control socket: each message is one line of JSON.
//
//   request:   {"command": "status" | "tables" | "bookmarks" | "verify" | "repair" | "resync" | "skip" | "lake" | "stop",
//               "globs": [text, …], "sink": text, "options": {…}}
//   progress:  {"progress": {…}}                       any number, before the reply
//   reply:     {"result": {…}}  or  {"error": {"kind", "code", "message", "evidence", "why", "fix": […]}}

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice {

inline constexpr size_t kRequestBytesMax = 64 << 10;
inline constexpr size_t kReplyBytesMax = 64 << 20;  // A hundred thousand tables.

struct ControlRequest {
  std::string command;
  std::vector<std::string> globs;
  std::string sink = {};  ///< Of resync and skip; empty: every sink.
  nlohmann::ordered_json options = nullptr;  ///< Of the command; whoever answers it knows them.
};

/// One line without its newline. Error: kCorrupt (8203).
Result<nlohmann::ordered_json> ParseLine(std::string_view line);
Result<ControlRequest> ParseRequest(std::string_view line);

std::string RequestLine(const ControlRequest& request);
/// With a newline. Bytes that are not UTF-8 are replaced.
std::string ToLine(const nlohmann::ordered_json& json);

nlohmann::ordered_json ErrorToReply(const Error& error);
Error ErrorFromReply(const nlohmann::ordered_json& error);

}  // namespace sluice

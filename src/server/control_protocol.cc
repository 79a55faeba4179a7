#include "server/control_protocol.h"

#include <fmt/format.h>

#include "base/nesting.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using nlohmann::ordered_json;

constexpr size_t kLevelsMax = 64;  // Ours need 7.

Error Malformed(std::string_view what) {
  return Error{ErrorKind::kCorrupt, fmt::format("control socket: {}", what), slu::kControlProtocol};
}

std::string TextAt(const ordered_json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int NumberAt(const ordered_json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

}  // namespace

Result<ordered_json> ParseLine(std::string_view line) {
  if (NestsDeeperThan(line, kLevelsMax)) return Malformed("a line is nested too deeply");
  ordered_json json = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Malformed("a line is not a JSON object");
  return json;
}

Result<ControlRequest> ParseRequest(std::string_view line) {
  ASSIGN_OR_RETURN(const ordered_json json, ParseLine(line));
  ControlRequest request;
  request.command = TextAt(json, "command");
  if (request.command.empty()) return Malformed("a request has no command");
  request.sink = TextAt(json, "sink");
  if (const auto options = json.find("options"); options != json.end()) request.options = *options;
  const auto globs = json.find("globs");
  if (globs == json.end()) return request;
  if (!globs->is_array()) return Malformed("globs is not a list");
  for (const ordered_json& glob : *globs) {
    if (!glob.is_string()) return Malformed("a glob is not a text");
    request.globs.push_back(glob.get<std::string>());
  }
  return request;
}

std::string RequestLine(const ControlRequest& request) {
  ordered_json json = {{"command", request.command}, {"globs", request.globs}};
  if (!request.sink.empty()) json["sink"] = request.sink;
  if (!request.options.is_null()) json["options"] = request.options;
  return ToLine(json);
}

std::string ToLine(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

ordered_json ErrorToReply(const Error& error) {
  ordered_json json = {{"kind", static_cast<int>(error.kind)}, {"code", error.code},   {"message", error.message},
                       {"evidence", error.evidence},           {"why", error.why},     {"fix", error.fix}};
  return {{"error", std::move(json)}};
}

Error ErrorFromReply(const ordered_json& json) {
  Error error;
  const int kind = NumberAt(json, "kind");
  const bool known = kind >= 0 && kind <= static_cast<int>(ErrorKind::kCancelled);
  error.kind = known ? static_cast<ErrorKind>(kind) : ErrorKind::kNeedsOperator;
  error.code = NumberAt(json, "code");
  error.message = TextAt(json, "message");
  error.evidence = TextAt(json, "evidence");
  error.why = TextAt(json, "why");
  if (const auto fix = json.find("fix"); fix != json.end() && fix->is_array())
    for (const ordered_json& line : *fix)
      if (line.is_string()) error.fix.push_back(line.get<std::string>());
  return error;
}

}  // namespace sluice

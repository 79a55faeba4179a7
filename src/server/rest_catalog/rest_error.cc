#include "server/rest_catalog/rest_error.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "observability/error_catalog.h"
#include "observability/log.h"

namespace sluice {
namespace {

std::string Text(const nlohmann::ordered_json& json) { return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

}  // namespace

HttpResponse RestError(int status, std::string_view type, const std::string& message) {
  return JsonResponse(status, Text({{"error", {{"message", message}, {"type", type}, {"code", status}}}}));
}

HttpResponse RestFailure(const Error& error) {
  const std::string message = fmt::format("SLU-{}: {}", EntryOf(error).code, error.message);
  log::Warn("serve", "serve.failed", message, {{"evidence", error.evidence}});
  if (error.kind != ErrorKind::kUnavailable) return RestError(500, "InternalServerError", message);
  HttpResponse busy = RestError(503, "ServiceUnavailableException", message);
  busy.headers.Add("Retry-After", "1");
  return busy;
}

HttpResponse OAuthError(int status, std::string_view error, const std::string& description) {
  return JsonResponse(status, Text({{"error", error}, {"error_description", description}}));
}

}  // namespace sluice

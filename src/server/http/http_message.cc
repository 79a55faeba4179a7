#include "server/http/http_message.h"

#include <strings.h>

namespace sluice {

std::string_view HttpHeaders::Get(std::string_view name) const {
  for (const auto& [known, value] : all_)
    if (known.size() == name.size() && ::strncasecmp(known.data(), name.data(), name.size()) == 0) return value;
  return {};
}

HttpResponse JsonResponse(int status, std::string body) {
  HttpResponse response{.status = status, .body = std::move(body)};
  response.headers.Add("Content-Type", "application/json");
  return response;
}

}  // namespace sluice

#include "storage/endpoint.h"

#include <fmt/format.h>

#include "observability/error_catalog.h"

namespace sluice {

Result<Endpoint> ParseEndpoint(const std::string& uri) {
  const size_t end = uri.find("://");
  Endpoint endpoint{uri.substr(0, end), end == std::string::npos ? "" : uri.substr(end + 3)};
  if (endpoint.scheme != "https" && endpoint.scheme != "http")
    return Error{ErrorKind::kNeedsOperator, fmt::format("the storage endpoint '{}' does not begin with https:// or http://", uri), slu::kStorageLocation};
  while (endpoint.authority.ends_with('/')) endpoint.authority.pop_back();
  return endpoint;
}

}  // namespace sluice

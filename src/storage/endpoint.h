#pragma once

#include <string>

#include "base/result.h"

namespace sluice {

/// Where a store is reached.
struct Endpoint {
  std::string scheme;     ///< "https" or "http".
  std::string authority;  ///< "host:port".
};

/// Error: kNeedsOperator (4001).
Result<Endpoint> ParseEndpoint(const std::string& uri);

}  // namespace sluice

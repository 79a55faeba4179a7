#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// A slash before each segment, without `.`, doubled and trailing slashes: "/a/b", or "". Error: kNeedsOperator on `..`,
/// and on characters that readers of a URI would take apart otherwise.
Result<std::string> CanonicalPath(std::string_view path);

}  // namespace sluice

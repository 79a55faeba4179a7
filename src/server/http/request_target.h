#pragma once
// Path and query of a request, taken apart before they are decoded, so that an encoded slash stays part of a name.
//
//   target = "/" segment *( "/" segment ) [ "?" name [ "=" value ] *( "&" name [ "=" value ] ) ]

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sluice {

using FormFields = std::vector<std::pair<std::string, std::string>>;

struct RequestTarget {
  std::vector<std::string> path;  ///< Decoded. "/v1/a%2Fb" is {"v1", "a/b"}; a slash at the end counts for nothing.
  FormFields query;
};

/// Error: kCorrupt: no path, an empty segment, or what PercentDecode refuses.
Result<RequestTarget> ParseTarget(std::string_view target);

/// application/x-www-form-urlencoded, where '+' is a blank. Error: kCorrupt, as of PercentDecode.
Result<FormFields> ParseForm(std::string_view text);

/// Error: kCorrupt: a '%' without two hexadecimal digits behind it, a zero byte, or what is no UTF-8 in the end.
Result<std::string> PercentDecode(std::string_view text);

/// The first of that name.
std::optional<std::string_view> Find(const FormFields& fields, std::string_view name);

}  // namespace sluice

#include "audit/json_access.h"

#include <charconv>

#include "base/nesting.h"

namespace sluice::audit {

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::optional<Json> Parse(std::string_view text) {
  constexpr size_t kLevelsMax = 128;
  if (NestsDeeperThan(text, kLevelsMax)) return std::nullopt;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? std::nullopt : std::optional(std::move(json));
}

}  // namespace sluice::audit

#pragma once
// Reading JSON that somebody else wrote: nothing here throws.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::audit {

using Json = nlohmann::json;

/// nullptr if the member is missing or null, or `object` is no object.
inline const Json* Member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

inline std::optional<int64_t> AsNumber(const Json& value) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return std::nullopt;
  return value.is_number_integer() ? std::optional(value.get<int64_t>()) : std::nullopt;
}

inline std::optional<int64_t> Number(const Json& object, const char* name) {
  const Json* found = Member(object, name);
  return found ? AsNumber(*found) : std::nullopt;
}

inline std::optional<std::string> Text(const Json& object, const char* name) {
  const Json* found = Member(object, name);
  return found && found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
}

/// An empty array for what is missing or of another kind.
inline const Json& Array(const Json& object, const char* name) {
  static const auto* const empty = new Json(Json::array());
  const Json* found = Member(object, name);
  return found && found->is_array() ? *found : *empty;
}

/// Of digits alone, with a sign at most.
std::optional<int64_t> ParseNumber(std::string_view text);

/// nullopt: not JSON, or nested deeper than any metadata is.
std::optional<Json> Parse(std::string_view text);

}  // namespace sluice::audit

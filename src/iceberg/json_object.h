#pragma once
// Reading the members of a JSON object that somebody else wrote.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/nesting.h"
#include "base/result.h"
#include "iceberg/format_error.h"
#include "iceberg/snapshot.h"

namespace sluice::iceberg {

/// Reads typed members. The first mistake is kept, later reads give zero or nothing; status() tells
/// it at the end.
class JsonObject {
 public:
  using Json = nlohmann::ordered_json;

  /// `what`: for messages, e.g. "a snapshot". Both must outlive the reader.
  JsonObject(const Json& json, const char* what) : json_(json), what_(what) {
    if (!json.is_object()) Fail("is not an object");
  }

  /// nullptr if the member is missing or null.
  const Json* Find(const char* key) const {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  /// An empty array or object stands for what is missing.
  const Json& Array(const char* key, bool required = false) {
    static const auto* empty = new Json(Json::array());
    const Json* found = Find(key);
    if (found && found->is_array()) return *found;
    if (found || required) Fail(std::string("has no list '") + key + "'");
    return *empty;
  }
  const Json& Object(const char* key) {
    static const auto* empty = new Json(Json::object());
    const Json* found = Find(key);
    if (found && found->is_object()) return *found;
    if (found) Fail(std::string("has a wrong '") + key + "'");
    return *empty;
  }

  std::optional<int64_t> OptionalLong(const char* key) {
    const Json* found = Find(key);
    if (!found) return std::nullopt;
    if (!found->is_number_integer()) return WrongNumber(key);
    if (found->is_number_unsigned() && found->get<uint64_t>() > INT64_MAX) return WrongNumber(key);
    return found->get<int64_t>();
  }
  int64_t Long(const char* key) {
    const std::optional<int64_t> value = OptionalLong(key);
    if (!value) WrongNumber(key);
    return value.value_or(0);
  }
  std::optional<int32_t> OptionalInt(const char* key) {
    const std::optional<int64_t> value = OptionalLong(key);
    if (!value) return std::nullopt;
    if (*value < INT32_MIN || *value > INT32_MAX) {
      WrongNumber(key);
      return std::nullopt;
    }
    return static_cast<int32_t>(*value);
  }
  int32_t Int(const char* key) {
    const std::optional<int32_t> value = OptionalInt(key);
    if (!value) WrongNumber(key);
    return value.value_or(0);
  }

  std::optional<std::string> OptionalText(const char* key) {
    const Json* found = Find(key);
    if (!found) return std::nullopt;
    if (found->is_string()) return found->get<std::string>();
    Fail(std::string("has a wrong '") + key + "'");
    return std::nullopt;
  }
  std::string Text(const char* key) {
    std::optional<std::string> value = OptionalText(key);
    if (!value) Fail(std::string("has no text '") + key + "'");
    return std::move(value).value_or("");
  }
  bool Boolean(const char* key) {
    const Json* found = Find(key);
    if (!found || !found->is_boolean()) {
      Fail(std::string("has no boolean '") + key + "'");
      return false;
    }
    return found->get<bool>();
  }
  /// An object of texts.
  Properties Texts(const char* key) {
    Properties texts;
    for (const auto& [name, value] : Object(key).items()) {
      if (value.is_string())
        texts[name] = value.get<std::string>();
      else
        Fail(std::string("has a wrong '") + key + "'");
    }
    return texts;
  }

  void Fail(const std::string& message) {
    if (status_.ok()) status_ = Corrupt(std::string(what_) + " " + message);
  }
  const Status& status() const { return status_; }

 private:
  std::optional<int64_t> WrongNumber(const char* key) {
    Fail(std::string("has no acceptable number '") + key + "'");
    return std::nullopt;
  }

  const Json& json_;
  const char* const what_;
  Status status_;
};

/// Far beyond the deepest schema that is taken.
inline constexpr size_t kJsonLevelsMax = 256;

/// Error: kCorrupt, saying what isn't JSON.
inline Result<nlohmann::ordered_json> ParseJson(std::string_view text, const char* what) {
  if (NestsDeeperThan(text, kJsonLevelsMax)) return Corrupt(std::string(what) + " is nested too deeply");
  auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Corrupt(std::string(what) + " is not JSON");
  return json;
}

}  // namespace sluice::iceberg

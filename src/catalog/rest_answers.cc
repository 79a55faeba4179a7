// config     {"defaults": {…}, "overrides": {…}, "endpoints": ["POST /v1/{prefix}/transactions/commit", …]}
// namespaces {"namespaces": [["a", "b"], …], "next-page-token": "…"}
// tables     {"identifiers": [{"namespace": ["a"], "name": "t"}, …], "next-page-token": "…"}
// table      {"metadata-location": "…", "metadata": {…}}
// refusal    {"error": {"message": "…", "type": "…", "code": 409}}, of tokens {"error": "…", "error_description": "…"}

#include "catalog/rest_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/printable.h"
#include "iceberg/json_object.h"
#include "iceberg/table_metadata_json.h"
#include "observability/error_catalog.h"
#include "storage/canonical_path.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWordsMax = 500;
constexpr size_t kErrorBytesMax = 1 << 20;
constexpr size_t kSeparatorBytesMax = 16;
constexpr int64_t kLifetimeMaxSeconds = 30LL * 24 * 3600;

Error NotOfTheProtocol(std::string message) { return Error{ErrorKind::kCorrupt, std::move(message), slu::kRestAnswer}; }

std::string Encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (IsSafeInUrl({&c, 1}) && c != '|') encoded += c;
    else fmt::format_to(std::back_inserter(encoded), "%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

Result<std::string> NamespaceFrom(const Json& levels) {
  std::string name;
  const bool good = levels.is_array() && !levels.empty() && std::all_of(levels.begin(), levels.end(), [](const Json& level) { return level.is_string(); });
  if (!good) return NotOfTheProtocol("the REST catalog lists what is no namespace");
  for (const Json& level : levels) name += (name.empty() ? "" : ".") + level.get_ref<const std::string&>();
  return name;
}

template <class NameOf>
Result<ListPage> PageFrom(const Json& json, const char* list, NameOf&& name_of) {
  iceberg::JsonObject object(json, "a list");
  ListPage page;
  const Json& items = object.Array(list, /*required=*/true);
  page.next = object.OptionalText("next-page-token").value_or("");
  if (!object.status().ok()) return NotOfTheProtocol(object.status().error().message);
  for (const Json& item : items) {
    ASSIGN_OR_RETURN(page.names.emplace_back(), name_of(item));
  }
  return page;
}

}  // namespace

Result<ServerConfig> ServerConfigFrom(const Json& json) {
  iceberg::JsonObject object(json, "the REST catalog's configuration");
  iceberg::Properties settings = object.Texts("defaults");
  for (const auto& [key, value] : object.Texts("overrides")) settings[key] = value;
  const Json& endpoints = object.Array("endpoints");
  if (!object.status().ok()) return NotOfTheProtocol(object.status().error().message);
  ServerConfig config;
  if (const auto prefix = settings.find("prefix"); prefix != settings.end()) config.prefix = Encoded(prefix->second);
  if (const auto separator = settings.find("namespace-separator"); separator != settings.end()) config.namespace_separator = separator->second;
  if (const auto uri = settings.find("uri"); uri != settings.end()) config.uri = uri->second;
  const bool good = IsSafeInUrl(config.namespace_separator) && !config.namespace_separator.empty() && config.namespace_separator.size() <= kSeparatorBytesMax &&
                    IsSafeInUrl(config.uri.value_or(""));
  if (!good) return NotOfTheProtocol("the REST catalog's configuration makes no address");
  // Where a server lists none it is older than the list, and those had them.
  const auto offers = [&](std::string_view what) {
    return endpoints.empty() || std::any_of(endpoints.begin(), endpoints.end(), [&](const Json& endpoint) {
             return endpoint.is_string() && endpoint.get_ref<const std::string&>().starts_with("POST ") && endpoint.get_ref<const std::string&>().ends_with(what);
           });
  };
  config.lists_endpoints = !endpoints.empty();
  config.offers_transactions = offers("/transactions/commit");
  config.offers_commits = offers("/tables/{table}");
  config.keeps_branches = std::any_of(settings.begin(), settings.end(), [](const auto& setting) { return setting.first.starts_with("nessie."); });
  return config;
}

Result<ListPage> NamespacesFrom(const Json& json) { return PageFrom(json, "namespaces", NamespaceFrom); }

Result<ListPage> TablesFrom(const Json& json) {
  return PageFrom(json, "identifiers", [](const Json& item) -> Result<std::string> {
    iceberg::JsonObject identifier(item, "a table's identifier");
    std::string name = identifier.Text("name");
    if (!identifier.status().ok()) return NotOfTheProtocol(identifier.status().error().message);
    return name;
  });
}

Result<iceberg::Properties> NamespacePropertiesFrom(const Json& json) {
  iceberg::JsonObject object(json, "a namespace's answer");
  iceberg::Properties properties = object.Texts("properties");
  if (!object.status().ok()) return NotOfTheProtocol(object.status().error().message);
  return properties;
}

Result<CatalogTable> TableFrom(const Json& json) {
  iceberg::JsonObject object(json, "a table's answer");
  CatalogTable table;
  table.metadata_location = CanonicalUri(object.OptionalText("metadata-location").value_or(""));
  const Json& metadata = object.Object("metadata");
  if (!object.status().ok()) return NotOfTheProtocol(object.status().error().message);
  ASSIGN_OR_RETURN(iceberg::TableMetadata parsed, iceberg::TableMetadataFromJson(metadata));
  parsed.location = CanonicalUri(parsed.location);
  for (iceberg::MetadataLogEntry& entry : parsed.metadata_log) entry.metadata_file = CanonicalUri(entry.metadata_file);
  table.metadata = std::make_shared<const iceberg::TableMetadata>(std::move(parsed));
  return table;
}

Result<std::string> MetadataLocationFrom(const Json& json) {
  iceberg::JsonObject object(json, "a table's answer");
  std::string location = CanonicalUri(object.Text("metadata-location"));
  if (!object.status().ok()) return NotOfTheProtocol(object.status().error().message);
  return location;
}

Result<TokenAnswer> TokenFrom(std::string_view body) {
  const auto json = iceberg::ParseJson(body, "a token's answer");
  TokenAnswer answer;
  if (json.ok() && json->is_object()) {
    iceberg::JsonObject object(*json, "a token's answer");
    answer.token = object.OptionalText("access_token").value_or("");
    answer.seconds = object.OptionalLong("expires_in");
  }
  // It goes into a header.
  const bool good = !answer.token.empty() && std::all_of(answer.token.begin(), answer.token.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!good) return NotOfTheProtocol("the answer to a request for a token holds none");
  if (answer.seconds && *answer.seconds <= 0) answer.seconds.reset();
  if (answer.seconds) answer.seconds = std::min(*answer.seconds, kLifetimeMaxSeconds);
  return answer;
}

std::string WordsOf(int status, std::string_view body) {
  std::string words = status == 0 ? "" : std::to_string(status);
  const auto add = [&](const char* separator, const std::optional<std::string>& text) {
    if (text && !text->empty()) words += (words.empty() ? "" : separator) + *text;
  };
  if (body.size() <= kErrorBytesMax)
    if (const auto json = iceberg::ParseJson(body, "an error"); json.ok() && json->is_object()) {
      const auto error = json->find("error");
      const bool nested = error != json->end() && error->is_object();
      iceberg::JsonObject object(nested ? *error : *json, "an error");
      add(" ", object.OptionalText(nested ? "type" : "error"));
      add(": ", object.OptionalText(nested ? "message" : "error_description"));
    }
  return Printable(words.substr(0, kWordsMax));
}

bool IsSafeInUrl(std::string_view text) {
  constexpr std::string_view kUnsafe = "?#\"\\<>^`{}";
  return std::all_of(text.begin(), text.end(), [&](char c) { return c > ' ' && c < 0x7f && kUnsafe.find(c) == std::string_view::npos; });
}

}  // namespace sluice

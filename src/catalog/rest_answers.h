#pragma once
// What a server of Iceberg's REST protocol answers, none of which is trusted. Pure. Error of all: kCorrupt (4143; of metadata also as of
// ParseTableMetadata).

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"

namespace sluice {

/// GET /v1/config
struct ServerConfig {
  std::string prefix;                     ///< Of paths, encoded; empty: none.
  std::string namespace_separator = "%1F";  ///< Between levels in a path, encoded.
  std::optional<std::string> uri;         ///< Where the server wants to be asked.
  bool lists_endpoints = false;           ///< Whether what it offers is known.
  bool offers_transactions = true;        ///< Commits of several tables.
  bool offers_commits = true;             ///< Commits of one table.
  bool keeps_branches = false;            ///< Has states of tables that their metadata does not name, and says so.
};
Result<ServerConfig> ServerConfigFrom(const nlohmann::ordered_json& json);

/// One page of a list.
struct ListPage {
  std::vector<std::string> names;  ///< Of namespaces with their levels joined by dots.
  std::string next;                ///< Names the next page; empty: this is the last one.
};
Result<ListPage> NamespacesFrom(const nlohmann::ordered_json& json);
Result<ListPage> TablesFrom(const nlohmann::ordered_json& json);

Result<iceberg::Properties> NamespacePropertiesFrom(const nlohmann::ordered_json& json);

Result<CatalogTable> TableFrom(const nlohmann::ordered_json& json);
Result<std::string> MetadataLocationFrom(const nlohmann::ordered_json& json);

/// RFC 6749, 5.1.
struct TokenAnswer {
  std::string token;               ///< Printable.
  std::optional<int64_t> seconds;  ///< That it lives, from 1.
};
Result<TokenAnswer> TokenFrom(std::string_view body);

/// What a refusal says, on one line; it holds no secret of ours. `status`: 0 leaves it out.
std::string WordsOf(int status, std::string_view body);

/// Whether a text may stand in a URL as it is.
bool IsSafeInUrl(std::string_view text);

}  // namespace sluice

#include "config/rest_catalog_section.h"

#include <fmt/format.h>

#include "config/storage_section.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

// No query, and no password that would be shown with it.
bool IsBaseUri(const std::string& uri) {
  const size_t scheme = uri.starts_with("https://") ? 8 : uri.starts_with("http://") ? 7 : 0;
  return scheme != 0 && uri.size() > scheme && uri.find_first_of("@?# \t", scheme) == std::string::npos && uri[scheme] != '/';
}

void ReadUri(FieldReader& fields, std::string_view name, std::string& uri, Presence presence) {
  const YamlNode* const node = fields.Text(name, uri, presence);
  if (node != nullptr && !IsBaseUri(uri))
    fields.Mistake(slu::kBadValue, fmt::format("{} is no address of a server", Quoted(*node)), node, name, "", "", fmt::format("{}: https://catalog.example/api/catalog", name));
  while (uri.ends_with('/')) uri.pop_back();
}

void ReadClient(FieldReader& client, RestCatalogConfig& rest) {
  client.Text("client_id", rest.client_id, Presence::kRequired);
  client.Secret("client_secret", rest.client_secret, "SLUICE_CATALOG_SECRET");
  if (!client.Has("client_secret"))
    client.Mistake(slu::kMissingField, "a client needs a secret", nullptr, "client_secret", "", "", "client_secret: ${SLUICE_CATALOG_SECRET}");
  ReadUri(client, "token_uri", rest.token_uri, Presence::kOptional);
  client.Text("scope", rest.scope);
  client.RefuseOthers();
}

void ReadSigning(FieldReader& signing, RestCatalogConfig& rest) {
  signing.Choice("service", rest.signing_service, {"glue", "s3tables"}, Presence::kRequired);
  signing.Text("region", rest.signing_region, Presence::kRequired);
  signing.RefuseOthers();
}

}  // namespace

void ReadRestCatalog(FieldReader& catalog, const std::string& folder, LakeConfig& lake) {
  RestCatalogConfig& rest = lake.rest_catalog.emplace();
  ReadUri(catalog, "uri", rest.uri, Presence::kRequired);
  catalog.Text("warehouse", rest.warehouse);
  catalog.Secret("token", rest.token, "SLUICE_CATALOG_TOKEN");
  if (auto client = catalog.Mapping("oauth2")) ReadClient(*client, rest);
  if (auto signing = catalog.Mapping("sigv4")) ReadSigning(*signing, rest);
  if (int{catalog.Has("token")} + int{catalog.Has("oauth2")} + int{catalog.Has("sigv4")} > 1)
    catalog.Mistake(slu::kConflictingFields, "token, oauth2 and sigv4 exclude each other", nullptr, "token", "", "A request carries one proof of who sends it.", "keep one of them");
  std::string orphans = "keep";
  catalog.Choice("orphans", orphans, {"keep", "remove"});
  rest.removes_orphans = orphans == "remove";
  if (catalog.Text("ca_file", rest.ca_file) != nullptr) rest.ca_file = AbsolutePath(rest.ca_file, folder);
}

}  // namespace sluice

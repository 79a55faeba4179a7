#include "server/rest_catalog/rest_catalog.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "server/rest_catalog/namespace_levels.h"
#include "server/rest_catalog/paging.h"
#include "server/rest_catalog/rest_error.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kLoadAttempts = 4;

constexpr std::array<const char*, 9> kEndpoints = {
    "GET /v1/{prefix}/namespaces", "GET /v1/{prefix}/namespaces/{namespace}", "HEAD /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables", "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}", "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics", "GET /v1/config", "POST /v1/oauth/tokens"};

TokenAuthority::Time Now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

// What other programs wrote into the catalog may be no UTF-8.
std::string Text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

HttpResponse NoNamespace(const std::string& name_space) { return RestError(404, "NoSuchNamespaceException", "Namespace does not exist: " + name_space); }
HttpResponse NoTable(const TableIdentifier& table) { return RestError(404, "NoSuchTableException", "Table does not exist: " + ToString(table)); }

HttpResponse Otherwise(const RoutedRequest& request) {
  if (request.http.method == "GET" || request.http.method == "HEAD") return RestError(404, "NotFoundException", "this catalog has no such endpoint");
  return RestError(403, "UnsupportedOperationException", "this catalog is read-only: sluice writes the lake");
}

TableIdentifier TableOf(const RoutedRequest& request) { return {NamespaceFromPath(request.names.at("namespace")), request.names.at("table")}; }

// A site that a browser shows could have its name mean this machine, and read what needs no token.
bool NamesThisMachine(std::string host) {
  if (const size_t colon = host.rfind(':'); colon != std::string::npos && host.find(']', colon) == std::string::npos) host.resize(colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::array<unsigned char, sizeof(in6_addr)> address;
  return host == "localhost" || inet_pton(AF_INET, host.c_str(), address.data()) == 1 || inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

bool Matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    std::string_view one = if_none_match.substr(0, if_none_match.find(','));
    if_none_match.remove_prefix(std::min(if_none_match.size(), one.size() + 1));
    one.remove_prefix(std::min(one.size(), one.find_first_not_of(' ')));
    one = one.substr(0, one.find_last_not_of(' ') + 1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag || one == "*") return true;
  }
  return false;
}

}  // namespace

RestCatalog::RestCatalog(RestCatalogOptions options, LakeReader& lake)
    : options_(std::move(options)), authority_(options_.token, options_.clients), store_json_(Text(options_.store)), lake_(lake), router_(Otherwise) {
  const std::string name_space = "/v1/namespaces/{namespace}", table = name_space + "/tables/{table}";
  const auto serve = [this](auto method) { return [this, method](const RoutedRequest& request) { return (this->*method)(request); }; };
  router_.Add("GET", "/v1/config", [this](const RoutedRequest&) { return Config(); });
  router_.Add("GET", "/v1/namespaces", serve(&RestCatalog::ListNamespaces));
  for (const char* const method : {"GET", "HEAD"}) router_.Add(method, name_space, serve(&RestCatalog::LoadNamespace));
  router_.Add("GET", name_space + "/tables", serve(&RestCatalog::ListTables));
  router_.Add("GET", table, serve(&RestCatalog::LoadTable));
  router_.Add("HEAD", table, serve(&RestCatalog::HasTable));
  router_.Add("POST", table + "/metrics", [](const RoutedRequest&) { return HttpResponse{.status = 204}; });
}

HttpResponse RestCatalog::Answer(const HttpRequest& request) const {
  auto target = ParseTarget(request.target);
  if (!target.ok()) return RestError(400, "BadRequestException", target.error().message);
  RoutedRequest routed{request, *std::move(target)};
  auto& path = routed.target.path;
  if (request.method == "POST" && path == std::vector<std::string>{"v1", "oauth", "tokens"}) return GiveToken(routed);
  if (authority_.open_to_all()) {
    if (!NamesThisMachine(std::string(request.headers.Get("Host")))) return RestError(403, "ForbiddenException", "name this machine by its address: without a token no other name is taken");
  } else if (!authority_.Accepts(BearerOf(request.headers.Get("Authorization")), Now())) {
    HttpResponse refused = RestError(401, "NotAuthorizedException", "the token is missing, wrong or expired");
    refused.headers.Add("WWW-Authenticate", "Bearer");
    return refused;
  }
  const bool has_prefix = path.size() > 2 && path[1] == options_.name && path[1] != "namespaces";
  if (has_prefix) path.erase(path.begin() + 1);
  return router_.Route(std::move(routed));
}

// RFC 6749, 4.4, and RFC 8693 for clients that exchange a token for a fresh one.
HttpResponse RestCatalog::GiveToken(const RoutedRequest& request) const {
  const auto form = ParseForm(request.http.body);
  if (!form.ok()) return OAuthError(400, "invalid_request", form.error().message);
  const std::string_view grant = Find(*form, "grant_type").value_or("");
  const std::string_view authorization = request.http.headers.Get("Authorization");
  std::optional<std::string> token;
  if (const auto basic = BasicOf(authorization)) token = authority_.GrantForSecret(basic->client, basic->secret, Now());
  else if (grant == "client_credentials") token = authority_.GrantForSecret(Find(*form, "client_id").value_or(""), Find(*form, "client_secret").value_or(""), Now());
  else if (grant == "urn:ietf:params:oauth:grant-type:token-exchange") token = authority_.GrantForToken(Find(*form, "subject_token").value_or(""), Now());
  else return OAuthError(400, "unsupported_grant_type", "client_credentials and token-exchange are known here");
  if (!token) return OAuthError(401, "invalid_client", "there is no client of that name and secret");
  HttpResponse given = JsonResponse(200, Text({{"access_token", *token}, {"token_type", "bearer"}, {"expires_in", TokenAuthority::kLifetime.count()},
                                               {"issued_token_type", "urn:ietf:params:oauth:token-type:access_token"}}));
  given.headers.Add("Cache-Control", "no-store");
  return given;
}

HttpResponse RestCatalog::Config() const {
  return JsonResponse(200, Text({{"defaults", Json::object()}, {"overrides", Json::object()}, {"endpoints", kEndpoints}}));
}

HttpResponse RestCatalog::ListNamespaces(const RoutedRequest& request) const {
  const auto all = lake_.Namespaces();
  if (!all.ok()) return RestFailure(all.error());
  std::optional<std::string> parent;
  if (const auto given = Find(request.target.query, "parent"); given && !given->empty()) parent = NamespaceFromPath(*given);
  if (parent && !Contains(*all, *parent)) return NoNamespace(*parent);
  const auto page = PageOf(Children(*all, parent), request.target.query);
  if (!page.ok()) return RestError(400, "BadRequestException", page.error().message);
  Json answer = {{"namespaces", Json::array()}};
  for (const std::string& name : page->names) answer["namespaces"].push_back(LevelsOf(name));
  if (page->next) answer["next-page-token"] = *page->next;
  return JsonResponse(200, Text(answer));
}

HttpResponse RestCatalog::LoadNamespace(const RoutedRequest& request) const {
  const std::string name = NamespaceFromPath(request.names.at("namespace"));
  const auto all = lake_.Namespaces();
  if (!all.ok()) return RestFailure(all.error());
  if (!Contains(*all, name)) return NoNamespace(name);
  if (request.http.method == "HEAD") return {.status = 204};
  const auto properties = lake_.PropertiesOf(name);
  if (!properties.ok()) return RestFailure(properties.error());
  Json answer = {{"namespace", LevelsOf(name)}, {"properties", Json::object()}};
  for (const auto& [key, value] : *properties) answer["properties"][key] = value;
  return JsonResponse(200, Text(answer));
}

HttpResponse RestCatalog::ListTables(const RoutedRequest& request) const {
  const std::string name_space = NamespaceFromPath(request.names.at("namespace"));
  const auto all = lake_.Namespaces();
  if (!all.ok()) return RestFailure(all.error());
  if (!Contains(*all, name_space)) return NoNamespace(name_space);
  auto names = lake_.Tables(name_space);
  if (!names.ok()) return RestFailure(names.error());
  const auto page = PageOf(*std::move(names), request.target.query);
  if (!page.ok()) return RestError(400, "BadRequestException", page.error().message);
  Json answer = {{"identifiers", Json::array()}};
  for (const std::string& name : page->names) answer["identifiers"].push_back({{"namespace", LevelsOf(name_space)}, {"name", name}});
  if (page->next) answer["next-page-token"] = *page->next;
  return JsonResponse(200, Text(answer));
}

HttpResponse RestCatalog::HasTable(const RoutedRequest& request) const {
  const TableIdentifier table = TableOf(request);
  const auto location = lake_.FindMetadata(table);
  if (!location.ok()) return RestFailure(location.error());
  return *location ? HttpResponse{.status = 204} : NoTable(table);
}

HttpResponse RestCatalog::LoadTable(const RoutedRequest& request) const {
  const TableIdentifier table = TableOf(request);
  const std::string_view wanted = Find(request.target.query, "snapshots").value_or("all");
  if (wanted != "all" && wanted != "refs") return RestError(400, "BadRequestException", "snapshots is 'all' or 'refs'");
  const SnapshotsWanted snapshots = wanted == "all" ? SnapshotsWanted::kAll : SnapshotsWanted::kReferenced;
  // Between looking and reading, the writer may commit so often that the file is gone.
  for (int attempt = 0; attempt < kLoadAttempts; ++attempt) {
    const auto location = lake_.FindMetadata(table);
    if (!location.ok()) return RestFailure(location.error());
    if (!*location) return NoTable(table);
    const std::string etag = EtagOf(**location, snapshots);
    HttpResponse response{.status = 304};
    response.headers.Add("ETag", etag);
    if (Matches(request.http.headers.Get("If-None-Match"), etag)) return response;
    const auto metadata = lake_.ReadMetadata(**location, snapshots);
    if (!metadata.ok()) return RestFailure(metadata.error());
    if (!*metadata) continue;
    response.status = 200;
    response.headers.Add("Content-Type", "application/json");
    response.body = fmt::format(R"({{"metadata-location":{},"metadata":{},"config":{}}})", Text(**location), **metadata, store_json_);
    return response;
  }
  return RestFailure(Error{ErrorKind::kUnavailable, fmt::format("the metadata of {} is gone each time it is read", ToString(table))});
}

// Of everything that an answer is made of.
std::string RestCatalog::EtagOf(const std::string& location, SnapshotsWanted snapshots) const {
  const std::string all = fmt::format("{}\n{}\n{}", snapshots == SnapshotsWanted::kAll ? "all" : "refs", location, store_json_);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
  std::string etag = "\"";
  for (size_t i = 0; i < 16; ++i) etag += fmt::format("{:02x}", digest[i]);
  return etag + '"';
}

}  // namespace sluice

#include "server/rest_catalog/rest_catalog.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "server/rest_catalog/metadata_document.h"
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

// A moment as the prefix of paths: one segment, which no client has to escape.
constexpr std::string_view kMomentPrefix = "at-";
std::string PrefixOf(uint64_t moment) { return fmt::format("{}{:016x}", kMomentPrefix, moment); }
std::optional<uint64_t> MomentOf(std::string_view segment) {
  if (!segment.starts_with(kMomentPrefix)) return std::nullopt;
  segment.remove_prefix(kMomentPrefix.size());
  uint64_t moment = 0;
  const auto parsed = std::from_chars(segment.data(), segment.data() + segment.size(), moment, 16);
  return segment.size() == 16 && parsed.ec == std::errc() && parsed.ptr == segment.data() + segment.size() ? std::optional(moment) : std::nullopt;
}

std::optional<SnapshotsWanted> SnapshotsOf(const RoutedRequest& request) {
  const std::string_view wanted = Find(request.target.query, "snapshots").value_or("all");
  if (wanted == "all") return SnapshotsWanted::kAll;
  return wanted == "refs" ? std::optional(SnapshotsWanted::kReferenced) : std::nullopt;
}

HttpResponse WrongSnapshots() { return RestError(400, "BadRequestException", "snapshots is 'all' or 'refs'"); }
HttpResponse GoneEachTime(const TableIdentifier& table) {
  return RestFailure(Error{ErrorKind::kUnavailable, fmt::format("the metadata of {} is gone each time it is read", ToString(table))});
}

HttpResponse Unchanged(const std::string& etag) {
  HttpResponse response{.status = 304};
  response.headers.Add("ETag", etag);
  return response;
}

void Fill(HttpResponse& response, const std::string& location, const std::string& metadata, const std::string& store_json) {
  response.status = 200;
  response.headers.Add("Content-Type", "application/json");
  response.body = fmt::format(R"({{"metadata-location":{},"metadata":{},"config":{}}})", Text(location), metadata, store_json);
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

/// The client has it already.
bool IsKnown(const RoutedRequest& request, const HttpResponse& unchanged) { return Matches(request.http.headers.Get("If-None-Match"), unchanged.headers.Get("ETag")); }

}  // namespace

RestCatalog::RestCatalog(RestCatalogOptions options, LakeReader& lake, Moments& moments)
    : options_(std::move(options)), authority_(options_.token, options_.clients), store_json_(Text(options_.store)), lake_(lake), moments_(moments), router_(Otherwise) {
  const auto serve = [this](auto method) { return [this, method](const RoutedRequest& request) { return (this->*method)(request); }; };
  router_.Add("GET", "/v1/config", serve(&RestCatalog::Config));
  for (const std::string base : {"/v1", "/v1/at/{moment}"}) {
    const std::string name_space = base + "/namespaces/{namespace}", table = name_space + "/tables/{table}";
    router_.Add("GET", base + "/namespaces", serve(&RestCatalog::ListNamespaces));
    for (const char* const method : {"GET", "HEAD"}) router_.Add(method, name_space, serve(&RestCatalog::LoadNamespace));
    router_.Add("GET", name_space + "/tables", serve(&RestCatalog::ListTables));
    router_.Add("GET", table, serve(base == "/v1" ? &RestCatalog::LoadTable : &RestCatalog::LoadTableAtMoment));
    router_.Add("HEAD", table, serve(&RestCatalog::HasTable));
    router_.Add("POST", table + "/metrics", [](const RoutedRequest&) { return HttpResponse{.status = 204}; });
  }
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
  if (path.size() > 2 && MomentOf(path[1])) path.insert(path.begin() + 1, "at");
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

// Who asks for "anything@now" gets a prefix that stands for a moment: what is loaded under it is as of then, for as long as the client lives.
HttpResponse RestCatalog::Config(const RoutedRequest& request) const {
  Json overrides = Json::object();
  const std::string_view warehouse = Find(request.target.query, "warehouse").value_or("");
  if (const size_t at = warehouse.rfind('@'); at != std::string_view::npos) {
    const auto moment = moments_.Find(warehouse.substr(at + 1));
    if (!moment.ok() && moment.error().kind == ErrorKind::kNeedsOperator) return RestError(400, "BadRequestException", moment.error().message);
    if (!moment.ok()) return RestFailure(moment.error());
    overrides["prefix"] = PrefixOf(*moment);
  }
  return JsonResponse(200, Text({{"defaults", Json::object()}, {"overrides", std::move(overrides)}, {"endpoints", kEndpoints}}));
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
  const auto snapshots = SnapshotsOf(request);
  if (!snapshots) return WrongSnapshots();
  // Between looking and reading, the writer may commit so often that the file is gone.
  for (int attempt = 0; attempt < kLoadAttempts; ++attempt) {
    const auto location = lake_.FindMetadata(table);
    if (!location.ok()) return RestFailure(location.error());
    if (!*location) return NoTable(table);
    HttpResponse response = Unchanged(EtagOf((*snapshots == SnapshotsWanted::kAll ? "all\n" : "refs\n") + **location));
    if (IsKnown(request, response)) return response;
    const auto metadata = lake_.ReadMetadata(**location, *snapshots);
    if (!metadata.ok()) return RestFailure(metadata.error());
    if (!*metadata) continue;
    Fill(response, **location, **metadata, store_json_);
    return response;
  }
  return GoneEachTime(table);
}

HttpResponse RestCatalog::LoadTableAtMoment(const RoutedRequest& request) const {
  const TableIdentifier table = TableOf(request);
  const auto snapshots = SnapshotsOf(request);
  if (!snapshots) return WrongSnapshots();
  const std::string& moment = request.names.at("moment");
  const auto position = MomentOf(moment);
  if (!position) return Otherwise(request);
  for (int attempt = 0; attempt < kLoadAttempts; ++attempt) {
    const auto loaded = moments_.Load(table, *position);
    if (!loaded.ok()) return RestFailure(loaded.error());
    if (!*loaded) return NoTable(table);
    const TableAtMoment& then = **loaded;
    if (!then.missing.empty()) return RestError(404, "NoSuchTableException", fmt::format("Table cannot be read as of that moment: {}: {}", ToString(table), then.missing));
    const std::string& location = then.metadata_location;
    HttpResponse response = Unchanged(EtagOf(fmt::format("{}\n{}\n{}", then.stays ? "" : moment, *snapshots == SnapshotsWanted::kAll ? "all" : "refs", location)));
    if (IsKnown(request, response)) return response;
    const auto metadata = lake_.ReadMetadata(location, SnapshotsWanted::kAll);
    if (!metadata.ok()) return RestFailure(metadata.error());
    if (!*metadata) continue;
    auto document = then.stays ? Result<std::string>(**metadata) : AsOfSnapshot(**metadata, then.snapshot_id);
    if (document.ok() && *snapshots == SnapshotsWanted::kReferenced) document = KeepReferencedSnapshots(*document);
    if (!document.ok()) return RestFailure(document.error());
    Fill(response, location, *document, store_json_);
    return response;
  }
  return GoneEachTime(table);
}

// Of everything that an answer is made of.
std::string RestCatalog::EtagOf(const std::string& document) const {
  const std::string all = document + "\n" + store_json_;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
  std::string etag = "\"";
  for (size_t i = 0; i < 16; ++i) etag += fmt::format("{:02x}", digest[i]);
  return etag + '"';
}

}  // namespace sluice

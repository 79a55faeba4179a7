#include "config/serve_section.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/storage_section.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr size_t kSecretBytesMin = 16;  // It guards against the whole network and may be tried without end.
constexpr const char* kElsewhere = "terminated_elsewhere";
constexpr const char* kMakeSecret = "umask 077; mkdir -p .sluice/secrets; openssl rand -hex 32 > .sluice/secrets/NAME";

bool IsAddress(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return inet_pton(AF_INET, text.c_str(), address.data()) == 1 || inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool IsLoopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

void ReadListen(FieldReader& fields, CatalogServeConfig& catalog) {
  std::string listen;
  const YamlNode* const node = fields.Text("listen", listen);
  if (node == nullptr) return;
  const size_t colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : listen.substr(colon + 1);
  if (host == "localhost") host = "127.0.0.1";
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  uint16_t number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool good = IsAddress(host) && bracketed == (host.find(':') != std::string::npos) && failed == std::errc() && end == port.data() + port.size() && number > 0;
  if (!good) {
    fields.Mistake(slu::kBadValue, fmt::format("{} cannot be {}", fields.PathOf("listen"), Quoted(*node)), node, "listen", "", "It takes an IP address of this machine and a port.",
                   "listen: 127.0.0.1:8181\nlisten: 0.0.0.0:8181    # every network: needs a token and TLS\nlisten: \"[::1]:8181\"");
    return;
  }
  catalog.address = host;
  catalog.port = number;
}

void ReadSecret(FieldReader& fields, std::string_view name, std::string_view variable, std::string& secret) {
  const YamlNode* const node = fields.Secret(name, secret, variable);
  if (node == nullptr) return;
  const bool printable = std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (secret.size() < kSecretBytesMin || !printable)
    fields.Mistake(slu::kBadValue, fmt::format("{} has fewer than {} characters, or others than a header may have", fields.PathOf(name), kSecretBytesMin), node, name, "",
                   "Whoever reaches the address can try as many as there are.", kMakeSecret);
}

void ReadClients(FieldReader& clients, CatalogServeConfig& catalog) {
  for (const YamlEntry& entry : clients.entries()) {
    auto client = clients.Nested(entry);
    if (!client) continue;
    const bool good = !entry.key.empty() && entry.key.size() <= 64 && std::all_of(entry.key.begin(), entry.key.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (!good)
      clients.Mistake(slu::kBadValue, "the name of a client has at most 64 characters: letters, digits, _ and -", &entry.value, entry.key, "", "", "choose another name");
    std::string secret;
    if (!client->Has("client_secret"))
      client->Mistake(slu::kMissingField, fmt::format("{} is missing", client->PathOf("client_secret")), nullptr, "client_secret", "", "", "client_secret: ${secret:file:NAME}");
    ReadSecret(*client, "client_secret", "SLUICE_CLIENT_SECRET", secret);
    if (good && !secret.empty()) catalog.clients[entry.key] = secret;
    client->RefuseOthers();
  }
  if (clients.entries().empty()) clients.Mistake(slu::kMissingField, fmt::format("{} names nobody", clients.path()), nullptr, "", "", "", "clients: { spark: { client_secret: ${secret:file:spark} } }");
}

void ReadTls(FieldReader& fields, const std::string& folder, CatalogServeConfig& catalog) {
  const auto entry = std::find_if(fields.entries().begin(), fields.entries().end(), [](const YamlEntry& one) { return one.key == "tls"; });
  if (entry != fields.entries().end() && entry->value.kind == YamlNode::Kind::kScalar) {
    std::string word;
    catalog.tls_elsewhere = fields.Choice("tls", word, {kElsewhere}) != nullptr;
    return;
  }
  auto tls = fields.Mapping("tls");
  if (!tls) return;
  if (tls->Text("certificate", catalog.certificate_file, Presence::kRequired) != nullptr) catalog.certificate_file = AbsolutePath(catalog.certificate_file, folder);
  if (tls->Text("key", catalog.key_file, Presence::kRequired) != nullptr) catalog.key_file = AbsolutePath(catalog.key_file, folder);
  tls->RefuseOthers();
}

// Whoever reaches the address sees every table's columns, statistics and where its files are.
void CheckExposure(FieldReader& fields, const CatalogServeConfig& catalog) {
  if (IsLoopback(catalog.address)) return;
  if (!fields.Has("token") && !fields.Has("clients"))
    fields.Mistake(slu::kMissingField, fmt::format("{} is open to the network without a token", fields.path()), nullptr, "token", "",
                   fmt::format("Whoever reaches {} could read the names, columns and statistics of all tables.", catalog.address),
                   fmt::format("token: ${{secret:file:catalog-token}}    # {}\nlisten: 127.0.0.1:8181", kMakeSecret));
  if (!fields.Has("tls"))
    fields.Mistake(slu::kMissingField, fmt::format("{} is open to the network without TLS", fields.path()), nullptr, "tls", "",
                   "Tokens would cross the network in the clear.",
                   fmt::format("tls: {{ certificate: /etc/sluice/tls.crt, key: /etc/sluice/tls.key }}\ntls: {}    # where a proxy in front of it does\nlisten: 127.0.0.1:8181", kElsewhere));
}

}  // namespace

void ReadServe(FieldReader& serve, const std::string& folder, bool has_mistakes, Config& config) {
  if (auto fields = serve.Mapping("catalog")) {
    CatalogServeConfig& catalog = config.serve_catalog.emplace();
    ReadListen(*fields, catalog);
    ReadSecret(*fields, "token", "SLUICE_CATALOG_TOKEN", catalog.token);
    if (auto clients = fields->Mapping("clients")) ReadClients(*clients, catalog);
    ReadTls(*fields, folder, catalog);
    CheckExposure(*fields, catalog);
    if (!config.lake && !has_mistakes)
      fields->Mistake(slu::kConflictingFields, "there is no lake to serve", nullptr, "", "", "The pipeline has no sink of type iceberg.", "remove serve.catalog\nadd the lake to the pipeline's `to`");
    if (config.lake && config.lake->rest_catalog)
      fields->Mistake(slu::kConflictingFields, "the lake's catalog is a REST catalog already", nullptr, "", "", "Readers ask the server that keeps it.", "remove serve.catalog");
    fields->RefuseOthers();
  }
  serve.RefuseOthers();
}

}  // namespace sluice

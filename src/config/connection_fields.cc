#include "config/connection_fields.h"

#include <fmt/format.h>

#include "config/secrets.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

const std::vector<std::string> kTlsModes = {"disable", "prefer", "require", "verify-ca", "verify-full"};

// Messages of ${NAME:?message} are words for people and may look like a DSN.
std::string WithoutMessages(std::string text) {
  for (size_t at = text.find(":?"); at != std::string::npos; at = text.find(":?", at + 1)) {
    const size_t open = text.rfind("${", at);
    const size_t close = text.find('}', at);
    if (open != std::string::npos && close != std::string::npos) text.erase(at, close - at);
  }
  return text;
}

void ReadDsn(FieldReader& fields, const std::string& variable, std::string& dsn) {
  std::string text;
  const YamlNode* node = fields.Text("dsn", text);
  if (node == nullptr) return;
  const std::string raw = WithoutMessages(node->text);
  if (const auto password = FindPassword(raw); password && !IsOnlyVariable(std::string_view(raw).substr(password->begin, password->size))) {
    fields.Mistake(slu::kPlainSecret, fmt::format("{} holds a password in plain text", fields.PathOf("dsn")), node, "dsn", "", "",
                   fmt::format("put it into the environment: postgresql://USER:${{{}}}@HOST/DATABASE\n"
                               "or move the whole DSN into a file of mode 0600: dsn: ${{secret:file:NAME}}", variable));
    return;
  }
  if (!text.starts_with("postgres://") && !text.starts_with("postgresql://") && text.find('=') == std::string::npos) {
    fields.Mistake(slu::kBadValue, fmt::format("{} is no connection string", fields.PathOf("dsn")), node, "dsn", "", "",
                   "postgresql://USER@HOST:5432/DATABASE\nhost=HOST port=5432 dbname=DATABASE user=USER");
    return;
  }
  dsn = text;
}

}  // namespace

void ReadConnection(FieldReader& fields, const std::string& variable, std::string& dsn) {
  const bool has_dsn = fields.Has("dsn");
  ReadDsn(fields, variable, dsn);
  const auto part = [&](std::string_view name, std::string_view key, Presence presence) {
    std::string value;
    if (fields.Text(name, value, presence) == nullptr) return;
    if (has_dsn)
      fields.Mistake(slu::kConflictingFields, fmt::format("{} and dsn contradict each other", fields.PathOf(name)), nullptr, name);
    if (!has_dsn) dsn += (dsn.empty() ? "" : " ") + DsnPart(key, value);
  };
  const Presence presence = has_dsn ? Presence::kOptional : Presence::kRequired;
  part("host", "host", presence);
  int port = 0;
  if (fields.Integer("port", port, 1, 65535) != nullptr && !has_dsn) dsn += fmt::format(" port='{}'", port);
  part("database", "dbname", presence);
  part("user", "user", Presence::kOptional);
  std::string password;
  if (fields.Secret("password", password, variable) != nullptr) {
    if (has_dsn)
      fields.Mistake(slu::kConflictingFields, fmt::format("{} and dsn contradict each other", fields.PathOf("password")), nullptr, "password", "",
                     "", "put the variable into the dsn instead");
    else dsn += " " + DsnPart("password", password);
  }
  if (auto tls = fields.Mapping("tls")) {
    std::string mode, ca;
    if (tls->Choice("mode", mode, kTlsModes, Presence::kRequired) != nullptr && !has_dsn) dsn += " " + DsnPart("sslmode", mode);
    if (tls->Text("ca", ca) != nullptr && !has_dsn) dsn += " " + DsnPart("sslrootcert", ca);
    if (has_dsn)
      fields.Mistake(slu::kConflictingFields, fmt::format("{} and dsn contradict each other", fields.PathOf("tls")), nullptr, "tls", "",
                     "", "write sslmode and sslrootcert into the dsn instead");
    tls->RefuseOthers();
  }
}

}  // namespace sluice

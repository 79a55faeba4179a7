#include "cli/dsn_parts.h"

#include <memory>
#include <string_view>

#include "base/free_with.h"

namespace sluice::cli {

DsnParts PartsOf(const std::string& dsn, const PGconn* connection) {
  DsnParts parts;
  const std::unique_ptr<PQconninfoOption, FreeWith<PQconninfoFree>> options(PQconninfoParse(dsn.c_str(), nullptr));
  if (options == nullptr) {
    parts.whole = dsn;
    return parts;
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') continue;
    const std::string_view keyword = option->keyword;
    if (keyword == "host") parts.host = option->val;
    else if (keyword == "port") parts.port = option->val;
    else if (keyword == "dbname") parts.database = option->val;
    else if (keyword == "user") parts.user = option->val;
    else if (keyword == "password") parts.password = option->val;
    else if (keyword == "sslmode") parts.tls_mode = option->val;
    else if (keyword == "sslrootcert") parts.tls_ca = option->val;
    else parts.whole = dsn;
  }
  // Several hosts with several ports are one string again; so is a mode that the configuration has no word for.
  if (parts.port.find(',') != std::string::npos || parts.tls_mode == "allow") parts.whole = dsn;
  const auto known = [](const char* value) { return std::string(value != nullptr ? value : ""); };
  if (parts.host.empty()) parts.host = known(PQhost(connection));
  if (parts.port.empty()) parts.port = known(PQport(connection));
  if (parts.database.empty()) parts.database = known(PQdb(connection));
  if (parts.user.empty()) parts.user = known(PQuser(connection));
  if (parts.tls_mode.empty() && !parts.tls_ca.empty()) parts.whole = dsn;
  return parts;
}

}  // namespace sluice::cli

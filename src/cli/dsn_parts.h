#pragma once
// A connection string taken apart, so that its password can live elsewhere.

#include <libpq-fe.h>

#include <string>

namespace sluice::cli {

struct DsnParts {
  std::string host, port, database, user, password, tls_mode, tls_ca;
  /// The string itself, where it says more than the parts above can (or cannot be taken apart).
  std::string whole;
};

/// `connection`: made with `dsn`; tells what the string left to libpq's defaults.
DsnParts PartsOf(const std::string& dsn, const PGconn* connection);

}  // namespace sluice::cli

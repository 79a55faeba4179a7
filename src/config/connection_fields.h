#pragma once

#include <string>

#include "config/field_reader.h"

namespace sluice {

/// The connection of a source or sink: `dsn`, or host, port, database, user, password and tls. Writes a libpq
/// connection string. `variable`: the environment variable that remedies propose for its password.
void ReadConnection(FieldReader& fields, const std::string& variable, std::string& dsn);

}  // namespace sluice

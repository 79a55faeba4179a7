#pragma once

#include <string>

#include "base/result.h"
#include "postgres/connection.h"

namespace sluice {

/// Makes a schema of PostgreSQL where it is missing. Error: kNeedsOperator if the role may not.
Status EnsureNamespace(PgConnection& connection, const std::string& name);

}  // namespace sluice

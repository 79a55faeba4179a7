#pragma once

#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"

namespace sluice {

/// Sets the tables' sequences to their values of now. One that is gone, or that we may not read, keeps what it had.
Status ReadSequenceValues(PgConnection& connection, std::vector<TableDefinition>& tables);

}  // namespace sluice

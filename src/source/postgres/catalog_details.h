#pragma once
// The parts of a TableDefinition beside its columns; one set-based query each.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "source/postgres/expression_needs.h"

namespace sluice {

/// Where the definition of each table stands.
using DefinitionsByOid = std::map<Oid, TableDefinition*>;

Status ReadConstraints(PgConnection& connection, const std::string& oids, const NeedsOfTables& needs, const DefinitionsByOid& tables);
Status ReadIndexes(PgConnection& connection, const std::string& oids, const NeedsOfTables& needs, const DefinitionsByOid& tables);
/// Those that columns own, and those that expressions use.
Status ReadSequences(PgConnection& connection, const std::string& oids, const NeedsOfTables& needs, const DefinitionsByOid& tables);
/// Partitions, and the leaves with their sizes: of a plain table itself.
Status ReadPartitions(PgConnection& connection, const std::string& oids, const DefinitionsByOid& tables);
Status ReadSizes(PgConnection& connection, const std::string& oids, const DefinitionsByOid& tables);

}  // namespace sluice

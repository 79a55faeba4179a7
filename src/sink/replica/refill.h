#pragma once
// Copying a table again while its old rows stay to be seen: the new ones go into a table beside it, and at the end
// one transaction removes what differs and adds what is missing. Views, grants and indexes on the table stay.

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/replica/destination_types.h"
#include "sink/replica/table_shape.h"

namespace sluice {

/// The table beside: sluice.refill_OID.
TableName RefillName(const TableSchema& schema);

/// Makes it, empty. Error: kNeedsOperator (3101) if the table itself is of another kind.
Status PrepareRefill(PgConnection& connection, DestinationTypes& types, const TableDefinition& table, const TableShape& shape);

/// Inside a transaction of the caller: gives the table the source's columns and the rows beside it, and drops those.
Status MergeRefill(PgConnection& connection, DestinationTypes& types, const TableDefinition& table);

/// What makes the columns of `shape` the source's; columns of another type are made anew, and empty.
Result<std::vector<std::string>> ReshapeStatements(const TableDefinition& table, const TableShape& shape, DestinationTypes& types);

}  // namespace sluice

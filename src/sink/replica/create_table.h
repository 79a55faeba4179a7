#pragma once
// The empty tables of a copy, like the source's. What the replica cannot or must not have is left out and said.
// No foreign keys and no triggers: the source has checked and fired.

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/replica/destination_types.h"
#include "sink/replica/needed_objects.h"

namespace sluice {

/// Where the rows of a copy go.
enum class CopyPlace {
  kTable,   ///< Into the table, which is empty.
  kBeside,  ///< Into RefillName, since the table shows an earlier copy.
};

/// Makes room for a copy inside a transaction of the caller: removes what an interrupted one left, uses an empty
/// table of the same shape. Makes what its constraints and indexes will need.
/// Error: kNeedsOperator (another shape; rows that are not ours).
Result<CopyPlace> PrepareTable(PgConnection& connection, DestinationTypes& types, NeededObjects& needed, const TableDefinition& table);

/// Where the rows of a copy go that was prepared before.
Result<CopyPlace> PlaceOfCopy(PgConnection& connection, const TableName& table);

}  // namespace sluice

#pragma once
// Which ranges of copies that are not complete lie in the replica durably:
//
//   kept_copy   a row per table whose copy was begun: of which source table, and where its rows go
//   kept_range  a row per range, written in the transaction of the range's rows

#include "base/result.h"
#include "change/copy_state.h"
#include "postgres/connection.h"

namespace sluice {

/// What makes the two tables, for whoever makes the namespace.
extern const char* const kKeptCopyTables[2];

/// Only of tables whose rows are still where they were put, and at least one range.
Result<KeptCopies> ReadKeptCopies(PgConnection& connection);

/// Inside a transaction: the copy of `table` begins with no range, whatever was kept of it. `place`: the replica's table
/// that takes the rows.
Status BeginKeptCopy(PgConnection& connection, const TableName& table, const KeptCopy& copy, const TableName& place);

/// Inside the transaction of the range's rows, which were read under the snapshot at `lsn`.
Status RecordKeptRange(PgConnection& connection, const TableName& table, const BlockRange& range, Lsn lsn);

/// Inside a transaction.
Status ForgetKeptCopy(PgConnection& connection, const TableName& table);

}  // namespace sluice

#pragma once
// The columns of a table of the replica after those of the source, in place.

#include <functional>
#include <string>

#include "base/result.h"
#include "change/column_numbers.h"
#include "postgres/connection.h"
#include "sink/replica/destination_types.h"
#include "sink/replica/table_shape.h"

namespace sluice {

/// Renames, drops, adds and widens columns and lets nulls in. NOT NULL is not set: older rows may still come.
/// `known`: what the columns that are there are of the source. `begin` is called before the first change and must leave
/// a transaction open. True: something was done. Error: kNeedsOperator (3130) naming what takes a new copy.
Result<bool> FollowColumns(PgConnection& connection, DestinationTypes& types, const TableSchema& schema, const ColumnNames& known,
                           const std::function<Status()>& begin);

/// Whether every value of a column stays as the server prints it under the new type.
bool IsWidening(Oid from, int32_t from_typmod, Oid to, int32_t to_typmod);

}  // namespace sluice

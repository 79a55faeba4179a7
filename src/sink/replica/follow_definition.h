#pragma once
// What of the source's table no row tells: constraints, generated columns and partitions that came or went.

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/replica/follow_columns.h"
#include "sink/sink.h"

namespace sluice {

/// Inside a transaction of the caller; keys, constraints and indexes that are new come after it (BuildAfterRows).
/// `fingerprint`: of the source's table when this one was last brought to it. `ours`: made by a copy of ours; what else
/// the owner of another table has put there stays.
/// Error: kNeedsOperator (3130) naming what takes a new copy.
Status FollowDefinition(PgConnection& connection, DestinationTypes& types, const TableDefinition& table, const ColumnNames& known,
                        std::string_view fingerprint, bool ours, FollowExtent extent);

/// Keys, constraints and unique indexes that the source has no more, so that its rows find room. Of a table of ours.
Status DropGoneConstraints(PgConnection& connection, const TableDefinition& table);

/// Partitions that the source has got, and with kAll those that it has no more. Of a table of ours.
Status FollowPartitions(PgConnection& connection, const TableDefinition& table, FollowExtent extent);

}  // namespace sluice

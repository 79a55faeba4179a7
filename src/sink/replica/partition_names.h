#pragma once
// Names that are taken on the replica by a partition, or that a partition needs: tables are attached, detached and renamed
// while they are copied, so what an earlier attempt has made can stand where the source has something else by now.

#include <optional>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/replica/bookkeeping.h"

namespace sluice {

/// Where `name` is a partition of a table of ours that is not followed now: makes it a table by itself, with its rows.
/// nullopt: it is none. Inside a transaction of the caller.
Result<std::optional<TableOrigin>> DetachFormerPartition(PgConnection& connection, const TableName& name);

/// Drops what we have made under a name that a partition is to get. A followed table that loses a partition by this is copied
/// again. Inside a transaction of the caller.
Status FreeNameForPartition(PgConnection& connection, const TableName& name);

}  // namespace sluice

#pragma once

#include "base/result.h"
#include "postgres/connection.h"
#include "sink/row_repair.h"

namespace sluice {

/// Inside the open transaction: removes what stands under each key and inserts the row that belongs there.
/// Error: as the server refuses; kCorrupt if a tuple is not in text form.
Status RepairRows(PgConnection& connection, const RowRepair& repair);

}  // namespace sluice

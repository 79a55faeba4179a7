#pragma once

#include <map>

#include "change/lsn.h"
#include "change/table_schema.h"

namespace sluice {

/// A table whose initial copy is complete in one sink. Its rows are those of the exported snapshot taken at
/// `copy_lsn`: transactions with commit_lsn < copy_lsn are in it, all others must come by the stream.
struct CopiedTable {
  Oid oid = 0;  ///< Of the source table: another OID under the same name is another table.
  Lsn copy_lsn;
};

/// By source name. A table that is missing here needs an initial copy before it may take changes.
using CopiedTables = std::map<TableName, CopiedTable>;

}  // namespace sluice

#pragma once
// Holds tables to those who were named as the lake's readers.

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "change/table_schema.h"
#include "config/lake_readers.h"
#include "iceberg/table_metadata.h"

namespace sluice {

/// `others`: tables of the catalog; the table itself may be among them.
/// Error: kNeedsOperator (4160) if a reader would take two names for one, or refuses the name of a column.
Status CheckNamesFor(const std::vector<ReaderEngine>& readers, const TableSchema& table, const std::vector<TableIdentifier>& others);

/// What of a table that is there keeps some readers from it, because it was made for others: "redshift: id (uuid)". Empty: nothing.
std::string UnreadableFor(const std::vector<ReaderEngine>& readers, const iceberg::TableMetadata& table);

/// Whether Iceberg keeps the name for a column of its own, as Spark insists.
bool IsReservedColumnName(const std::string& name);

/// ASCII letters in lower case.
std::string LowerCase(std::string name);

}  // namespace sluice

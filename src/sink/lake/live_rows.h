#pragma once
// Walks over the rows that a data file still has, as cells.

#include <functional>
#include <span>
#include <stop_token>

#include "base/result.h"
#include "sink/lake/cell.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/table_files.h"
#include "storage/object_store.h"

namespace sluice {

/// One cell per column of the source, valid until the next row.
using VisitCells = std::function<Status(std::span<const Cell> cells)>;

/// Calls visit for each row that no commit has deleted, in order, until it fails. Error: what visit says; kCancelled; kCorrupt, and as
/// ObjectStore.
Status VisitLiveRows(ObjectStore& store, const TableFile& file, const LakeSchema& schema, const std::stop_token& stop, const VisitCells& visit);

/// The same, as columns.
using VisitColumns = std::function<Status(Columns columns)>;
Status VisitLiveColumns(ObjectStore& store, const TableFile& file, std::span<const std::shared_ptr<arrow::Field>> fields, const VisitColumns& visit);

}  // namespace sluice

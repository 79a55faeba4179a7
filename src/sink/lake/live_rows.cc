#include "sink/lake/live_rows.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include "sink/lake/cell_reader.h"
#include "sink/lake/row_selection.h"

namespace sluice {

Status VisitLiveRows(ObjectStore& store, const TableFile& file, const LakeSchema& schema, const std::stop_token& stop, const VisitCells& visit) {
  const auto& all = schema.arrow->fields();
  std::vector<std::shared_ptr<arrow::Field>> fields(all.begin(), all.begin() + static_cast<ptrdiff_t>(schema.source_columns()));
  std::vector<CellReader> readers(fields.size());
  std::vector<Cell> cells(fields.size());
  if (fields.empty()) fields.push_back(all.front());  // Rows without columns have to be counted by a stamp.
  return ReadDataFile(store, file.path, fields, [&](const Columns& columns, int64_t first) -> Status {
    if (stop.stop_requested()) return Error{ErrorKind::kCancelled, "verification stopped on request"};
    for (int64_t row = 0; row < columns[0]->length(); ++row) {
      if (file.committed_deletes.contains(static_cast<uint32_t>(first + row))) continue;
      for (size_t i = 0; i < readers.size(); ++i) readers[i].Read(*columns[i], row, cells[i]);
      RETURN_IF_ERROR(visit(cells));
    }
    return Ok();
  });
}

Status VisitLiveColumns(ObjectStore& store, const TableFile& file, std::span<const std::shared_ptr<arrow::Field>> fields, const VisitColumns& visit) {
  return ReadDataFile(store, file.path, fields, [&](const Columns& columns, int64_t first) -> Status {
    std::vector<int64_t> live;
    for (int64_t row = 0; row < columns[0]->length(); ++row)
      if (!file.committed_deletes.contains(static_cast<uint32_t>(first + row))) live.push_back(row);
    if (live.empty()) return Ok();
    if (static_cast<int64_t>(live.size()) == columns[0]->length()) return visit(columns);
    ASSIGN_OR_RETURN(Columns some, TakeRows(columns, live));
    return visit(std::move(some));
  });
}

}  // namespace sluice

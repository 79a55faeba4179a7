#include "sink/lake/row_selection.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>

#include "storage/arrow_error.h"

namespace sluice {

Result<std::shared_ptr<arrow::Array>> TakeRows(const std::shared_ptr<arrow::Array>& array, std::span<const int64_t> rows) {
  const arrow::Int64Array indices(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows.data(), rows.size()));
  auto taken = arrow::compute::Take(*array, indices, arrow::compute::TakeOptions::NoBoundsCheck());
  RETURN_IF_ERROR(FromArrow(taken.status(), "selecting rows"));
  return std::move(*taken);
}

Result<Columns> TakeRows(const Columns& columns, std::span<const int64_t> rows) {
  Columns taken;
  for (const auto& column : columns) {
    ASSIGN_OR_RETURN(auto array, TakeRows(column, rows));
    taken.push_back(std::move(array));
  }
  return taken;
}

}  // namespace sluice

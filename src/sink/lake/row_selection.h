#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "sink/lake/column_buffer.h"

namespace sluice {

/// The rows at `rows` of an array or of each column, in that order. Error: what Arrow says.
Result<std::shared_ptr<arrow::Array>> TakeRows(const std::shared_ptr<arrow::Array>& array, std::span<const int64_t> rows);
Result<Columns> TakeRows(const Columns& columns, std::span<const int64_t> rows);

}  // namespace sluice

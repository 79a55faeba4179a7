#pragma once
// Format 3 gives each row an id and remembers which commit last changed it. Both follow from a row's file and place, until it is
// written again elsewhere: then they stand in two columns.

#include <array>
#include <memory>

#include "base/result.h"
#include "iceberg/table_scan.h"
#include "sink/lake/column_buffer.h"

namespace arrow {
class Field;
}

namespace sluice {

/// `_row_id` and `_last_updated_sequence_number`.
std::array<std::shared_ptr<arrow::Field>, 2> LineageFields();

/// Fills in what rows inherit from their file. The last two of `columns` are the lineage as the file has it, null where it is
/// inherited; `first_row`: where in the file they begin. Rows of before the upgrade to format 3 may have no id yet.
Status FillLineage(const iceberg::LiveFile& file, int64_t first_row, Columns& columns);

/// What a manifest says of columns is about those of the table.
void LeaveOutLineage(iceberg::DataFile& file);

}  // namespace sluice

#include "sink/lake/row_lineage.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include "base/check.h"
#include "sink/lake/type_map.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

// Ids that Iceberg reserves.
constexpr int32_t kRowId = 2147483540, kLastUpdatedId = 2147483539;

/// `column` with value_at(row) in place of its nulls.
template <class ValueAt>
Status Fill(std::shared_ptr<arrow::Array>& column, const std::string& path, ValueAt value_at) {
  const auto& given = static_cast<const arrow::Int64Array&>(*column);
  arrow::Int64Builder filled;
  RETURN_IF_ERROR(FromArrow(filled.Reserve(given.length()), path));
  for (int64_t row = 0; row < given.length(); ++row) filled.UnsafeAppend(given.IsNull(row) ? value_at(row) : given.Value(row));
  return FromArrow(filled.Finish(&column), path);
}

}  // namespace

std::array<std::shared_ptr<arrow::Field>, 2> LineageFields() {
  using iceberg::Primitive;
  return {ToArrowField({kRowId, "_row_id", false, Primitive(iceberg::TypeId::kLong), ""}),
          ToArrowField({kLastUpdatedId, "_last_updated_sequence_number", false, Primitive(iceberg::TypeId::kLong), ""})};
}

Status FillLineage(const iceberg::LiveFile& file, int64_t first_row, Columns& columns) {
  SLUICE_CHECK(columns.size() >= 2);
  if (const auto first_id = file.file().first_row_id)
    RETURN_IF_ERROR(Fill(columns[columns.size() - 2], file.file().path, [&](int64_t row) { return *first_id + first_row + row; }));
  return Fill(columns.back(), file.file().path, [&](int64_t) { return file.file_sequence_number(); });
}

void LeaveOutLineage(iceberg::DataFile& file) {
  const auto is_lineage = [](const auto& of_column) { return of_column.first == kRowId || of_column.first == kLastUpdatedId; };
  for (auto* counts : {&file.column_sizes, &file.value_counts, &file.null_value_counts, &file.nan_value_counts}) std::erase_if(*counts, is_lineage);
  for (auto* bounds : {&file.lower_bounds, &file.upper_bounds}) std::erase_if(*bounds, is_lineage);
}

}  // namespace sluice

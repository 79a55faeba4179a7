#include "sink/lake/column_buffer.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/extension_type.h>

#include "base/check.h"
#include "sink/lake/column_appending.h"

namespace sluice {
namespace {

// An extension type is built as what it is stored as.
std::shared_ptr<arrow::DataType> StorageOf(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() == arrow::Type::EXTENSION) return static_cast<const arrow::ExtensionType&>(*type).storage_type();
  if (type->id() != arrow::Type::LIST) return type;
  const auto& list = static_cast<const arrow::ListType&>(*type);
  return arrow::list(list.value_field()->WithType(StorageOf(list.value_type())));
}

size_t SizeOf(const Cell& cell) {
  size_t size = 8 + cell.bytes.size();
  for (const Cell& item : cell.items) size += 8 + item.bytes.size();
  return cell.kind == CellKind::kDecimal ? 16 : size;
}

}  // namespace

std::shared_ptr<arrow::Array> AsType(const std::shared_ptr<arrow::Array>& array, const std::shared_ptr<arrow::DataType>& type) {
  if (array->type()->Equals(*type)) return array;
  std::shared_ptr<arrow::ArrayData> data = array->data()->Copy();
  data->type = type;
  if (type->id() == arrow::Type::LIST) {
    const auto& item_type = static_cast<const arrow::ListType&>(*type).value_type();
    data->child_data[0] = data->child_data[0]->Copy();
    data->child_data[0]->type = item_type;
  }
  return arrow::MakeArray(data);
}

// Bytes behind the offsets of a text column, which a builder does not reserve with its rows.
int64_t BytesIn(const arrow::Array& array) {
  const bool is_text = array.type_id() == arrow::Type::STRING || array.type_id() == arrow::Type::BINARY;
  return is_text ? static_cast<const arrow::BinaryArray&>(array).total_values_length() : 0;
}

struct ColumnBuffer::Column {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  AppendCell append;
  std::shared_ptr<arrow::DataType> type;
  int64_t bytes_before = 0;  ///< Of text, when it was finished last.
};

ColumnBuffer::ColumnBuffer(LakeSchemaPtr schema) : schema_(std::move(schema)) {
  for (const auto& field : schema_->arrow->fields()) {
    Column column;
    Must(arrow::MakeBuilder(arrow::default_memory_pool(), StorageOf(field->type()), &column.builder));
    column.append = AppendFor(*column.builder->type());
    column.type = field->type();
    columns_.push_back(std::move(column));
  }
}

ColumnBuffer::~ColumnBuffer() = default;

void ColumnBuffer::Append(std::span<const Cell> cells, const RowStamp& stamp) {
  SLUICE_CHECK(cells.size() == schema_->source_columns());
  size_t bytes = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    const Column& column = columns_[i];
    if (cells[i].is_null()) Must(column.builder->AppendNull()); else column.append(*column.builder, cells[i]);
    bytes += SizeOf(cells[i]);
  }
  Appended(1, bytes, stamp);
}

arrow::ArrayBuilder& ColumnBuffer::column(size_t number) { return *columns_[number].builder; }

void ColumnBuffer::Appended(int64_t rows, size_t bytes, const RowStamp& stamp) {
  const auto append = [&](auto& builder, int64_t value) {
    Must(builder.Reserve(rows));
    for (int64_t i = 0; i < rows; ++i) builder.UnsafeAppend(value);
  };
  append(static_cast<arrow::TimestampBuilder&>(column(schema_->ingested_at())), stamp.ingested_at.time_since_epoch().count());
  append(static_cast<arrow::TimestampBuilder&>(column(schema_->committed_at())), stamp.committed_at.time_since_epoch().count());
  append(static_cast<arrow::Int64Builder&>(column(schema_->lsn())), static_cast<int64_t>(stamp.lsn.value));
  const bool was_small = rows_ < kWorthReserving;
  rows_ += rows;
  size_bytes_ += bytes + 24 * static_cast<size_t>(rows);
  if (was_small && rows_ >= kWorthReserving) Reserve();
}

// A buffer that is filled again and again comes to about the same size: growing would copy all of it several times. Pages that are
// not used in the end take no memory.
void ColumnBuffer::Reserve() {
  for (Column& column : columns_) {
    const auto grown = [](int64_t before) { return before + before / 8; };
    if (rows_before_ > rows_) Must(column.builder->Reserve(grown(rows_before_) - rows_));
    auto* const text = dynamic_cast<arrow::BinaryBuilder*>(column.builder.get());
    if (text != nullptr && column.bytes_before > text->value_data_length()) Must(text->ReserveData(grown(column.bytes_before) - text->value_data_length()));
  }
}

Columns ColumnBuffer::Finish() {
  Columns arrays;
  for (Column& column : columns_) {
    std::shared_ptr<arrow::Array> array;
    Must(column.builder->Finish(&array));
    column.bytes_before = BytesIn(*array);
    arrays.push_back(AsType(array, column.type));
  }
  rows_before_ = rows_;
  rows_ = 0;
  size_bytes_ = 0;
  return arrays;
}

}  // namespace sluice

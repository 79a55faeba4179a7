#include "sink/lake/column_buffer.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/extension_type.h>
#include <arrow/util/decimal.h>

#include <bit>

#include "base/check.h"

namespace sluice {
namespace {

using AppendCell = void (*)(arrow::ArrayBuilder&, const Cell&);

// Appending fails only where memory is exhausted or 2^31 bytes of text are in one column, which the limits on
// buffers exclude.
void Must(const arrow::Status& status) { SLUICE_CHECK(status.ok()); }

template <class Builder, class T>
void AppendInteger(arrow::ArrayBuilder& builder, const Cell& cell) {
  Must(static_cast<Builder&>(builder).Append(static_cast<T>(cell.integer)));
}

void AppendBool(arrow::ArrayBuilder& builder, const Cell& cell) {
  Must(static_cast<arrow::BooleanBuilder&>(builder).Append(cell.integer != 0));
}

void AppendFloat(arrow::ArrayBuilder& builder, const Cell& cell) {
  Must(static_cast<arrow::FloatBuilder&>(builder).Append(std::bit_cast<float>(static_cast<uint32_t>(cell.integer))));
}

void AppendDouble(arrow::ArrayBuilder& builder, const Cell& cell) {
  Must(static_cast<arrow::DoubleBuilder&>(builder).Append(std::bit_cast<double>(cell.integer)));
}

void AppendDecimal(arrow::ArrayBuilder& builder, const Cell& cell) {
  const auto bits = static_cast<unsigned __int128>(cell.decimal);
  Must(static_cast<arrow::Decimal128Builder&>(builder).Append(
      arrow::Decimal128(static_cast<int64_t>(bits >> 64), static_cast<uint64_t>(bits))));
}

template <class Builder>
void AppendBytes(arrow::ArrayBuilder& builder, const Cell& cell) {
  Must(static_cast<Builder&>(builder).Append(cell.bytes));
}

AppendCell AppendFor(const arrow::DataType& type);

void AppendList(arrow::ArrayBuilder& builder, const Cell& cell) {
  auto& list = static_cast<arrow::ListBuilder&>(builder);
  Must(list.Append());
  arrow::ArrayBuilder& items = *list.value_builder();
  const AppendCell append = AppendFor(*items.type());
  for (const Cell& item : cell.items) {
    if (item.is_null()) Must(items.AppendNull()); else append(items, item);
  }
}

AppendCell AppendFor(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL: return AppendBool;
    case arrow::Type::INT32: return AppendInteger<arrow::Int32Builder, int32_t>;
    case arrow::Type::INT64: return AppendInteger<arrow::Int64Builder, int64_t>;
    case arrow::Type::DATE32: return AppendInteger<arrow::Date32Builder, int32_t>;
    case arrow::Type::TIMESTAMP: return AppendInteger<arrow::TimestampBuilder, int64_t>;
    case arrow::Type::FLOAT: return AppendFloat;
    case arrow::Type::DOUBLE: return AppendDouble;
    case arrow::Type::DECIMAL128: return AppendDecimal;
    case arrow::Type::STRING: return AppendBytes<arrow::StringBuilder>;
    case arrow::Type::BINARY: return AppendBytes<arrow::BinaryBuilder>;
    case arrow::Type::FIXED_SIZE_BINARY: return AppendBytes<arrow::FixedSizeBinaryBuilder>;
    case arrow::Type::LIST: return AppendList;
    default: break;
  }
  SLUICE_CHECK(!"ToArrowField makes no such type");
  return nullptr;
}

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

struct ColumnBuffer::Column {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  AppendCell append;
  std::shared_ptr<arrow::DataType> type;
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
  for (size_t i = 0; i < cells.size(); ++i) {
    const Column& column = columns_[i];
    if (cells[i].is_null()) Must(column.builder->AppendNull()); else column.append(*column.builder, cells[i]);
    size_bytes_ += SizeOf(cells[i]);
  }
  const auto append_added = [&](size_t column, int64_t value) { columns_[column].append(*columns_[column].builder, Cell::Integer(value)); };
  append_added(schema_->ingested_at(), stamp.ingested_at.time_since_epoch().count());
  append_added(schema_->committed_at(), stamp.committed_at.time_since_epoch().count());
  append_added(schema_->lsn(), static_cast<int64_t>(stamp.lsn.value));
  size_bytes_ += 24;
  ++rows_;
}

Columns ColumnBuffer::Finish() {
  Columns arrays;
  for (Column& column : columns_) {
    std::shared_ptr<arrow::Array> array;
    Must(column.builder->Finish(&array));
    arrays.push_back(AsType(array, column.type));
  }
  rows_ = 0;
  size_bytes_ = 0;
  return arrays;
}

}  // namespace sluice

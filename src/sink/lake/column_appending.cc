#include "sink/lake/column_appending.h"

#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <bit>

namespace sluice {
namespace {

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

void AppendList(arrow::ArrayBuilder& builder, const Cell& cell) {
  auto& list = static_cast<arrow::ListBuilder&>(builder);
  Must(list.Append());
  arrow::ArrayBuilder& items = *list.value_builder();
  const AppendCell append = AppendFor(*items.type());
  for (const Cell& item : cell.items) {
    if (item.is_null()) Must(items.AppendNull()); else append(items, item);
  }
}

}  // namespace

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

bool AppendTexts(std::span<const Bytes> values, size_t skipped, arrow::ArrayBuilder& column) {
  auto& texts = static_cast<arrow::BinaryBuilder&>(column);
  size_t bytes = 0;
  for (const Bytes& value : values) bytes += value.size();
  if (!texts.Reserve(static_cast<int64_t>(values.size())).ok() || !texts.ReserveData(static_cast<int64_t>(bytes)).ok()) return false;
  for (const Bytes& value : values) {
    if (value.data() == nullptr) texts.UnsafeAppendNull();
    else texts.UnsafeAppend(reinterpret_cast<const uint8_t*>(value.data()) + skipped, static_cast<int32_t>(value.size() - skipped));
  }
  return true;
}

}  // namespace sluice

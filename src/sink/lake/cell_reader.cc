#include "sink/lake/cell_reader.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/util/decimal.h>

#include <bit>

#include "base/check.h"

namespace sluice {

void CellReader::Read(const arrow::Array& array, int64_t row, Cell& cell) {
  if (array.IsNull(row)) {
    cell = Cell{};
    return;
  }
  switch (array.type_id()) {
    case arrow::Type::BOOL: cell = Cell::Integer(static_cast<const arrow::BooleanArray&>(array).Value(row) ? 1 : 0); return;
    case arrow::Type::INT32: cell = Cell::Integer(static_cast<const arrow::Int32Array&>(array).Value(row)); return;
    case arrow::Type::INT64: cell = Cell::Integer(static_cast<const arrow::Int64Array&>(array).Value(row)); return;
    case arrow::Type::DATE32: cell = Cell::Integer(static_cast<const arrow::Date32Array&>(array).Value(row)); return;
    case arrow::Type::TIMESTAMP: cell = Cell::Integer(static_cast<const arrow::TimestampArray&>(array).Value(row)); return;
    case arrow::Type::FLOAT:
      cell = Cell::Integer(std::bit_cast<uint32_t>(static_cast<const arrow::FloatArray&>(array).Value(row)));
      return;
    case arrow::Type::DOUBLE:
      cell = Cell::Integer(std::bit_cast<int64_t>(static_cast<const arrow::DoubleArray&>(array).Value(row)));
      return;
    case arrow::Type::DECIMAL128: {
      const arrow::Decimal128 value(static_cast<const arrow::Decimal128Array&>(array).Value(row));
      const auto bits = static_cast<unsigned __int128>(static_cast<uint64_t>(value.high_bits())) << 64 | value.low_bits();
      cell = Cell::Decimal(static_cast<__int128>(bits));
      return;
    }
    case arrow::Type::STRING:
    case arrow::Type::BINARY: cell = Cell::Of(static_cast<const arrow::BinaryArray&>(array).GetView(row)); return;
    case arrow::Type::FIXED_SIZE_BINARY:
      cell = Cell::Of(static_cast<const arrow::FixedSizeBinaryArray&>(array).GetView(row));
      return;
    case arrow::Type::EXTENSION: return Read(*static_cast<const arrow::ExtensionArray&>(array).storage(), row, cell);
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      const int64_t from = list.value_offset(row);
      items_.resize(static_cast<size_t>(list.value_length(row)));
      // Lists hold no lists, so the elements do not use items_ themselves.
      for (size_t i = 0; i < items_.size(); ++i) Read(*list.values(), from + static_cast<int64_t>(i), items_[i]);
      cell = Cell{};
      cell.kind = CellKind::kList;
      cell.items = items_;
      return;
    }
    default: SLUICE_CHECK(!"ToArrowField makes no such type");
  }
}

}  // namespace sluice

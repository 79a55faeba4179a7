#include "sink/lake/key_columns.h"

#include <arrow/array.h>

namespace sluice {
namespace {

// Of an array of integers without nulls; else nullptr.
template <class Value>
const Value* ValuesOf(const arrow::Array& array) {
  const auto id = array.type_id();
  const bool fits = sizeof(Value) == 4 ? id == arrow::Type::INT32 || id == arrow::Type::DATE32 : id == arrow::Type::INT64 || id == arrow::Type::TIMESTAMP;
  return fits && array.null_count() == 0 ? array.data()->GetValues<Value>(1) : nullptr;
}

template <class Value>
void WidenTo(std::span<RowKey> keys, const Value* values) {
  for (RowKey& key : keys) key = {static_cast<uint64_t>(int64_t{*values++}), 0};
}

// Reads one column's cells of successive rows with the type looked up once.
class ColumnCells {
 public:
  ColumnCells(const arrow::Array& array, CellReader& reader) : array_(array), reader_(reader), int32_(ValuesOf<int32_t>(array)), int64_(ValuesOf<int64_t>(array)) {
    if (array.null_count() > 0) return;
    if (array.type_id() == arrow::Type::STRING || array.type_id() == arrow::Type::BINARY) text_ = &static_cast<const arrow::BinaryArray&>(array);
    if (array.type_id() == arrow::Type::FIXED_SIZE_BINARY) fixed_ = &static_cast<const arrow::FixedSizeBinaryArray&>(array);
  }

  void Read(int64_t row, Cell& cell) {
    if (text_ != nullptr || fixed_ != nullptr) {
      cell.kind = CellKind::kBytes;
      cell.bytes = text_ != nullptr ? text_->GetView(row) : fixed_->GetView(row);
    } else if (int64_ != nullptr || int32_ != nullptr) {
      cell.kind = CellKind::kInteger;
      cell.integer = int64_ != nullptr ? int64_[row] : int32_[row];
    } else {
      reader_.Read(array_, row, cell);
    }
  }

 private:
  const arrow::Array& array_;
  CellReader& reader_;
  const int32_t* int32_;
  const int64_t* int64_;
  const arrow::BinaryArray* text_ = nullptr;
  const arrow::FixedSizeBinaryArray* fixed_ = nullptr;
};

}  // namespace

void KeyColumns::Encode(const Columns& columns, int64_t first, std::span<RowKey> keys) {
  if (codec_.narrow()) {
    if (const auto* const values = ValuesOf<int64_t>(*columns[0])) return WidenTo(keys, values + first);
    if (const auto* const values = ValuesOf<int32_t>(*columns[0])) return WidenTo(keys, values + first);
  }
  std::vector<ColumnCells> readers;
  for (size_t k = 0; k < readers_.size(); ++k) readers.emplace_back(*columns[k], readers_[k]);
  for (size_t i = 0; i < keys.size(); ++i) {
    for (size_t k = 0; k < readers.size(); ++k) readers[k].Read(first + static_cast<int64_t>(i), cells_[k]);
    keys[i] = codec_.EncodeKeyCells(cells_);
  }
}

}  // namespace sluice

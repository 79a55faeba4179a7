#pragma once
// To the end of an Arrow column: one cell, or values of many rows as they are on the wire.

#include <arrow/builder.h>

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/bytes.h"
#include "base/check.h"
#include "sink/lake/cell.h"
#include "sink/lake/value_decoder.h"

namespace sluice {

/// Appending fails only where memory is exhausted or 2^31 bytes of text are in one column, which the limits on buffers exclude.
inline void Must(const arrow::Status& status) { SLUICE_CHECK(status.ok()); }

/// Appends a cell that is not null.
using AppendCell = void (*)(arrow::ArrayBuilder& column, const Cell& cell);
AppendCell AppendFor(const arrow::DataType& type);

/// Texts or bytes without the first `skipped` of each, which must be there. One without data is null.
bool AppendTexts(std::span<const Bytes> values, size_t skipped, arrow::ArrayBuilder& column);

/// Values of `width` bytes each, at most kValuesAtOnce; `load(first byte, number)` says false of one that becomes null. One without data is null too.
/// False: a value has another width.
template <class Builder, class Load>
bool AppendNumbers(std::span<const Bytes> values, size_t width, Builder& column, const Load& load) {
  using Number = std::conditional_t<std::is_same_v<Builder, arrow::BooleanBuilder>, uint8_t, typename Builder::value_type>;
  SLUICE_CHECK(values.size() <= kValuesAtOnce);
  std::array<Number, kValuesAtOnce> numbers;
  std::array<uint8_t, kValuesAtOnce> are_valid;
  bool all_valid = true;
  for (size_t i = 0; i < values.size(); ++i) {
    const Bytes& value = values[i];
    numbers[i] = Number{};
    are_valid[i] = 0;
    if (value.data() != nullptr) {
      if (value.size() != width) return false;
      are_valid[i] = load(value.data(), numbers[i]) ? 1 : 0;
    }
    all_valid = all_valid && are_valid[i] != 0;
  }
  return column.AppendValues(numbers.data(), static_cast<int64_t>(values.size()), all_valid ? nullptr : are_valid.data()).ok();
}

}  // namespace sluice

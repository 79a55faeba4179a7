#pragma once
// One row version in the wire's own form, walked in place.
//
// TupleData (PostgreSQL manual, "Logical Replication Message Formats"):
//   columns: int16, then for each column  'n'  null
//                                       | 'u'  unchanged TOASTed value, not sent
//                                       | 't' length: int32, value in text form
//                                       | 'b' length: int32, value in binary form
// Rows of the initial copy are put into the same form, so that everything behind reads one.

#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"

namespace sluice {

enum class ValueKind : uint8_t { kNull = 'n', kUnchanged = 'u', kText = 't', kBinary = 'b' };

struct Value {
  ValueKind kind = ValueKind::kNull;
  Bytes bytes;
};

/// Returns the size of the TupleData at the start of `bytes`.
/// Error (0): bytes are missing or a column's kind is unknown. `columns` must equal the tuple's count.
size_t MeasureTuple(Bytes bytes, size_t columns);

/// Walks over the values of a tuple that MeasureTuple accepted. No checks: this is the inner loop.
class TupleReader {
 public:
  explicit TupleReader(const std::byte* tuple)
      : columns_(static_cast<uint16_t>(LoadBigEndian<int16_t>(tuple))), at_(tuple + 2) {}

  size_t columns() const { return columns_; }

  /// The next column's value. Call at most columns() times.
  Value Next() {
    const auto kind = static_cast<ValueKind>(*at_++);
    if (kind == ValueKind::kNull || kind == ValueKind::kUnchanged) return {kind, {}};
    const auto length = static_cast<size_t>(LoadBigEndian<int32_t>(at_));
    const Bytes bytes(at_ + 4, length);
    at_ += 4 + length;
    return {kind, bytes};
  }

 private:
  size_t columns_;
  const std::byte* at_;
};

}  // namespace sluice

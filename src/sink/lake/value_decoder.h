#pragma once
// From the binary form of one column's values, or the server's text, to the lake's representation.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "change/tuple.h"
#include "change/type.h"
#include "iceberg/type.h"
#include "sink/lake/cell.h"

namespace arrow {
class ArrayBuilder;
}

namespace sluice {

/// Why a value that the lake can't hold became something else. Every use is counted, none is silent.
enum class Policy : uint8_t {
  kInfinity,       ///< infinity or a year outside 1 to 9999 → NULL
  kNotANumber,     ///< NaN or infinity in a decimal → NULL
  kOutOfRange,     ///< more digits than the decimal holds → NULL
  kArrayShape,     ///< an array of other than one dimension from 1 → NULL
  kUnknownBinary,  ///< no known text → hexadecimal
};
inline constexpr size_t kPolicies = 5;
std::string_view ToString(Policy policy);

/// How often each policy was applied.
struct PolicyCounts {
  std::array<uint64_t, kPolicies> counts{};

  uint64_t& operator[](Policy policy) { return counts[static_cast<size_t>(policy)]; }
  void Add(const PolicyCounts& other) {
    for (size_t i = 0; i < kPolicies; ++i) counts[i] += other.counts[i];
  }
};

/// So many values of one column are decoded at a time, at most: they stay in the processor's cache.
inline constexpr size_t kValuesAtOnce = 256;

/// One column's decoder, with its scratch space. Not thread-safe.
class ValueDecoder {
 public:
  virtual ~ValueDecoder() = default;
  /// `cell` is valid until the next call. False: the bytes contradict the type's format.
  virtual bool Decode(Bytes bytes, Cell& cell, PolicyCounts& counts) = 0;
  /// The same cell from the text that the server prints (value_text.h says how). False: the text is malformed, or
  /// doesn't tell the binary form of a type that is held as that (Policy::kUnknownBinary).
  virtual bool DecodeText(std::string_view text, Cell& cell, PolicyCounts& counts) = 0;

  /// Values of successive rows, at most kValuesAtOnce, go to the end of their column: each as its cell would. One without data is null.
  /// False: as of Decode; some may be in the column then.
  virtual bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts& counts);

  /// A value of a tuple; kUnchanged becomes null.
  bool DecodeValue(const Value& value, Cell& cell, PolicyCounts& counts) {
    if (value.kind == ValueKind::kBinary) return Decode(value.bytes, cell, counts);
    if (value.kind == ValueKind::kText) return DecodeText(AsText(value.bytes), cell, counts);
    cell = Cell{};
    return true;
  }
};

/// The decoder whose cells fit `held`: one of the forms that MapType makes of the type.
std::unique_ptr<ValueDecoder> MakeDecoder(const Type& type, int32_t typmod, const iceberg::Type& held);
/// The same for MapType(type, typmod).
std::unique_ptr<ValueDecoder> MakeDecoder(const Type& type, int32_t typmod);

}  // namespace sluice

#pragma once
// Single values of primitive types, as partition values and column bounds need them.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "iceberg/type.h"

namespace sluice::iceberg {

using Int128 = __int128;

/// One value; monostate is null. Which alternative holds which type:
/// bool: boolean · int32_t: int, date (days since 1970) · int64_t: long, time, timestamps (µs or
/// ns) · float · double · Int128: decimal (unscaled) · std::string: string, binary, fixed, uuid (16
/// bytes, big-endian).
using Literal =
    std::variant<std::monostate, bool, int32_t, int64_t, float, double, Int128, std::string>;

/// One value per field of a partition spec, in the spec's order.
using PartitionTuple = std::vector<Literal>;

inline bool IsNull(const Literal& literal) { return literal.index() == 0; }

/// Orders values of one type; null first, NaN last, strings by bytes.
std::weak_ordering Compare(const Literal& left, const Literal& right);

/// The binary form of bounds and partition summaries (specification, "Binary single-value
/// serialization"). Numbers little-endian, decimals minimal two's complement big-endian. `literal`
/// is not null.
std::string EncodeBound(const Literal& literal);

/// Error: kCorrupt if the length doesn't fit. Reads 4-byte bounds of a column that was int before
/// it was long.
Result<Literal> DecodeBound(const Type& type, std::string_view bytes);

/// At most `code_points` characters of valid UTF-8; never above the value.
std::string TruncateLowerBound(std::string_view text, size_t code_points = 16);
/// At most `code_points` characters, never below the value; nullopt where there is no such text.
std::optional<std::string> TruncateUpperBound(std::string_view text, size_t code_points = 16);
/// The same for binary and fixed, in bytes.
std::string TruncateBinaryLowerBound(std::string_view bytes, size_t length = 16);
std::optional<std::string> TruncateBinaryUpperBound(std::string_view bytes, size_t length = 16);

}  // namespace sluice::iceberg

#pragma once
// Single values as bounds hold them, and as Parquet's statistics do.

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::audit {

/// Integers, days, times and unscaled decimals · floats · texts and bytes, by their bytes.
using Bound = std::variant<__int128, double, std::string>;

/// A bound of a manifest, of a column of this type. nullopt: it has not the length that the type takes.
std::optional<Bound> DecodeBound(const std::string& type, std::string_view bytes);

/// A value as Parquet's statistics hold it, plain. `little_endian`: of INT32 and INT64.
std::optional<Bound> DecodeStatistic(const std::string& type, std::string_view bytes, bool little_endian);

/// unordered where the kinds differ, or one is NaN.
std::partial_ordering Compare(const Bound& left, const Bound& right);

}  // namespace sluice::audit

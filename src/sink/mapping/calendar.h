#pragma once
// Dates and timestamps as PostgreSQL holds them (days and microseconds since 2000-01-01) and prints them under
// DateStyle ISO and TimeZone UTC, which every session of ours pins.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "config/mapping_config.h"

namespace sluice::mapping {

inline constexpr int64_t kInfiniteFuture = std::numeric_limits<int64_t>::max();
inline constexpr int64_t kInfinitePast = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kDayMicros = 86'400'000'000;

/// "2024-02-29", "0044-03-15 BC", "infinity". The infinite dates are int32's ends on the wire and these here.
void AppendDate(int64_t days, std::string& out);
/// "2024-02-29 23:59:59.5", with "+00" where `with_zone`.
void AppendTimestamp(int64_t micros, bool with_zone, std::string& out);

/// nullopt: not what the server prints.
std::optional<int64_t> ParseDate(std::string_view text);
/// A zone, where there is one, must be UTC; without time of day: midnight.
std::optional<int64_t> ParseTimestamp(std::string_view text);

/// The first day of its year or month; kDay and kHour leave it. Infinity stays.
int64_t TruncateDate(int64_t days, TimeUnit unit);
int64_t TruncateTimestamp(int64_t micros, TimeUnit unit);

}  // namespace sluice::mapping

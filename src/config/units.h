#pragma once
// Durations and sizes as people write them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/daily_window.h"

namespace sluice {

/// "500ms", "30s", "1.5m", "24h", "7d"; a plain number is seconds. nullopt: not one, negative, or too large.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

/// "64MiB", "40GiB", "1.5KiB", "10MB" (10^6), "512B"; a plain number is bytes. nullopt: not one, negative, or too large.
std::optional<uint64_t> ParseSize(std::string_view text);

/// "22:00-05:30", in UTC. nullopt: not one.
std::optional<DailyWindow> ParseDailyWindow(std::string_view text);

/// "1.8 s", "3m 12s", "12d 4h": two units at most.
std::string FormatDuration(std::chrono::milliseconds duration);

/// "14 MiB", "1.5 GiB".
std::string FormatSize(uint64_t bytes);

/// "1,204".
std::string FormatCount(uint64_t count);

}  // namespace sluice

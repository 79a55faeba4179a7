#include "config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>

namespace sluice {
namespace {

struct Unit {
  std::string_view word;
  uint64_t factor;
};

constexpr Unit kDurations[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"", 1000}};
constexpr Unit kSizes[] = {{"B", 1},           {"KiB", 1ull << 10},    {"MiB", 1ull << 20},     {"GiB", 1ull << 30},
                           {"TiB", 1ull << 40}, {"KB", 1'000},          {"MB", 1'000'000},       {"GB", 1'000'000'000},
                           {"TB", 1'000'000'000'000}, {"", 1}};
constexpr uint64_t kLargest = 1ull << 53;  // Exact in a double, 285,000 years, 8 PiB.

// Digits with at most one point in between; no sign, exponent, infinity or hexadecimal.
size_t NumberLength(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  if (at == 0 || at + 1 >= text.size() || text[at] != '.' || text[at + 1] < '0' || text[at + 1] > '9') return at;
  ++at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

std::optional<uint64_t> ParseWithUnit(std::string_view text, std::span<const Unit> units) {
  const size_t digits = NumberLength(text);
  if (digits == 0 || digits > 30) return std::nullopt;
  std::string_view word = text.substr(digits);
  if (!word.empty() && word.front() == ' ') word.remove_prefix(1);
  for (const Unit& unit : units) {
    if (unit.word != word) continue;
    const double value = std::strtod(std::string(text.substr(0, digits)).c_str(), nullptr) * static_cast<double>(unit.factor);
    if (!(value <= static_cast<double>(kLargest))) return std::nullopt;
    return static_cast<uint64_t>(std::llround(value));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const auto parsed = ParseWithUnit(text, kDurations);
  if (!parsed) return std::nullopt;
  return std::chrono::milliseconds(static_cast<int64_t>(*parsed));
}

std::optional<uint64_t> ParseSize(std::string_view text) { return ParseWithUnit(text, kSizes); }

std::optional<DailyWindow> ParseDailyWindow(std::string_view text) {
  // HH:MM-HH:MM
  if (text.size() != 11 || text[2] != ':' || text[5] != '-' || text[8] != ':') return std::nullopt;
  const auto two_digits = [&](size_t at) {
    const bool digits = text[at] >= '0' && text[at] <= '9' && text[at + 1] >= '0' && text[at + 1] <= '9';
    return digits ? (text[at] - '0') * 10 + text[at + 1] - '0' : 99;
  };
  if (two_digits(0) > 23 || two_digits(3) > 59 || two_digits(6) > 23 || two_digits(9) > 59) return std::nullopt;
  return DailyWindow{std::chrono::minutes(two_digits(0) * 60 + two_digits(3)), std::chrono::minutes(two_digits(6) * 60 + two_digits(9))};
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  const int64_t ms = std::max<int64_t>(duration.count(), 0);
  const int64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (s < 60) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  if (m < 60) return fmt::format("{}m {:02}s", m, s % 60);
  if (h < 24) return fmt::format("{}h {:02}m", h, m % 60);
  return fmt::format("{}d {}h", d, h % 24);
}

std::string FormatSize(uint64_t bytes) {
  constexpr std::string_view kWords[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  double value = static_cast<double>(bytes);
  for (; value >= 1024 && unit + 1 < std::size(kWords); ++unit) value /= 1024;
  if (unit == 0 || value >= 100 || value == std::floor(value)) return fmt::format("{:.0f} {}", value, kWords[unit]);
  return fmt::format("{:.1f} {}", value, kWords[unit]);
}

std::string FormatCount(uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string grouped;
  for (size_t at = 0; at < digits.size(); ++at) {
    if (at > 0 && (digits.size() - at) % 3 == 0) grouped += ',';
    grouped += digits[at];
  }
  return grouped;
}

}  // namespace sluice

#include "sink/mapping/calendar.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace sluice::mapping {
namespace {

constexpr int64_t kHourMicros = 3'600'000'000;
constexpr int64_t kDaysTo2000 = 10'957;  // From 1970-01-01.
constexpr int64_t kYearMax = 300'000;    // PostgreSQL's timestamps end in 294276, its dates in 5874897.

struct Day {
  int64_t year = 0;  // Astronomical: 0 is 1 BC.
  int64_t month = 1, day = 1;
};

// Both by H. Hinnant's "chrono-compatible low-level date algorithms".
Day FromDays(int64_t days) {
  days += kDaysTo2000 + 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t of_era = days - era * 146'097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * of_year + 2) / 153;
  const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, of_year - (153 * shifted + 2) / 5 + 1};
}

int64_t ToDays(Day day) {
  const int64_t year = day.year - (day.month <= 2 ? 1 : 0);
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (day.month + (day.month > 2 ? -3 : 9)) + 2) / 5 + day.day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468 - kDaysTo2000;
}

int64_t FloorDivide(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// Takes digits off the front; nullopt if there are fewer than `min` or more than `max`.
std::optional<int64_t> TakeNumber(std::string_view& text, size_t min, size_t max) {
  size_t count = 0;
  while (count < text.size() && count < max && text[count] >= '0' && text[count] <= '9') ++count;
  int64_t value = 0;
  if (count < min) return std::nullopt;
  std::from_chars(text.data(), text.data() + count, value);
  text.remove_prefix(count);
  return value;
}

bool Take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int64_t> InfinityOf(std::string_view text) {
  if (text == "infinity") return kInfiniteFuture;
  if (text == "-infinity") return kInfinitePast;
  return std::nullopt;
}

// "2024-02-29", off the front; the year is not negative yet.
std::optional<Day> TakeDay(std::string_view& text) {
  const auto year = TakeNumber(text, 4, 7);
  if (!year || !Take(text, '-')) return std::nullopt;
  const auto month = TakeNumber(text, 2, 2);
  if (!month || *month < 1 || *month > 12 || !Take(text, '-')) return std::nullopt;
  const auto day = TakeNumber(text, 2, 2);
  if (!day || *day < 1 || *day > 31) return std::nullopt;
  return Day{*year, *month, *day};
}

// "23:59:59.5", off the front.
std::optional<int64_t> TakeTimeOfDay(std::string_view& text) {
  const auto hour = TakeNumber(text, 2, 2);
  if (!hour || *hour > 24 || !Take(text, ':')) return std::nullopt;
  const auto minute = TakeNumber(text, 2, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int64_t micros = (*hour * 60 + *minute) * 60'000'000;
  if (!Take(text, ':')) return micros;
  const auto second = TakeNumber(text, 2, 2);
  if (!second || *second > 60) return std::nullopt;
  micros += *second * 1'000'000;
  if (!Take(text, '.')) return micros;
  const size_t before = text.size();
  auto fraction = TakeNumber(text, 1, 6);
  if (!fraction) return std::nullopt;
  for (size_t digits = before - text.size(); digits < 6; ++digits) *fraction *= 10;
  return micros + *fraction;
}

// True if nothing but an era is left; moves the year into it.
bool TakeEra(std::string_view& text, Day& day) {
  if (text == " BC") {
    day.year = 1 - day.year;
    text = {};
  }
  return text.empty();
}

}  // namespace

void AppendDate(int64_t days, std::string& out) {
  if (days == kInfiniteFuture) return static_cast<void>(out.append("infinity"));
  if (days == kInfinitePast) return static_cast<void>(out.append("-infinity"));
  const Day day = FromDays(days);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}{}", day.year > 0 ? day.year : 1 - day.year, day.month, day.day, day.year > 0 ? "" : " BC");
}

void AppendTimestamp(int64_t micros, bool with_zone, std::string& out) {
  if (micros == kInfiniteFuture || micros == kInfinitePast) return AppendDate(micros, out);
  const int64_t days = FloorDivide(micros, kDayMicros);
  const int64_t of_day = micros - days * kDayMicros;
  const Day day = FromDays(days);
  const int64_t seconds = of_day / 1'000'000;
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02} {:02}:{:02}:{:02}", day.year > 0 ? day.year : 1 - day.year, day.month, day.day,
                 seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (const int64_t fraction = of_day % 1'000'000; fraction != 0) {
    fmt::format_to(std::back_inserter(out), ".{:06}", fraction);
    while (out.back() == '0') out.pop_back();
  }
  if (with_zone) out += "+00";
  if (day.year <= 0) out += " BC";
}

std::optional<int64_t> ParseDate(std::string_view text) {
  if (const auto infinite = InfinityOf(text)) return infinite;
  auto day = TakeDay(text);
  if (!day || !TakeEra(text, *day)) return std::nullopt;
  return ToDays(*day);
}

std::optional<int64_t> ParseTimestamp(std::string_view text) {
  if (const auto infinite = InfinityOf(text)) return infinite;
  auto day = TakeDay(text);
  if (!day || day->year > kYearMax) return std::nullopt;
  int64_t of_day = 0;
  if (Take(text, ' ')) {
    if (text == "BC") {
      text = " BC";
    } else {
      const auto taken = TakeTimeOfDay(text);
      if (!taken) return std::nullopt;
      of_day = *taken;
      for (const std::string_view zone : {"+00:00", "+00", "Z"})
        if (text.starts_with(zone)) {
          text.remove_prefix(zone.size());
          break;
        }
    }
  }
  if (!TakeEra(text, *day)) return std::nullopt;
  return ToDays(*day) * kDayMicros + of_day;
}

int64_t TruncateDate(int64_t days, TimeUnit unit) {
  if (days == kInfiniteFuture || days == kInfinitePast || unit == TimeUnit::kDay || unit == TimeUnit::kHour) return days;
  const Day day = FromDays(days);
  return ToDays({day.year, unit == TimeUnit::kYear ? 1 : day.month, 1});
}

int64_t TruncateTimestamp(int64_t micros, TimeUnit unit) {
  if (micros == kInfiniteFuture || micros == kInfinitePast) return micros;
  if (unit == TimeUnit::kHour) return FloorDivide(micros, kHourMicros) * kHourMicros;
  return TruncateDate(FloorDivide(micros, kDayMicros), unit) * kDayMicros;
}

}  // namespace sluice::mapping

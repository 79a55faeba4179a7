#include <cstdlib>
#include <limits>

#include "sink/lake/text_forms.h"

namespace sluice::text {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr int64_t kDaysTo2000 = 10'957;  // From 1970-01-01.
// What the server takes as a timestamp (datatype/timestamp.h): 4714-11-24 BC up to the year 294277.
constexpr int64_t kFirstTimestamp = -211'813'488'000'000'000, kEndTimestamp = 9'223'371'331'200'000'000;

struct Day {
  int64_t year;  // Astronomical: 0 is 1 BC.
  int month, day;
};

// Days since 1970-01-01 in the proleptic Gregorian calendar, for any year.
Day FromDays(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t of_era = days - era * 146'097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * of_year + 2) / 153;
  const auto day = static_cast<int>(of_year - (153 * shifted_month + 2) / 5 + 1);
  const auto month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

void AppendDay(const Day& day, std::string& out) {
  AppendPadded(day.year > 0 ? day.year : 1 - day.year, 4, out);
  out.push_back('-');
  AppendPadded(day.month, 2, out);
  out.push_back('-');
  AppendPadded(day.day, 2, out);
}

void AppendFraction(int64_t micros, std::string& out) {
  if (micros == 0) return;
  out.push_back('.');
  AppendPadded(micros, 6, out);
  while (out.back() == '0') out.pop_back();
}

// Up to and including 24:00:00.
void AppendTimeOfDay(int64_t micros, std::string& out) {
  AppendPadded(micros / (3600 * kSecond), 2, out);
  out.push_back(':');
  AppendPadded(micros / (60 * kSecond) % 60, 2, out);
  out.push_back(':');
  AppendPadded(micros / kSecond % 60, 2, out);
  AppendFraction(micros % kSecond, out);
}

bool AppendTimestamp(Bytes value, char between, std::string_view zone, std::string& out) {
  if (value.size() != 8) return false;
  const auto micros = LoadBigEndian<int64_t>(value.data());
  if (micros == std::numeric_limits<int64_t>::max()) return out.append("infinity"), true;
  if (micros == std::numeric_limits<int64_t>::min()) return out.append("-infinity"), true;
  if (micros < kFirstTimestamp || micros >= kEndTimestamp) return false;
  int64_t days = micros / kDay;
  int64_t of_day = micros % kDay;
  if (of_day < 0) {
    of_day += kDay;
    --days;
  }
  const Day day = FromDays(days + kDaysTo2000);
  AppendDay(day, out);
  out.push_back(between);
  AppendTimeOfDay(of_day, out);
  out.append(zone);
  if (day.year <= 0) out.append(" BC");
  return true;
}

void AppendIsoPart(int64_t value, char unit, std::string& out) {
  if (value == 0) return;
  AppendSigned(value, out);
  out.push_back(unit);
}

}  // namespace

bool Date(Bytes value, std::string& out) {
  if (value.size() != 4) return false;
  const auto days = LoadBigEndian<int32_t>(value.data());
  if (days == std::numeric_limits<int32_t>::max()) return out.append("infinity"), true;
  if (days == std::numeric_limits<int32_t>::min()) return out.append("-infinity"), true;
  const Day day = FromDays(days + kDaysTo2000);
  AppendDay(day, out);
  if (day.year <= 0) out.append(" BC");
  return true;
}

bool Time(Bytes value, std::string& out) {
  if (value.size() != 8) return false;
  const auto micros = LoadBigEndian<int64_t>(value.data());
  if (micros < 0 || micros > kDay) return false;
  AppendTimeOfDay(micros, out);
  return true;
}

// time: int64 | zone: int32, seconds west of Greenwich
bool Timetz(Bytes value, std::string& out) {
  if (value.size() != 12 || !Time(value.first(8), out)) return false;
  const auto west = LoadBigEndian<int32_t>(value.data() + 8);
  if (west < -86'400 || west > 86'400) return false;
  const int32_t seconds = std::abs(west);
  out.push_back(west <= 0 ? '+' : '-');
  AppendPadded(seconds / 3600, 2, out);
  if (seconds % 3600 == 0) return true;
  out.push_back(':');
  AppendPadded(seconds / 60 % 60, 2, out);
  if (seconds % 60 == 0) return true;
  out.push_back(':');
  AppendPadded(seconds % 60, 2, out);
  return true;
}

bool Timestamp(Bytes value, std::string& out) { return AppendTimestamp(value, ' ', "", out); }
bool Timestamptz(Bytes value, std::string& out) { return AppendTimestamp(value, ' ', "+00", out); }
bool JsonTimestamp(Bytes value, std::string& out) { return AppendTimestamp(value, 'T', "", out); }
bool JsonTimestamptz(Bytes value, std::string& out) { return AppendTimestamp(value, 'T', "+00:00", out); }

// time: int64 | days: int32 | months: int32.  Text: EncodeInterval with INTSTYLE_ISO_8601.
bool Interval(Bytes value, std::string& out) {
  if (value.size() != 16) return false;
  const auto micros = LoadBigEndian<int64_t>(value.data());
  const auto days = LoadBigEndian<int32_t>(value.data() + 8);
  const auto months = LoadBigEndian<int32_t>(value.data() + 12);
  using Int32 = std::numeric_limits<int32_t>;
  using Int64 = std::numeric_limits<int64_t>;
  // Infinite intervals came with version 17.
  if (micros == Int64::max() && days == Int32::max() && months == Int32::max()) return out.append("infinity"), true;
  if (micros == Int64::min() && days == Int32::min() && months == Int32::min()) return out.append("-infinity"), true;
  if (micros == 0 && days == 0 && months == 0) return out.append("PT0S"), true;
  out.push_back('P');
  AppendIsoPart(months / 12, 'Y', out);
  AppendIsoPart(months % 12, 'M', out);
  AppendIsoPart(days, 'D', out);
  if (micros == 0) return true;
  out.push_back('T');
  AppendIsoPart(micros / (3600 * kSecond), 'H', out);
  AppendIsoPart(micros / (60 * kSecond) % 60, 'M', out);
  const int64_t rest = micros % (60 * kSecond);
  if (rest == 0) return true;
  if (rest < 0) out.push_back('-');
  AppendSigned(std::abs(rest) / kSecond, out);
  AppendFraction(std::abs(rest) % kSecond, out);
  out.push_back('S');
  return true;
}

}  // namespace sluice::text

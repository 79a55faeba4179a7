#include <limits>

#include "sink/lake/value_text.h"

namespace sluice::text {
namespace {

constexpr int64_t kDaysTo2000 = 10'957;  // From 1970-01-01.
constexpr size_t kYearDigitsMax = 7;     // The last date is 5874897-12-31.

// Takes parts off the front of a text.
class Parts {
 public:
  explicit Parts(std::string_view text) : rest_(text) {}

  /// All digits at the front, of which there must be `least` to `most`.
  bool Number(size_t least, size_t most, int64_t& number) {
    size_t count = 0;
    number = 0;
    for (; count < rest_.size() && count < most && rest_[count] >= '0' && rest_[count] <= '9'; ++count)
      number = number * 10 + (rest_[count] - '0');
    rest_.remove_prefix(count);
    return count >= least;
  }
  bool Is(std::string_view part) {
    if (!rest_.starts_with(part)) return false;
    rest_.remove_prefix(part.size());
    return true;
  }
  size_t size() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

int64_t DaysInMonth(int64_t year, int64_t month) {
  constexpr int64_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// The inverse of FromDays in text_datetime.cc; the year is astronomical.
int64_t ToDays(int64_t year, int64_t month, int64_t day) {
  if (month <= 2) --year;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
  return era * 146'097 + of_era - 719'468;
}

struct Day {
  int64_t year = 0, month = 0, day = 0;
};

bool TakeDay(Parts& parts, Day& day) {
  return parts.Number(4, kYearDigitsMax, day.year) && parts.Is("-") && parts.Number(2, 2, day.month) && parts.Is("-") &&
         parts.Number(2, 2, day.day) && day.year > 0;
}

// The era stands last: only then is the year known.
bool Finish(Parts& parts, Day day, int64_t& days_since_2000) {
  if (parts.Is(" BC")) day.year = 1 - day.year;
  if (parts.size() != 0 || day.month < 1 || day.month > 12) return false;
  if (day.day < 1 || day.day > DaysInMonth(day.year, day.month)) return false;
  days_since_2000 = ToDays(day.year, day.month, day.day) - kDaysTo2000;
  return true;
}

template <class T>
bool IsInfinity(std::string_view text, T& value) {
  value = text == "infinity" ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
  return text == "infinity" || text == "-infinity";
}

bool TakeTime(Parts& parts, int64_t& micros) {
  int64_t hours = 0, minutes = 0, seconds = 0, fraction = 0;
  if (!parts.Number(2, 2, hours) || !parts.Is(":") || !parts.Number(2, 2, minutes) || !parts.Is(":") || !parts.Number(2, 2, seconds))
    return false;
  if (hours > 23 || minutes > 59 || seconds > 59) return false;
  if (parts.Is(".")) {
    const size_t before = parts.size();
    if (!parts.Number(1, 6, fraction)) return false;
    for (size_t digits = before - parts.size(); digits < 6; ++digits) fraction *= 10;
  }
  micros = ((hours * 60 + minutes) * 60 + seconds) * 1'000'000 + fraction;
  return true;
}

bool ParseInstant(std::string_view text, std::string_view zone, int64_t& micros_since_2000) {
  if (IsInfinity(text, micros_since_2000)) return true;
  Parts parts(text);
  Day day;
  int64_t of_day = 0, days = 0;
  if (!TakeDay(parts, day) || !parts.Is(" ") || !TakeTime(parts, of_day) || !parts.Is(zone) || !Finish(parts, day, days)) return false;
  // Years that only dates reach.
  return !__builtin_mul_overflow(days, int64_t{86'400'000'000}, &micros_since_2000) &&
         !__builtin_add_overflow(micros_since_2000, of_day, &micros_since_2000);
}

}  // namespace

bool ParseDate(std::string_view text, int32_t& days_since_2000) {
  if (IsInfinity(text, days_since_2000)) return true;
  Parts parts(text);
  Day day;
  int64_t days = 0;
  if (!TakeDay(parts, day) || !Finish(parts, day, days)) return false;
  days_since_2000 = static_cast<int32_t>(days);
  return days == days_since_2000;
}

bool ParseTimestamp(std::string_view text, int64_t& micros_since_2000) { return ParseInstant(text, "", micros_since_2000); }
bool ParseTimestamptz(std::string_view text, int64_t& micros_since_2000) {
  return ParseInstant(text, "+00", micros_since_2000);
}

}  // namespace sluice::text

#pragma once
// From the server's text of a value to the number or bytes that its binary form holds: what a stream in text
// form needs. The text is what a session prints whose DateStyle is ISO, TimeZone UTC, bytea_output hex and
// lc_monetary like C or en_US; everything else is refused.
//
// Every function returns false for other text, and never allocates but to grow `out`.

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::text {

// Numbers (value_text_numbers.cc).
template <class Integer>
bool ParseInteger(std::string_view text, Integer& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}
bool ParseBool(std::string_view text, bool& value);
bool ParseFloat4(std::string_view text, float& number);
bool ParseFloat8(std::string_view text, double& number);
/// "$1,234.56" and "-$1,234.56", in cents.
bool ParseMoney(std::string_view text, int64_t& cents);
/// A number as numeric, float and integer types print it, NaN and infinities included.
bool IsNumber(std::string_view text);
bool IsNotFinite(std::string_view text);

// Dates (value_text_datetime.cc), with the ends of the range for infinity.
bool ParseDate(std::string_view text, int32_t& days_since_2000);
bool ParseTimestamp(std::string_view text, int64_t& micros_since_2000);
bool ParseTimestamptz(std::string_view text, int64_t& micros_since_2000);

// Strings of bytes (value_text_bytes.cc); `out` is replaced.
bool ParseBytea(std::string_view text, std::string& out);
bool ParseUuid(std::string_view text, std::string& out);

}  // namespace sluice::text

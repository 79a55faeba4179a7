#include <limits>

#include "sink/lake/value_text.h"

namespace sluice::text {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view WithoutSign(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text;
}

template <class Float>
bool ParseFloat(std::string_view text, Float& number) {
  using Limits = std::numeric_limits<Float>;
  if (text == "NaN") return number = Limits::quiet_NaN(), true;
  if (text == "Infinity") return number = Limits::infinity(), true;
  if (text == "-Infinity") return number = -Limits::infinity(), true;
  // Keeps from_chars from its own words for infinity and NaN.
  const std::string_view digits = WithoutSign(text);
  if (digits.empty() || !IsDigit(digits[0])) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

bool ParseBool(std::string_view text, bool& value) {
  value = text == "t";
  return value || text == "f";
}

bool ParseFloat4(std::string_view text, float& number) { return ParseFloat(text, number); }
bool ParseFloat8(std::string_view text, double& number) { return ParseFloat(text, number); }

bool ParseMoney(std::string_view text, int64_t& cents) {
  const bool negative = text.starts_with('-');
  text = WithoutSign(text);
  if (text.starts_with('$')) text.remove_prefix(1);
  // Other places have other signs: two decimals behind a point are what tells them apart.
  if (text.size() < 4 || !IsDigit(text[0]) || text[text.size() - 3] != '.') return false;
  int64_t magnitude = 0;  // Negative, since there is one more of those.
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_point = i == text.size() - 3;
    if (is_point || (text[i] == ',' && i < text.size() - 3)) continue;
    if (!IsDigit(text[i])) return false;
    if (__builtin_mul_overflow(magnitude, 10, &magnitude)) return false;
    if (__builtin_sub_overflow(magnitude, text[i] - '0', &magnitude)) return false;
  }
  cents = magnitude;
  return negative || !__builtin_sub_overflow(0, magnitude, &cents);
}

bool IsNotFinite(std::string_view text) { return text == "NaN" || text == "Infinity" || text == "-Infinity"; }

// -? digits without zeros in front (. digits)? (e [+-] digits)?
bool IsNumber(std::string_view text) {
  if (IsNotFinite(text)) return true;
  text = WithoutSign(text);
  const auto take_digits = [&] {
    size_t count = 0;
    while (count < text.size() && IsDigit(text[count])) ++count;
    text.remove_prefix(count);
    return count > 0;
  };
  if (text.size() > 1 && text[0] == '0' && IsDigit(text[1])) return false;
  if (!take_digits()) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_digits()) return false;
  }
  if (text.empty()) return true;
  if (!text.starts_with("e+") && !text.starts_with("e-")) return false;
  text.remove_prefix(2);
  return take_digits() && text.empty();
}

}  // namespace sluice::text

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "sink/lake/text_forms.h"

namespace sluice::text {
namespace {

template <class T>
bool Read(Bytes value, T& number) {
  if (value.size() != sizeof(T)) return false;
  number = LoadBigEndian<T>(value.data());
  return true;
}

// Whether digits × 10^exponent lies exactly between `value` and one of its neighbours. Such digits read back as
// `value` by the rule of even mantissas, but PostgreSQL prints longer ones then.
template <class Float>
bool IsHalfway(Float value, uint64_t digits, int exponent) {
  using UInt128 = unsigned __int128;
  int binary = 0;
  constexpr int kBits = std::numeric_limits<Float>::digits;
  const auto mantissa = static_cast<uint64_t>(std::ldexp(std::frexp(std::abs(value), &binary), kBits));
  const int scale = binary - kBits - 1;  // The halves are (2 mantissa ± 1) × 2^scale.
  const int fives = std::abs(exponent);
  if (fives > 23) return false;  // 5^24 has more bits than twice the mantissa.
  UInt128 power = 1;
  for (int i = 0; i < fives; ++i) power *= 5;
  for (const uint64_t half : {2 * mantissa - 1, 2 * mantissa + 1}) {
    UInt128 left = digits, right = half;
    if (exponent >= 0) left *= power;
    else if (fives <= 3) right *= power;
    else return false;
    // left × 2^exponent == right × 2^scale, and right is odd.
    const int shift = scale - exponent;
    if (shift >= 0 ? shift < 64 && left == right << shift : -shift < 64 && left << -shift == right) return true;
  }
  return false;
}

// The shortest digits that read back as the same number, put as float8out does: fixed for exponents from -4
// up to `fixed_below`, else scientific with at least two digits in the exponent.
template <class Float>
void AppendShortest(Float value, int fixed_below, std::string& out) {
  if (std::isnan(value)) return void(out.append("NaN"));
  if (std::isinf(value)) return void(out.append(value < 0 ? "-Infinity" : "Infinity"));
  if (value == 0) return void(out.append(std::signbit(value) ? "-0" : "0"));
  std::array<char, 40> buffer;
  if (value < 0) out.push_back('-');
  value = std::abs(value);
  const char* end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  std::array<char, 24> digits;
  size_t count = 0;
  int exponent = 0;
  for (int precision = -1; precision <= 17; ++precision) {
    if (precision >= 0) {
      end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific, precision).ptr;
      Float back = 0;
      std::from_chars(buffer.data(), end, back);
      if (back != value) continue;
    }
    const char* at = buffer.data();
    uint64_t number = 0;
    for (count = 0; *at != 'e'; ++at) {
      if (*at == '.') continue;
      digits[count++] = *at;
      number = number * 10 + static_cast<uint64_t>(*at - '0');
    }
    std::from_chars(at[1] == '+' ? at + 2 : at + 1, end, exponent);
    if (!IsHalfway(value, number, exponent - static_cast<int>(count) + 1)) break;
  }
  const auto point = static_cast<ptrdiff_t>(exponent) + 1;  // Digits before the decimal point.
  const auto length = static_cast<ptrdiff_t>(count);
  if (exponent < -4 || exponent >= fixed_below) {
    out.push_back(digits[0]);
    if (count > 1) out.append(".").append(digits.data() + 1, count - 1);
    out.push_back('e');
    out.push_back(exponent < 0 ? '-' : '+');
    AppendPadded(std::abs(exponent), 2, out);
  } else if (point <= 0) {
    out.append("0.").append(static_cast<size_t>(-point), '0').append(digits.data(), count);
  } else if (point >= length) {
    out.append(digits.data(), count).append(static_cast<size_t>(point - length), '0');
  } else {
    out.append(digits.data(), static_cast<size_t>(point)).append(".");
    out.append(digits.data() + point, count - static_cast<size_t>(point));
  }
}

}  // namespace

void AppendUnsigned(uint64_t value, std::string& out) {
  std::array<char, 24> buffer;
  out.append(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr);
}

void AppendSigned(int64_t value, std::string& out) {
  std::array<char, 24> buffer;
  out.append(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr);
}

void AppendPadded(int64_t value, int width, std::string& out) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  const auto length = static_cast<int>(end - buffer.data());
  if (length < width) out.append(static_cast<size_t>(width - length), '0');
  out.append(buffer.data(), end);
}

void AppendFloat8(double value, std::string& out) { AppendShortest(value, 15, out); }

bool Bool(Bytes value, std::string& out) {
  if (value.size() != 1) return false;
  out.push_back(value[0] != std::byte{0} ? 't' : 'f');
  return true;
}

bool Int2(Bytes value, std::string& out) {
  int16_t number = 0;
  if (!Read(value, number)) return false;
  AppendSigned(number, out);
  return true;
}

bool Int4(Bytes value, std::string& out) {
  int32_t number = 0;
  if (!Read(value, number)) return false;
  AppendSigned(number, out);
  return true;
}

bool Int8(Bytes value, std::string& out) {
  int64_t number = 0;
  if (!Read(value, number)) return false;
  AppendSigned(number, out);
  return true;
}

bool Unsigned4(Bytes value, std::string& out) {
  uint32_t number = 0;
  if (!Read(value, number)) return false;
  AppendUnsigned(number, out);
  return true;
}

bool Unsigned8(Bytes value, std::string& out) {
  uint64_t number = 0;
  if (!Read(value, number)) return false;
  AppendUnsigned(number, out);
  return true;
}

bool Float4(Bytes value, std::string& out) {
  uint32_t bits = 0;
  if (!Read(value, bits)) return false;
  AppendShortest(std::bit_cast<float>(bits), 6, out);
  return true;
}

bool Float8(Bytes value, std::string& out) {
  uint64_t bits = 0;
  if (!Read(value, bits)) return false;
  AppendShortest(std::bit_cast<double>(bits), 15, out);
  return true;
}

bool Money(Bytes value, std::string& out) {
  int64_t cents = 0;
  if (!Read(value, cents)) return false;
  const uint64_t magnitude = cents < 0 ? 0 - static_cast<uint64_t>(cents) : static_cast<uint64_t>(cents);
  if (cents < 0) out.push_back('-');
  AppendUnsigned(magnitude / 100, out);
  out.push_back('.');
  AppendPadded(static_cast<int64_t>(magnitude % 100), 2, out);
  return true;
}

// numeric_send: digits: int16 | weight: int16 | sign: uint16 | dscale: uint16 | digits × int16 in base 10000
bool Numeric(Bytes value, std::string& out) {
  ByteReader reader(value);
  int count = reader.Read<uint16_t>();
  int weight = reader.Read<int16_t>();
  const auto sign = reader.Read<uint16_t>();
  const auto scale = reader.Read<uint16_t>();
  if (!reader.ok() || reader.rest_size() != static_cast<size_t>(count) * 2) return false;
  switch (sign) {
    case 0x0000: break;
    case 0x4000: out.push_back('-'); break;
    case 0xC000: out.append("NaN"); return true;
    case 0xD000: out.append("Infinity"); return true;
    case 0xF000: out.append("-Infinity"); return true;
    default: return false;
  }
  if (scale > 0x3FFF) return false;
  const std::byte* digits = reader.rest().data();
  for (int i = 0; i < count; ++i)
    if (LoadBigEndian<uint16_t>(digits + 2 * i) >= 10'000) return false;
  // The server strips zeros in front; other writers of the format need not.
  for (; count > 0 && LoadBigEndian<uint16_t>(digits) == 0; --count, --weight) digits += 2;
  if (count == 0) weight = -1;
  const auto digit = [&](int index) -> int {
    return index >= 0 && index < count ? LoadBigEndian<int16_t>(digits + 2 * index) : 0;
  };
  if (weight < 0) out.push_back('0');
  for (int i = 0; i <= weight; ++i) {
    if (i == 0) AppendSigned(digit(0), out); else AppendPadded(digit(i), 4, out);
  }
  if (scale == 0) return true;
  out.push_back('.');
  const size_t end = out.size() + scale;
  for (int i = weight + 1; out.size() < end; ++i) AppendPadded(digit(i), 4, out);
  out.resize(end);
  return true;
}

}  // namespace sluice::text

#include "sink/lake/decimal_decoder.h"

#include <algorithm>

#include "sink/lake/value_text.h"

namespace sluice {
namespace {

using Int128 = __int128;

constexpr Int128 PowerOfTen(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

template <class T, bool (*kParse)(std::string_view, T&)>
class WholeDecimalDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    if (bytes.size() != sizeof(T)) return false;
    cell = Cell::Decimal(static_cast<Int128>(LoadBigEndian<T>(bytes.data())));
    return true;
  }
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    T number = 0;
    if (!kParse(text, number)) return false;
    cell = Cell::Decimal(static_cast<Int128>(number));
    return true;
  }
};

// The form stands at text::Numeric.
class NumericDecoder final : public ValueDecoder {
 public:
  NumericDecoder(int32_t precision, int32_t scale) : limit_(PowerOfTen(precision)), scale_(scale) {}

  bool Decode(Bytes bytes, Cell& cell, PolicyCounts& counts) override {
    ByteReader reader(bytes);
    const auto count = reader.Read<uint16_t>();
    const auto weight = reader.Read<int16_t>();
    const auto sign = reader.Read<uint16_t>();
    reader.Read<uint16_t>();
    if (!reader.ok() || reader.rest_size() != count * size_t{2}) return false;
    if (sign != 0x0000 && sign != 0x4000) {
      ++counts[Policy::kNotANumber];
      cell = Cell{};
      return sign == 0xC000 || sign == 0xD000 || sign == 0xF000;
    }
    Int128 value = 0;
    if (!Sum(reader.rest().data(), count, weight, value)) {
      for (size_t i = 0; i < count; ++i)
        if (reader.Read<uint16_t>() >= 10'000) return false;
      ++counts[Policy::kOutOfRange];
      cell = Cell{};
      return true;
    }
    cell = Cell::Decimal(sign == 0x4000 ? -value : value);
    return true;
  }

  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts& counts) override {
    cell = Cell{};
    if (text::IsNotFinite(text)) return ++counts[Policy::kNotANumber], true;
    if (!text::IsNumber(text) || text.find('e') != std::string_view::npos) return false;
    const bool negative = text.starts_with('-');
    Int128 value = 0;
    if (SumText(text.substr(negative ? 1 : 0), value)) cell = Cell::Decimal(negative ? -value : value);
    else ++counts[Policy::kOutOfRange];
    return true;
  }

 private:
  // As Sum, from decimal digits with or without a point among them.
  bool SumText(std::string_view digits, Int128& value) const {
    const size_t point = std::min(digits.find('.'), digits.size());
    const auto take = [&](char digit) {
      if (value > (limit_ - 1 - (digit - '0')) / 10) return false;  // Before it grows beyond 128 bits.
      value = value * 10 + (digit - '0');
      return true;
    };
    for (const char digit : digits.substr(0, point))
      if (!take(digit)) return false;
    const std::string_view fraction = digits.substr(std::min(point + 1, digits.size()));
    const auto scale = static_cast<size_t>(scale_);
    for (size_t i = 0; i < scale; ++i)
      if (!take(i < fraction.size() ? fraction[i] : '0')) return false;
    return fraction.find_first_not_of('0', scale) == std::string_view::npos;
  }

  // The digits times 10^scale_; false where that isn't a whole number below the limit.
  bool Sum(const std::byte* digits, int count, int weight, Int128& value) const {
    int exponent = 0;  // Of the last digit taken, in tens.
    for (int i = 0; i < count; ++i) {
      const auto digit = LoadBigEndian<uint16_t>(digits + 2 * i);
      if (digit >= 10'000) return false;
      exponent = 4 * (weight - i) + scale_;
      const int step = exponent >= 0 ? 4 : exponent > -4 ? 4 + exponent : -1;
      if (step < 0) {
        if (digit != 0) return false;
        continue;
      }
      const int dropped = kSmall[4 - step];
      if (digit % dropped != 0) return false;
      if (value > limit_ / kSmall[step]) return false;  // Before it grows beyond 128 bits.
      value = value * kSmall[step] + digit / dropped;
    }
    if (count == 0 || value == 0) return value == 0;
    for (; exponent > 0; --exponent) {
      if (value > limit_ / 10) return false;
      value *= 10;
    }
    return value < limit_;
  }

  static constexpr int kSmall[] = {1, 10, 100, 1000, 10'000};
  const Int128 limit_;
  const int32_t scale_;
};

}  // namespace

std::unique_ptr<ValueDecoder> MakeDecimalFromNumeric(int32_t precision, int32_t scale) {
  return std::make_unique<NumericDecoder>(precision, scale);
}
std::unique_ptr<ValueDecoder> MakeDecimalFromInt64() { return std::make_unique<WholeDecimalDecoder<int64_t, text::ParseMoney>>(); }
std::unique_ptr<ValueDecoder> MakeDecimalFromUint64() { return std::make_unique<WholeDecimalDecoder<uint64_t, text::ParseInteger<uint64_t>>>(); }

}  // namespace sluice

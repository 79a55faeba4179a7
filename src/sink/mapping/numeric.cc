#include "sink/mapping/numeric.h"

#include <algorithm>
#include <array>

namespace sluice::mapping {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr uint16_t kNegative = 0x4000, kNaN = 0xC000, kInfinite = 0xD000, kNegativeInfinite = 0xF000;

struct Numeric {
  int digits = 0;
  int weight = 0;
  uint16_t sign = 0;
  const std::byte* first = nullptr;

  /// Of 10000^power.
  int DigitAt(int power) const {
    const int index = weight - power;
    return index < 0 || index >= digits ? 0 : LoadBigEndian<int16_t>(first + 2 * index);
  }
};

bool Read(Bytes binary, Numeric& numeric) {
  if (binary.size() < kHeaderBytes) return false;
  numeric.digits = LoadBigEndian<int16_t>(binary.data());
  numeric.weight = LoadBigEndian<int16_t>(binary.data() + 2);
  numeric.sign = LoadBigEndian<uint16_t>(binary.data() + 4);
  numeric.first = binary.data() + kHeaderBytes;
  if (numeric.digits < 0 || binary.size() != kHeaderBytes + 2 * static_cast<size_t>(numeric.digits)) return false;
  for (int i = 0; i < numeric.digits; ++i)
    if (const int digit = LoadBigEndian<int16_t>(numeric.first + 2 * i); digit < 0 || digit > 9999) return false;
  return numeric.sign == 0 || numeric.sign == kNegative || numeric.sign == kNaN || numeric.sign == kInfinite || numeric.sign == kNegativeInfinite;
}

std::string_view Special(uint16_t sign) {
  return sign == kNaN ? "NaN" : sign == kInfinite ? "Infinity" : sign == kNegativeInfinite ? "-Infinity" : "";
}

void AppendFour(int digit, std::string& out) {
  for (const int power : {1000, 100, 10, 1}) out.push_back(static_cast<char>('0' + digit / power % 10));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

struct Parts {
  bool negative = false;
  std::string_view whole, fraction;  // Without needless zeros.
};

// Of a canonical text that is a number.
Parts PartsOf(std::string_view text) {
  Parts parts;
  parts.negative = text.starts_with('-');
  if (parts.negative) text.remove_prefix(1);
  const size_t dot = text.find('.');
  parts.whole = text.substr(0, dot);
  if (dot != std::string_view::npos) parts.fraction = text.substr(dot + 1);
  return parts;
}

int CompareMagnitude(const Parts& a, const Parts& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  if (const int whole = a.whole.compare(b.whole); whole != 0) return whole;
  return a.fraction.compare(b.fraction);
}

// What sorts before and after the numbers.
int RankOf(std::string_view text) { return text == "NaN" ? 2 : text == "Infinity" ? 1 : text == "-Infinity" ? -1 : 0; }

}  // namespace

bool NumericToText(Bytes binary, std::string& out) {
  Numeric numeric;
  if (!Read(binary, numeric)) return false;
  if (const std::string_view special = Special(numeric.sign); !special.empty()) return out.append(special), true;
  std::string text = numeric.sign == kNegative ? "-" : "";
  if (numeric.weight < 0 || numeric.digits == 0) text.push_back('0');
  for (int power = numeric.weight; numeric.digits > 0 && power >= 0; --power) AppendFour(numeric.DigitAt(power), text);
  const int last = numeric.weight - numeric.digits + 1;
  if (numeric.digits > 0 && last < 0) text.push_back('.');
  for (int power = -1; numeric.digits > 0 && power >= last; --power) AppendFour(numeric.DigitAt(power), text);
  return CanonicalNumeric(text, out);
}

bool CanonicalNumeric(std::string_view text, std::string& out) {
  if (RankOf(text) != 0) return out.append(text), true;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const size_t dot = std::min(text.find('.'), text.size());
  std::string_view whole = text.substr(0, dot);
  std::string_view fraction = dot < text.size() ? text.substr(dot + 1) : "";
  if ((whole.empty() && fraction.empty()) || !std::all_of(whole.begin(), whole.end(), IsDigit) || !std::all_of(fraction.begin(), fraction.end(), IsDigit)) return false;
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (whole.empty()) whole = "0";
  if (negative && (whole != "0" || !fraction.empty())) out.push_back('-');
  out.append(whole);
  if (!fraction.empty()) out.append(".").append(fraction);
  return true;
}

int CompareNumeric(std::string_view a, std::string_view b) {
  const int rank_a = RankOf(a), rank_b = RankOf(b);
  if (rank_a != 0 || rank_b != 0) return rank_a - rank_b;
  const Parts left = PartsOf(a), right = PartsOf(b);
  if (left.negative != right.negative) return left.negative ? -1 : 1;
  const int magnitude = CompareMagnitude(left, right);
  return left.negative ? -magnitude : magnitude;
}

bool TruncateBinaryNumeric(Bytes binary, int64_t width, std::string& out) {
  Numeric numeric;
  if (!Read(binary, numeric)) return false;
  if (!Special(numeric.sign).empty()) return out.append(AsText(binary)), true;
  uint64_t rest = 0;
  const auto divisor = static_cast<uint64_t>(width);
  for (int power = numeric.weight; power >= 0 && numeric.digits > 0; --power) rest = (rest * 10'000 + static_cast<uint64_t>(numeric.DigitAt(power))) % divisor;
  // From the last digit up, so the bytes come in reverse.
  const size_t begin = out.size();
  out.append(AsText(binary.first(kHeaderBytes)));
  int borrow = 0;
  for (int power = 0; power <= numeric.weight && numeric.digits > 0; ++power) {
    int digit = numeric.DigitAt(power) - static_cast<int>(rest % 10'000) - borrow;
    rest /= 10'000;
    borrow = digit < 0 ? 1 : 0;
    digit += borrow * 10'000;
    const std::array<char, 2> bytes{static_cast<char>(digit >> 8), static_cast<char>(digit & 0xff)};
    out.append(bytes.data(), 2);
  }
  const auto number_at = [&](size_t index) { return LoadBigEndian<int16_t>(reinterpret_cast<const std::byte*>(out.data()) + begin + kHeaderBytes + 2 * index); };
  size_t count = (out.size() - begin - kHeaderBytes) / 2;
  while (count > 0 && number_at(count - 1) == 0) --count;
  const int weight = count == 0 ? 0 : static_cast<int>(count) - 1;
  size_t low = 0;  // Zeros at the low end are not sent either.
  while (low < count && number_at(low) == 0) ++low;
  out.resize(begin + kHeaderBytes + 2 * count);
  out.erase(begin + kHeaderBytes, 2 * low);
  count -= low;
  auto* const header = reinterpret_cast<std::byte*>(out.data()) + begin;
  for (size_t i = 0; i < count / 2; ++i) {
    const size_t a = begin + kHeaderBytes + 2 * i, b = begin + kHeaderBytes + 2 * (count - 1 - i);
    std::swap(out[a], out[b]);
    std::swap(out[a + 1], out[b + 1]);
  }
  StoreBigEndian<int16_t>(header, static_cast<int16_t>(count));
  StoreBigEndian<int16_t>(header + 2, static_cast<int16_t>(weight));
  if (count == 0) StoreBigEndian<uint16_t>(header + 4, 0);
  return true;
}

bool TruncateTextNumeric(std::string_view text, int64_t width, std::string& out) {
  if (RankOf(text) != 0) return out.append(text), true;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t dot = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, dot);
  if (whole.empty() || !std::all_of(whole.begin(), whole.end(), IsDigit)) return false;
  uint64_t rest = 0;
  for (const char c : whole) rest = (rest * 10 + static_cast<uint64_t>(c - '0')) % static_cast<uint64_t>(width);
  const size_t begin = out.size();
  out.append(whole);
  int borrow = 0;
  for (size_t at = out.size(); at > begin && (rest > 0 || borrow > 0);) {
    --at;
    int digit = out[at] - '0' - static_cast<int>(rest % 10) - borrow;
    rest /= 10;
    borrow = digit < 0 ? 1 : 0;
    out[at] = static_cast<char>('0' + digit + borrow * 10);
  }
  const size_t zeros = std::min(out.find_first_not_of('0', begin), out.size() - 1) - begin;
  out.erase(begin, zeros);
  if (negative && out.compare(begin, std::string::npos, "0") != 0) out.insert(begin, 1, '-');
  if (dot < text.size()) out.append(".").append(text.size() - dot - 1, '0');
  return true;
}

}  // namespace sluice::mapping

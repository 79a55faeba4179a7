#include "iceberg/literal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

static_assert(std::endian::native == std::endian::little,
              "bounds are copied as they lie in memory");

template <class T>
std::string LittleEndian(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <class T>
T LoadLittleEndian(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string MinimalBigEndian(Int128 value) {
  std::string bytes(16, '\0');
  for (size_t i = 16; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xff);
  // A leading byte can go while the next one has the same sign.
  size_t start = 0;
  while (start < 15 && ((bytes[start] == '\0' && (bytes[start + 1] & 0x80) == 0) ||
                        (bytes[start] == '\xff' && (bytes[start + 1] & 0x80) != 0)))
    ++start;
  return bytes.substr(start);
}

Int128 FromBigEndian(std::string_view bytes) {
  Int128 value = (static_cast<signed char>(bytes.front()) < 0) ? -1 : 0;
  for (const char byte : bytes)
    value = static_cast<Int128>((static_cast<unsigned __int128>(value) << 8) |
                                static_cast<unsigned char>(byte));
  return value;
}

template <class T>
std::weak_ordering CompareFloats(T left, T right) {
  if (std::isnan(left) || std::isnan(right)) return std::isnan(left) <=> std::isnan(right);
  if (left < right) return std::weak_ordering::less;
  return left > right ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

/// Bytes of the UTF-8 character that starts with `lead`; 1 for what can't start one.
size_t CharacterSize(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}

uint32_t DecodeCharacter(std::string_view character) {
  uint32_t code = static_cast<unsigned char>(character[0]);
  if (character.size() > 1) code &= 0x7fU >> character.size();
  for (size_t i = 1; i < character.size(); ++i)
    code = (code << 6) | (static_cast<unsigned char>(character[i]) & 0x3f);
  return code;
}

void AppendCharacter(std::string& to, uint32_t code) {
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xc0 | (code >> 6));
    to += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    to += static_cast<char>(0xe0 | (code >> 12));
    to += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    to += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    to += static_cast<char>(0xf0 | (code >> 18));
    to += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    to += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    to += static_cast<char>(0x80 | (code & 0x3f));
  }
}

/// The offsets at which the first `count` characters start, and the end of the last.
std::vector<size_t> CharacterStarts(std::string_view text, size_t count) {
  std::vector<size_t> starts = {0};
  while (starts.size() <= count && starts.back() < text.size())
    starts.push_back(std::min(text.size(), starts.back() + CharacterSize(text[starts.back()])));
  return starts;
}

}  // namespace

std::weak_ordering Compare(const Literal& left, const Literal& right) {
  if (left.index() != right.index()) return left.index() <=> right.index();
  return std::visit(
      [&](const auto& value) -> std::weak_ordering {
        using T = std::decay_t<decltype(value)>;
        const T& other = std::get<T>(right);
        if constexpr (std::is_same_v<T, std::monostate>) {
          return std::weak_ordering::equivalent;
        } else if constexpr (std::is_floating_point_v<T>) {
          return CompareFloats(value, other);
        } else {
          return value <=> other;
        }
      },
      left);
}

std::string EncodeBound(const Literal& literal) {
  SLUICE_CHECK(!IsNull(literal));
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return {};
        } else if constexpr (std::is_same_v<T, std::string>) {
          return value;
        } else if constexpr (std::is_same_v<T, bool>) {
          return std::string(1, value ? '\1' : '\0');
        } else if constexpr (std::is_same_v<T, Int128>) {
          return MinimalBigEndian(value);
        } else {
          return LittleEndian(value);
        }
      },
      literal);
}

Result<Literal> DecodeBound(const Type& type, std::string_view bytes) {
  const auto wrong = [&] {
    return Corrupt("a bound of type " + ToString(type) + " has a wrong length");
  };
  switch (type.id) {
    case TypeId::kBoolean:
      if (bytes.size() != 1) return wrong();
      return Literal(bytes[0] != 0);
    case TypeId::kInt:
    case TypeId::kDate:
      if (bytes.size() != 4) return wrong();
      return Literal(LoadLittleEndian<int32_t>(bytes));
    case TypeId::kLong:
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
    case TypeId::kTimestampNs:
    case TypeId::kTimestamptzNs:
      if (bytes.size() == 4) return Literal(int64_t{LoadLittleEndian<int32_t>(bytes)});
      if (bytes.size() != 8) return wrong();
      return Literal(LoadLittleEndian<int64_t>(bytes));
    case TypeId::kFloat:
      if (bytes.size() != 4) return wrong();
      return Literal(LoadLittleEndian<float>(bytes));
    case TypeId::kDouble:
      if (bytes.size() == 4) return Literal(double{LoadLittleEndian<float>(bytes)});
      if (bytes.size() != 8) return wrong();
      return Literal(LoadLittleEndian<double>(bytes));
    case TypeId::kDecimal:
      if (bytes.empty() || bytes.size() > 16) return wrong();
      return Literal(FromBigEndian(bytes));
    case TypeId::kUuid:
      if (bytes.size() != 16) return wrong();
      return Literal(std::string(bytes));
    case TypeId::kString:
    case TypeId::kFixed:
    case TypeId::kBinary:
      return Literal(std::string(bytes));
    case TypeId::kStruct:
    case TypeId::kList:
    case TypeId::kMap:
      break;
  }
  return Corrupt("a nested column has a bound");
}

std::string TruncateLowerBound(std::string_view text, size_t code_points) {
  return std::string(text.substr(0, CharacterStarts(text, code_points).back()));
}

std::optional<std::string> TruncateUpperBound(std::string_view text, size_t code_points) {
  std::vector<size_t> starts = CharacterStarts(text, code_points);
  if (starts.back() == text.size()) return std::string(text);
  // The last character that has a successor is raised, and what follows it dropped.
  for (size_t i = starts.size() - 1; i-- > 0;) {
    uint32_t next = DecodeCharacter(text.substr(starts[i], starts[i + 1] - starts[i])) + 1;
    if (next >= 0xd800 && next <= 0xdfff) next = 0xe000;  // Surrogates are no characters.
    if (next > 0x10ffff) continue;
    std::string bound(text.substr(0, starts[i]));
    AppendCharacter(bound, next);
    return bound;
  }
  return std::nullopt;
}

std::string TruncateBinaryLowerBound(std::string_view bytes, size_t length) {
  return std::string(bytes.substr(0, length));
}

std::optional<std::string> TruncateBinaryUpperBound(std::string_view bytes, size_t length) {
  if (bytes.size() <= length) return std::string(bytes);
  std::string bound(bytes.substr(0, length));
  while (!bound.empty() && bound.back() == '\xff') bound.pop_back();
  if (bound.empty()) return std::nullopt;
  bound.back() = static_cast<char>(static_cast<unsigned char>(bound.back()) + 1);
  return bound;
}

}  // namespace sluice::iceberg

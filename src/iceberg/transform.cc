#include "iceberg/transform.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <chrono>
#include <cstring>

#include "base/check.h"
#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

using Kind = Transform::Kind;

constexpr int64_t kMicrosPerHour = 3'600'000'000;
constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

int64_t FloorDivide(int64_t value, int64_t by) {
  return value / by - ((value % by != 0 && (value < 0) != (by < 0)) ? 1 : 0);
}

bool IsNanos(const Type& type) {
  return type.id == TypeId::kTimestampNs || type.id == TypeId::kTimestamptzNs;
}

bool IsTimestamp(const Type& type) {
  return type.id == TypeId::kTimestamp || type.id == TypeId::kTimestamptz || IsNanos(type);
}

/// MurmurHash3 x86 32, seed 0 (Austin Appleby, public domain algorithm).
int32_t Murmur3(std::string_view bytes) {
  constexpr uint32_t kC1 = 0xcc9e2d51;
  constexpr uint32_t kC2 = 0x1b873593;
  uint32_t hash = 0;
  size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    uint32_t block;
    std::memcpy(&block, bytes.data() + at, 4);
    hash ^= std::rotl(block * kC1, 15) * kC2;
    hash = std::rotl(hash, 13) * 5 + 0xe6546b64;
  }
  uint32_t tail = 0;
  for (size_t i = bytes.size(); i-- > at;)
    tail = (tail << 8) | static_cast<unsigned char>(bytes[i]);
  if (at < bytes.size()) hash ^= std::rotl(tail * kC1, 15) * kC2;
  hash ^= static_cast<uint32_t>(bytes.size());
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return static_cast<int32_t>(hash ^ (hash >> 16));
}

/// Days since 1970 of a date or timestamp.
int64_t DaysOf(const Type& source, const Literal& value) {
  if (source.id == TypeId::kDate) return std::get<int32_t>(value);
  return FloorDivide(std::get<int64_t>(value),
                     IsNanos(source) ? kMicrosPerDay * 1000 : kMicrosPerDay);
}

std::chrono::year_month_day DateOf(int64_t days) {
  return std::chrono::sys_days(std::chrono::days(days));
}

/// Years and months are found by division, since std::chrono ends at the year 32767.
struct YearMonth {
  int64_t year;
  unsigned month;
};
YearMonth YearMonthOf(int64_t days) {
  constexpr int64_t kDaysPer400Years = 146'097;
  const int64_t cycles = FloorDivide(days, kDaysPer400Years);
  const auto date = DateOf(days - cycles * kDaysPer400Years);
  return {static_cast<int>(date.year()) + 400 * cycles, static_cast<unsigned>(date.month())};
}

Literal Truncate(int32_t width, const Literal& value) {
  if (const auto* number = std::get_if<int32_t>(&value))
    return static_cast<int32_t>(FloorDivide(*number, width) * width);
  if (const auto* number = std::get_if<int64_t>(&value)) {
    const int64_t remainder = ((*number % width) + width) % width;
    return static_cast<int64_t>(static_cast<uint64_t>(*number) - static_cast<uint64_t>(remainder));
  }
  if (const auto* number = std::get_if<Int128>(&value))
    return static_cast<Int128>(*number - ((*number % width) + width) % width);
  return value;
}

std::string DateText(int64_t days) {
  const auto date = DateOf(days);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string DecimalText(Int128 value, int32_t scale) {
  const bool negative = value < 0;
  auto rest =
      negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  std::string digits;
  for (int32_t i = 0; rest != 0 || i <= scale; ++i, rest /= 10) {
    if (i == scale && scale > 0) digits += '.';
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  if (negative) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

std::string PlainText(const Type& type, const Literal& value) {
  if (type.id == TypeId::kDate) return DateText(std::get<int32_t>(value));
  return std::visit(
      [&](const auto& actual) -> std::string {
        using T = std::decay_t<decltype(actual)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return "null";
        } else if constexpr (std::is_same_v<T, std::string>) {
          if (type.id == TypeId::kString) return actual;
          std::string hex;
          for (const char c : actual) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
          return hex;
        } else if constexpr (std::is_same_v<T, Int128>) {
          return DecimalText(actual, type.scale);
        } else {
          return fmt::format("{}", actual);
        }
      },
      value);
}

}  // namespace

std::string ToString(const Transform& transform) {
  switch (transform.kind) {
    case Kind::kIdentity:
      return "identity";
    case Kind::kBucket:
      return fmt::format("bucket[{}]", transform.width);
    case Kind::kTruncate:
      return fmt::format("truncate[{}]", transform.width);
    case Kind::kYear:
      return "year";
    case Kind::kMonth:
      return "month";
    case Kind::kDay:
      return "day";
    case Kind::kHour:
      return "hour";
    case Kind::kVoid:
      return "void";
  }
  return "";
}

Result<Transform> ParseTransform(std::string_view text) {
  for (const Kind kind :
       {Kind::kIdentity, Kind::kYear, Kind::kMonth, Kind::kDay, Kind::kHour, Kind::kVoid})
    if (ToString(Transform{kind}) == text) return Transform{kind};
  for (const Kind kind : {Kind::kBucket, Kind::kTruncate}) {
    const std::string_view name = kind == Kind::kBucket ? "bucket[" : "truncate[";
    if (!text.starts_with(name) || !text.ends_with(']')) continue;
    Transform transform{kind};
    const char* const end = text.data() + text.size() - 1;
    const auto [stop, error] = std::from_chars(text.data() + name.size(), end, transform.width);
    if (error == std::errc() && stop == end && transform.width > 0) return transform;
  }
  return Unknown(fmt::format("the partition transform '{}' is not known", text.substr(0, 60)));
}

Result<Type> ResultType(const Transform& transform, const Type& source) {
  const auto refuse = [&] {
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("the transform {} does not apply to a column of type {}",
                             ToString(transform), ToString(source))};
  };
  if (!source.is_primitive()) return refuse();
  const bool is_float = source.id == TypeId::kFloat || source.id == TypeId::kDouble;
  switch (transform.kind) {
    case Kind::kIdentity:
    case Kind::kVoid:
      return source;
    case Kind::kBucket:
      if (source.id == TypeId::kBoolean || is_float) return refuse();
      return Primitive(TypeId::kInt);
    case Kind::kTruncate:
      if (source.id == TypeId::kInt || source.id == TypeId::kLong ||
          source.id == TypeId::kDecimal || source.id == TypeId::kString ||
          source.id == TypeId::kBinary)
        return source;
      return refuse();
    case Kind::kYear:
    case Kind::kMonth:
      if (source.id != TypeId::kDate && !IsTimestamp(source)) return refuse();
      return Primitive(TypeId::kInt);
    case Kind::kDay:
      if (source.id != TypeId::kDate && !IsTimestamp(source)) return refuse();
      return Primitive(TypeId::kDate);
    case Kind::kHour:
      if (!IsTimestamp(source)) return refuse();
      return Primitive(TypeId::kInt);
  }
  return refuse();
}

int32_t BucketHash(const Type& source, const Literal& value) {
  SLUICE_CHECK(!IsNull(value));
  // Integers hash as 8 bytes, so that a column can be widened; nanoseconds hash as microseconds.
  if (const auto* number = std::get_if<int32_t>(&value))
    return Murmur3(EncodeBound(int64_t{*number}));
  if (const auto* number = std::get_if<int64_t>(&value); number && IsNanos(source))
    return Murmur3(EncodeBound(FloorDivide(*number, 1000)));
  return Murmur3(EncodeBound(value));
}

Literal Apply(const Transform& transform, const Type& source, const Literal& value) {
  if (IsNull(value)) return {};
  switch (transform.kind) {
    case Kind::kVoid:
      return {};
    case Kind::kIdentity:
      return value;
    case Kind::kBucket:
      return (BucketHash(source, value) & 0x7fffffff) % transform.width;
    case Kind::kTruncate: {
      const auto* text = std::get_if<std::string>(&value);
      if (!text) return Truncate(transform.width, value);
      const auto width = static_cast<size_t>(transform.width);
      return source.id == TypeId::kString ? TruncateLowerBound(*text, width)
                                          : TruncateBinaryLowerBound(*text, width);
    }
    case Kind::kYear:
      return static_cast<int32_t>(YearMonthOf(DaysOf(source, value)).year - 1970);
    case Kind::kMonth: {
      const YearMonth date = YearMonthOf(DaysOf(source, value));
      return static_cast<int32_t>((date.year - 1970) * 12 + date.month - 1);
    }
    case Kind::kDay:
      return static_cast<int32_t>(DaysOf(source, value));
    case Kind::kHour:
      return static_cast<int32_t>(FloorDivide(
          std::get<int64_t>(value), IsNanos(source) ? kMicrosPerHour * 1000 : kMicrosPerHour));
  }
  return {};
}

std::string ToHumanText(const Transform& transform, const Type& source,
                        const Literal& partition_value) {
  if (IsNull(partition_value)) return "null";
  switch (transform.kind) {
    case Kind::kVoid:
      return "null";
    case Kind::kIdentity:
    case Kind::kTruncate:
      return PlainText(source, partition_value);
    case Kind::kBucket:
      return fmt::format("{}", std::get<int32_t>(partition_value));
    case Kind::kYear:
      return fmt::format("{:04}", 1970 + std::get<int32_t>(partition_value));
    case Kind::kMonth: {
      const int32_t months = std::get<int32_t>(partition_value);
      const int64_t years = FloorDivide(months, 12);
      return fmt::format("{:04}-{:02}", 1970 + years, months - years * 12 + 1);
    }
    case Kind::kDay:
      return DateText(std::get<int32_t>(partition_value));
    case Kind::kHour: {
      const int32_t hours = std::get<int32_t>(partition_value);
      const int64_t days = FloorDivide(hours, 24);
      return fmt::format("{}-{:02}", DateText(days), hours - days * 24);
    }
  }
  return "";
}

}  // namespace sluice::iceberg

#include "iceberg/type.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

struct PlainName {
  TypeId id;
  std::string_view name;
};

constexpr std::array kPlainNames = {
    PlainName{TypeId::kBoolean, "boolean"},
    PlainName{TypeId::kInt, "int"},
    PlainName{TypeId::kLong, "long"},
    PlainName{TypeId::kFloat, "float"},
    PlainName{TypeId::kDouble, "double"},
    PlainName{TypeId::kDate, "date"},
    PlainName{TypeId::kTime, "time"},
    PlainName{TypeId::kTimestamp, "timestamp"},
    PlainName{TypeId::kTimestamptz, "timestamptz"},
    PlainName{TypeId::kTimestampNs, "timestamp_ns"},
    PlainName{TypeId::kTimestamptzNs, "timestamptz_ns"},
    PlainName{TypeId::kString, "string"},
    PlainName{TypeId::kUuid, "uuid"},
    PlainName{TypeId::kBinary, "binary"},
};

/// The numbers in e.g. "(10, 2)" or "[16]"; false if there are not exactly `count`.
bool ParseNumbers(std::string_view text, char open, char close, size_t count, int32_t* numbers) {
  if (text.size() < 2 || text.front() != open || text.back() != close) return false;
  text = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < count; ++i) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (i + 1 < count) {
      if (!text.starts_with(',')) return false;
      text.remove_prefix(1);
    }
  }
  return text.empty();
}

}  // namespace

// Not defaulted: Type and Field compare by each other, over which clang crashes.
bool Type::operator==(const Type& other) const {
  return id == other.id && precision == other.precision && scale == other.scale &&
         length == other.length && fields == other.fields;
}

Type Primitive(TypeId id) {
  Type type;
  type.id = id;
  return type;
}

Type Decimal(int32_t precision, int32_t scale) {
  Type type = Primitive(TypeId::kDecimal);
  type.precision = precision;
  type.scale = scale;
  return type;
}

Type Fixed(int32_t length) {
  Type type = Primitive(TypeId::kFixed);
  type.length = length;
  return type;
}

Type ListOf(int32_t element_id, Type element, bool element_required) {
  Type type = Primitive(TypeId::kList);
  type.fields.push_back({element_id, "element", element_required, std::move(element), ""});
  return type;
}

Type MapOf(int32_t key_id, Type key, int32_t value_id, Type value, bool value_required) {
  Type type = Primitive(TypeId::kMap);
  type.fields.push_back({key_id, "key", true, std::move(key), ""});
  type.fields.push_back({value_id, "value", value_required, std::move(value), ""});
  return type;
}

Type StructOf(std::vector<Field> fields) {
  Type type = Primitive(TypeId::kStruct);
  type.fields = std::move(fields);
  return type;
}

std::string ToString(const Type& type) {
  switch (type.id) {
    case TypeId::kDecimal:
      return fmt::format("decimal({}, {})", type.precision, type.scale);
    case TypeId::kFixed:
      return fmt::format("fixed[{}]", type.length);
    case TypeId::kStruct:
      return "struct";
    case TypeId::kList:
      return "list";
    case TypeId::kMap:
      return "map";
    case TypeId::kBoolean:
    case TypeId::kInt:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDate:
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
    case TypeId::kTimestampNs:
    case TypeId::kTimestamptzNs:
    case TypeId::kString:
    case TypeId::kUuid:
    case TypeId::kBinary:
      break;
  }
  for (const PlainName& plain : kPlainNames)
    if (plain.id == type.id) return std::string(plain.name);
  return "";
}

Result<Type> ParsePrimitive(std::string_view text) {
  for (const PlainName& plain : kPlainNames)
    if (plain.name == text) return Primitive(plain.id);
  int32_t numbers[2] = {};
  if (text.starts_with("decimal")) {
    if (!ParseNumbers(text.substr(7), '(', ')', 2, numbers) || numbers[0] < 1 || numbers[0] > 38 ||
        numbers[1] < 0 || numbers[1] > numbers[0])
      return Corrupt("a decimal type has no acceptable precision and scale");
    return Decimal(numbers[0], numbers[1]);
  }
  if (text.starts_with("fixed")) {
    if (!ParseNumbers(text.substr(5), '[', ']', 1, numbers) || numbers[0] < 0)
      return Corrupt("a fixed type has no acceptable length");
    return Fixed(numbers[0]);
  }
  return Unknown(fmt::format("the column type '{}' is not known", text.substr(0, 60)));
}

int32_t DecimalBytes(int32_t precision) {
  // The bytes b for which 2^(8b-1) exceeds 10^precision, for precisions 1 to 38.
  constexpr std::array<int8_t, 39> kBytes = {1,  1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,
                                             6,  6,  7,  7,  8,  8,  9,  9,  9,  10, 10, 11, 11,
                                             11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};
  if (precision < 0 || precision > 38) return 16;
  return kBytes[static_cast<size_t>(precision)];
}

}  // namespace sluice::iceberg

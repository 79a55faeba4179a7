#pragma once
// Iceberg's types. A nested type names its parts by field ids, which never change and are never
// reused.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::iceberg {

enum class TypeId {
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kDecimal,
  kDate,
  kTime,
  kTimestamp,
  kTimestamptz,
  kTimestampNs,
  kTimestamptzNs,
  kString,
  kUuid,
  kFixed,
  kBinary,
  kStruct,
  kList,
  kMap,
};

struct Field;

struct Type {
  TypeId id = TypeId::kInt;
  int32_t precision = 0;      ///< Of a decimal.
  int32_t scale = 0;          ///< Of a decimal.
  int32_t length = 0;         ///< Of a fixed, in bytes.
  std::vector<Field> fields;  ///< A struct's members; a list's element; a map's key and value.

  bool is_primitive() const { return id < TypeId::kStruct; }
  bool operator==(const Type&) const;
};

struct Field {
  int32_t id = 0;
  std::string name;
  bool required = false;
  Type type;
  std::string doc;

  bool operator==(const Field&) const = default;
};

Type Primitive(TypeId id);
Type Decimal(int32_t precision, int32_t scale);
Type Fixed(int32_t length);
Type ListOf(int32_t element_id, Type element, bool element_required = false);
Type MapOf(int32_t key_id, Type key, int32_t value_id, Type value, bool value_required = false);
Type StructOf(std::vector<Field> fields);

/// Of a primitive type as the specification spells it, e.g. "decimal(10, 2)".
std::string ToString(const Type& type);

/// Error: kCorrupt; kNeedsOperator for a type of a later format version.
Result<Type> ParsePrimitive(std::string_view text);

/// Bytes that hold any decimal of `precision` digits in two's complement.
int32_t DecimalBytes(int32_t precision);

/// Field ids of columns that every table has by definition.
inline constexpr int32_t kDeleteFilePathId = 2147483546;
inline constexpr int32_t kDeletePosId = 2147483545;

}  // namespace sluice::iceberg

#include "sink/lake/type_map.h"

#include <arrow/extension/uuid.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include "base/check.h"
#include "sink/lake/pg_type_oid.h"
#include "sink/lake/text_writer.h"

namespace sluice {
namespace {

using iceberg::Primitive;
using iceberg::TypeId;

LakeType MapNumeric(int32_t typmod) {
  NumericShape shape;
  if (!FitsDecimal(typmod, shape)) return {Primitive(TypeId::kString)};
  return {iceberg::Decimal(shape.precision, shape.scale), Loss::kNotANumber};
}

LakeType MapBase(const Type& type, int32_t typmod, const ReaderNeeds& needs) {
  switch (type.oid) {
    case pg::kBool: return {Primitive(TypeId::kBoolean)};
    case pg::kInt2:
    case pg::kInt4: return {Primitive(TypeId::kInt)};
    case pg::kInt8:
    case pg::kOid:
    case pg::kXid:
    case pg::kCid: return {Primitive(TypeId::kLong)};
    case pg::kFloat4: return {Primitive(TypeId::kFloat)};
    case pg::kFloat8: return {Primitive(TypeId::kDouble)};
    case pg::kNumeric: return MapNumeric(typmod);
    case pg::kMoney: return {iceberg::Decimal(19, 2)};
    case pg::kXid8: return {iceberg::Decimal(20, 0)};
    case pg::kBytea: return {Primitive(TypeId::kBinary)};
    case pg::kDate: return {Primitive(TypeId::kDate), Loss::kInfinity};
    case pg::kTimestamp: return {Primitive(TypeId::kTimestamp), Loss::kInfinity};
    case pg::kTimestamptz: return {Primitive(TypeId::kTimestamptz), Loss::kInfinity};
    case pg::kUuid: return {Primitive(needs.no_uuid ? TypeId::kString : TypeId::kUuid)};
    default: return {Primitive(TypeId::kString), LossOfText(type)};
  }
}

std::shared_ptr<arrow::DataType> ToArrowType(const iceberg::Type& type) {
  switch (type.id) {
    case TypeId::kBoolean: return arrow::boolean();
    case TypeId::kInt: return arrow::int32();
    case TypeId::kLong: return arrow::int64();
    case TypeId::kFloat: return arrow::float32();
    case TypeId::kDouble: return arrow::float64();
    case TypeId::kDecimal: return arrow::decimal128(type.precision, type.scale);
    case TypeId::kDate: return arrow::date32();
    case TypeId::kTimestamp: return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeId::kTimestamptz: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case TypeId::kString: return arrow::utf8();
    case TypeId::kUuid: return arrow::extension::uuid();
    case TypeId::kBinary: return arrow::binary();
    case TypeId::kList: return arrow::list(ToArrowField(type.fields.front()));
    case TypeId::kTime:
    case TypeId::kTimestampNs:
    case TypeId::kTimestamptzNs:
    case TypeId::kFixed:
    case TypeId::kStruct:
    case TypeId::kMap: break;
  }
  SLUICE_CHECK(!"MapType makes no such type");
  return nullptr;
}

}  // namespace

bool FitsDecimal(int32_t typmod, NumericShape& shape) {
  if (typmod < 4) return false;
  const int32_t packed = typmod - 4;
  int32_t precision = (packed >> 16) & 0xFFFF;
  int32_t scale = ((packed & 0x7FF) ^ 1024) - 1024;  // Eleven bits with sign.
  if (scale < 0) {
    precision -= scale;
    scale = 0;
  }
  if (scale > precision) precision = scale;
  shape = {precision, scale};
  return precision >= 1 && precision <= 38;
}

bool IsVector(const Type& type) { return type.oid == pg::kInt2Vector || type.oid == pg::kOidVector; }

bool IsFlatArray(const Type& type) {
  if (type.kind != TypeKind::kArray || !type.element || !type.has_binary || IsVector(type)) return false;
  const Type& element = BaseOf(*type.element);
  return element.kind != TypeKind::kArray || IsVector(element);
}

bool SameType(const iceberg::Type& left, const iceberg::Type& right) {
  if (left.id != TypeId::kList || right.id != TypeId::kList) return left == right;
  return SameType(left.fields.front().type, right.fields.front().type);
}

bool MayBeHeldAs(const Type& type, int32_t typmod, const iceberg::Type& held) {
  for (const bool no_uuid : {false, true})
    for (const bool no_lists : {false, true})
      if (SameType(MapType(type, typmod, {.no_uuid = no_uuid, .no_lists = no_lists}).type, held)) return true;
  return false;
}

LakeType MapType(const Type& type, int32_t typmod, const ReaderNeeds& needs) {
  if (IsVector(type)) return {Primitive(TypeId::kString)};
  switch (type.kind) {
    case TypeKind::kDomain:
      if (!type.element) break;
      // The column's own typmod says nothing where the type is a domain.
      return MapType(*type.element, type.element_typmod, needs);
    case TypeKind::kArray: {
      if (!IsFlatArray(type)) break;
      if (needs.no_lists) return {Primitive(TypeId::kString), LossOfText(type)};
      LakeType element = MapType(*type.element, typmod, needs);
      return {iceberg::ListOf(0, std::move(element.type)), Loss::kArrayShape};
    }
    case TypeKind::kBase: return MapBase(type, typmod, needs);
    case TypeKind::kEnum:
    case TypeKind::kComposite:
    case TypeKind::kRange:
    case TypeKind::kMultirange: break;
  }
  return {Primitive(TypeId::kString), LossOfText(type)};
}

std::shared_ptr<arrow::Field> ToArrowField(const iceberg::Field& field) {
  return arrow::field(field.name, ToArrowType(field.type), !field.required,
                      arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(field.id)}));
}

}  // namespace sluice

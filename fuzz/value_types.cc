#include "value_types.h"

#include <memory>
#include <string>
#include <utility>

#include "sink/lake/pg_type_oid.h"

namespace sluice::fuzz {
namespace {

constexpr int32_t kTypmodHeader = 4;

TypePtr Base(Oid oid) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  return type;
}

TypePtr Of(TypeKind kind, Oid oid, TypePtr element, int32_t element_typmod = -1) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  type->kind = kind;
  type->element = std::move(element);
  type->element_typmod = element_typmod;
  return type;
}

TypePtr Extension(Oid oid, const char* extension, const char* name) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  type->extension = extension;
  type->name = name;
  return type;
}

TypePtr Composite(Oid oid, std::vector<TypePtr> fields) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  type->kind = TypeKind::kComposite;
  for (TypePtr& field : fields) type->fields.push_back({"f" + std::to_string(type->fields.size()), std::move(field), -1});
  return type;
}

std::vector<ValueType> MakeTypes() {
  std::vector<ValueType> types;
  for (const Oid oid :
       {pg::kBool,        pg::kBytea,      pg::kChar,         pg::kName,        pg::kInt8,     pg::kInt2,      pg::kInt2Vector, pg::kInt4,
        pg::kRegproc,     pg::kText,       pg::kOid,          pg::kTid,         pg::kXid,      pg::kCid,       pg::kOidVector,  pg::kJson,
        pg::kXml,         pg::kPoint,      pg::kLseg,         pg::kPath,        pg::kBox,      pg::kPolygon,   pg::kLine,       pg::kCidr,
        pg::kFloat4,      pg::kFloat8,     pg::kUnknown,      pg::kCircle,      pg::kMacaddr8, pg::kMoney,     pg::kMacaddr,    pg::kInet,
        pg::kBpchar,      pg::kVarchar,    pg::kDate,         pg::kTime,        pg::kTimestamp, pg::kTimestamptz, pg::kInterval, pg::kTimetz,
        pg::kBit,         pg::kVarbit,     pg::kNumeric,      pg::kUuid,        pg::kPgLsn,    pg::kTsvector,  pg::kTsquery,    pg::kJsonb,
        pg::kJsonpath,    pg::kPgSnapshot, pg::kXid8})
    types.push_back({Base(oid)});
  const auto numeric = [](int32_t precision, int32_t scale) { return kTypmodHeader + (precision << 16 | (scale & 0x7FF)); };
  types.push_back({Base(pg::kNumeric), numeric(10, 2)});
  types.push_back({Base(pg::kNumeric), numeric(38, 37)});
  types.push_back({Base(pg::kNumeric), numeric(5, -2)});
  types.push_back({Base(pg::kNumeric), numeric(3, 6)});
  const TypePtr mood = Of(TypeKind::kEnum, 20001, nullptr);
  const TypePtr age = Of(TypeKind::kDomain, 20002, Base(pg::kInt4));
  const TypePtr int_array = Of(TypeKind::kArray, 1007, Base(pg::kInt4));
  const TypePtr ages = Of(TypeKind::kDomain, 20003, int_array);
  const TypePtr pair = Composite(20004, {Base(pg::kInt4), Base(pg::kText)});
  const TypePtr priced = Composite(20005, {Base(pg::kMoney), Base(pg::kBytea), Base(pg::kTimestamp), int_array, Of(TypeKind::kArray, 20006, pair),
                                           Base(pg::kNumeric), Base(pg::kFloat8), Base(pg::kBool), Base(pg::kDate), mood});
  const TypePtr int_range = Of(TypeKind::kRange, 3904, Base(pg::kInt4));
  const TypePtr text_range = Of(TypeKind::kRange, 20007, Base(pg::kText));
  for (const TypePtr& type :
       {mood, age, int_array, ages, pair, priced, int_range, text_range, Of(TypeKind::kArray, 1009, Base(pg::kText)),
        Of(TypeKind::kArray, 1187, Base(pg::kInterval)), Of(TypeKind::kArray, 1231, Base(pg::kNumeric)), Of(TypeKind::kArray, 20008, mood),
        Of(TypeKind::kArray, 20009, ages), Of(TypeKind::kArray, 3905, int_range), Of(TypeKind::kMultirange, 4451, int_range),
        Of(TypeKind::kMultirange, 20010, Base(pg::kTimestamptz)), Of(TypeKind::kRange, 3910, Base(pg::kTimestamptz)),
        Of(TypeKind::kRange, 3906, Base(pg::kNumeric)), Extension(20020, "citext", "citext"), Extension(20021, "hstore", "hstore"),
        Extension(20022, "ltree", "ltree"), Extension(20023, "vector", "vector"), Extension(20024, "postgis", "geometry"),
        Extension(20025, "other", "thing"), Of(TypeKind::kArray, 20026, Extension(20025, "other", "thing")), Composite(20027, {})})
    types.push_back({type});
  types.push_back({Of(TypeKind::kArray, 1231, Base(pg::kNumeric)), numeric(8, 3)});
  return types;
}

}  // namespace

const std::vector<ValueType>& ValueTypes() {
  static const auto* types = new std::vector<ValueType>(MakeTypes());
  return *types;
}

}  // namespace sluice::fuzz

#include "sink/lake/type_map.h"

#include <gtest/gtest.h>

#include <memory>

#include "sink/lake/pg_type_oid.h"

namespace sluice {
namespace {

using iceberg::TypeId;

TypePtr Of(TypeKind kind, Oid oid, TypePtr element = nullptr) {
  auto type = std::make_shared<Type>();
  type->kind = kind;
  type->oid = oid;
  type->element = std::move(element);
  return type;
}

TEST(TypeMap, ATypmodThatNoServerMakesIsNoDecimal) {
  NumericShape shape;
  for (const int32_t typmod : {-1, 0, 3, 4, INT32_MIN, INT32_MAX}) {
    EXPECT_FALSE(FitsDecimal(typmod, shape)) << typmod;
    EXPECT_EQ(MapType(*Of(TypeKind::kBase, pg::kNumeric), typmod).type.id, TypeId::kString) << typmod;
  }
}

TEST(TypeMap, AnArrayOfArraysByADomainIsNoListOfLists) {
  const TypePtr numbers = Of(TypeKind::kArray, 1007, Of(TypeKind::kBase, pg::kInt4));
  EXPECT_EQ(MapType(*numbers, -1).type.id, TypeId::kList);
  const TypePtr domain = Of(TypeKind::kDomain, 20000, numbers);
  EXPECT_EQ(MapType(*domain, -1).type.id, TypeId::kList);
  EXPECT_EQ(MapType(*Of(TypeKind::kArray, 20001, domain), -1).type.id, TypeId::kString);
}

TEST(TypeMap, AVectorIsTextAndAnArrayOfThemAListOfTexts) {
  const TypePtr vector = Of(TypeKind::kArray, pg::kInt2Vector, Of(TypeKind::kBase, pg::kInt2));
  EXPECT_EQ(MapType(*vector, -1).type.id, TypeId::kString);
  EXPECT_EQ(MapType(*Of(TypeKind::kArray, 1006, vector), -1).type.id, TypeId::kList);
}

}  // namespace
}  // namespace sluice

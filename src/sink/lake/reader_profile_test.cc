#include "sink/lake/reader_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sink/lake/lake_schema.h"
#include "sink/lake/pg_type_oid.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using enum ReaderEngine;
using iceberg::TypeId;

TypePtr Base(Oid oid) {
  auto type = std::make_shared<Type>();
  type->kind = TypeKind::kBase;
  type->oid = oid;
  return type;
}

TypePtr ArrayOf(TypePtr element, TypeKind kind = TypeKind::kArray) {
  auto type = std::make_shared<Type>();
  type->kind = kind;
  type->oid = 20'000;
  type->element = std::move(element);
  return type;
}

struct Named {
  const char* name;
  TypePtr type;
};

TableSchemaPtr TableOf(std::vector<Named> columns) {
  auto table = std::make_shared<TableSchema>();
  table->name = {"public", "t"};
  int16_t number = 0;
  for (Named& column : columns) table->columns.push_back({column.name, ++number, std::move(column.type), -1, false});
  return table;
}

const TableSchemaPtr kEveryForm =
    TableOf({{"u", Base(pg::kUuid)}, {"us", ArrayOf(Base(pg::kUuid))}, {"n", ArrayOf(Base(pg::kInt4))}, {"d", ArrayOf(Base(pg::kUuid), TypeKind::kDomain)}, {"at", Base(pg::kTime)}});

std::vector<TypeId> TypesOf(const LakeSchema& schema) {
  std::vector<TypeId> types;
  for (size_t i = 0; i < schema.source_columns(); ++i) types.push_back(schema.iceberg.fields[i].type.id);
  return types;
}

TEST(ReaderProfile, TypesAreThoseThatAllReadersHave) {
  using enum TypeId;
  const std::vector<std::pair<std::vector<ReaderEngine>, std::vector<TypeId>>> matrix = {
      {{}, {kUuid, kList, kList, kUuid, kString}},
      {{kAthena}, {kUuid, kList, kList, kUuid, kString}},
      {{kSpark}, {kUuid, kList, kList, kUuid, kString}},
      {{kRedshift}, {kString, kString, kString, kString, kString}},
      {{kSnowflake}, {kString, kList, kList, kString, kString}},
      {{kDuckDb, kSnowflake, kRedshift}, {kString, kString, kString, kString, kString}},
  };
  for (const auto& [readers, types] : matrix) EXPECT_EQ(TypesOf(*MakeLakeSchema(kEveryForm, NeedsOf(readers))), types);
  const iceberg::Type elements = MapType(*ArrayOf(Base(pg::kUuid)), -1, NeedsOf({kSnowflake})).type;
  EXPECT_EQ(elements.fields.front().type.id, kString);
}

TEST(ReaderProfile, ColumnsThatAreThereKeepTheirTypeAndNewOnesFollowTheReaders) {
  const LakeSchemaPtr before = MakeLakeSchema(TableOf({{"u", Base(pg::kUuid)}}));
  const auto after = EvolveLakeSchema(before->iceberg, 4, before->field_ids, TableOf({{"u", Base(pg::kUuid)}, {"v", Base(pg::kUuid)}}), {}, false, NeedsOf({kRedshift}));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(TypesOf(**after), (std::vector{TypeId::kUuid, TypeId::kString}));
  const auto back = EvolveLakeSchema((*after)->iceberg, 5, (*after)->field_ids, (*after)->source, {}, false);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(TypesOf(**back), (std::vector{TypeId::kUuid, TypeId::kString}));
}

TEST(ReaderProfile, ACopyAnewMakesTheColumnsForTheReadersOfNow) {
  const LakeSchemaPtr before = MakeLakeSchema(TableOf({{"u", Base(pg::kUuid)}}));
  const auto after = ReplaceLakeSchema(before->iceberg, 4, before->field_ids, before->source, NeedsOf({kRedshift}));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(TypesOf(**after), std::vector{TypeId::kString});
  EXPECT_NE((*after)->iceberg.fields[0].id, before->iceberg.fields[0].id);  // An id never changes its type like that.
}

TEST(ReaderProfile, AnotherTypeIsStillAnotherType) {
  const LakeSchemaPtr before = MakeLakeSchema(TableOf({{"u", Base(pg::kInt4)}}));
  EXPECT_FALSE(EvolveLakeSchema(before->iceberg, 4, before->field_ids, TableOf({{"u", Base(pg::kUuid)}})).ok());
}

TEST(ReaderProfile, NamesThatAReaderTakesForOneAreRefused) {
  const TableSchemaPtr twins = TableOf({{"name", Base(pg::kText)}, {"Name", Base(pg::kText)}});
  EXPECT_TRUE(CheckNamesFor({}, *twins, {}).ok());
  EXPECT_TRUE(CheckNamesFor({kPyIceberg, kClickHouse}, *twins, {}).ok());
  const Status refused = CheckNamesFor({kPyIceberg, kSpark}, *twins, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("columns name and Name differ only by case; among the lake's readers is spark"));
  const TableSchemaPtr plain = TableOf({{"id", Base(pg::kInt4)}});
  EXPECT_TRUE(CheckNamesFor({kAthena}, *plain, {{"public", "t"}, {"public", "other"}}).ok());
  EXPECT_THAT(CheckNamesFor({kAthena}, *plain, {{"public", "T"}}).error().message, HasSubstr("differs from public.T only by case"));
}

TEST(ReaderProfile, ReservedNamesAreRefusedForSparkAlone) {
  const TableSchemaPtr table = TableOf({{"_Pos", Base(pg::kInt4)}});
  EXPECT_TRUE(CheckNamesFor({kAthena, kRedshift}, *table, {}).ok());
  EXPECT_FALSE(CheckNamesFor({kDatabricks}, *table, {}).ok());
}

TEST(ReaderProfile, WhatATableThatIsThereKeepsFromItsReadersIsSaid) {
  iceberg::TableMetadata table;
  table.format_version = 3;
  table.schemas = {MakeLakeSchema(kEveryForm)->iceberg};
  table.current_schema_id = table.schemas[0].id;
  EXPECT_EQ(UnreadableFor({}, table), "");
  EXPECT_EQ(UnreadableFor({kSpark, kDuckDb}, table), "");
  EXPECT_EQ(UnreadableFor({kRedshift, kAthena}, table), "redshift: u (uuid), us (uuid), d (uuid); redshift: us (list), n (list); athena: format 3");
}

}  // namespace
}  // namespace sluice

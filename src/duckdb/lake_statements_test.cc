#include "duckdb/lake_statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TableAtCut At(CutState state, std::string name_space, std::string name, std::optional<int64_t> snapshot = std::nullopt) {
  return {{std::move(name_space), std::move(name)}, state, snapshot, {}, ""};
}

TEST(LakeStatements, NamesOfAnybodyAreQuoted) {
  EXPECT_EQ(ViewStatement(At(CutState::kSnapshot, "a\"; DROP", "x'y\"z", 7), "/la'ke/m.json", {}),
            "CREATE VIEW lake.\"a\"\"; DROP\".\"x'y\"\"z\" AS SELECT * FROM iceberg_scan('/la''ke/m.json', snapshot_from_id => 7::UBIGINT)");
}

TEST(LakeStatements, ATableWithoutSnapshotHasItsColumnsAndNoRows) {
  iceberg::Schema schema;
  schema.fields = {{1, "id", true, iceberg::Primitive(iceberg::TypeId::kLong), ""},
                   {2, "tags\"", false, iceberg::ListOf(3, iceberg::Decimal(9, 2)), ""},
                   {4, "s", false, iceberg::StructOf({{5, "a", false, iceberg::Primitive(iceberg::TypeId::kUuid), ""}}), ""}};
  EXPECT_EQ(ViewStatement(At(CutState::kEmpty, "public", "t"), "m", schema),
            "CREATE VIEW lake.\"public\".\"t\" AS SELECT NULL::BIGINT AS \"id\", NULL::DECIMAL(9, 2)[] AS \"tags\"\"\", NULL::STRUCT(\"a\" UUID) AS \"s\" WHERE false");
}

TEST(LakeStatements, WhatTheCutDoesNotShowHasNoView) {
  for (const CutState state : {CutState::kExpired, CutState::kNotYetThere, CutState::kBehind, CutState::kForeign}) EXPECT_EQ(ViewStatement(At(state, "public", "t"), "m", {}), "");
}

TEST(LakeStatements, KeysAreForTheWarehouseAloneAndNotSaidWhereThereAreNone) {
  StorageConfig config;
  EXPECT_EQ(StoreSecretStatement("s3://b/w", config, {"AK", "S'K", "", "eu-west-1"}),
            "CREATE TEMPORARY SECRET sluice_lake (TYPE s3, SCOPE 's3://b/w', REGION 'eu-west-1', KEY_ID 'AK', SECRET 'S''K')");
  config.endpoint = "http://127.0.0.1:9000/";
  const std::string statement = StoreSecretStatement("s3://b/w", config, {"", "", "", "us-east-1"});
  EXPECT_THAT(statement, HasSubstr("ENDPOINT '127.0.0.1:9000', URL_STYLE 'path', USE_SSL false"));
  EXPECT_THAT(statement, Not(HasSubstr("KEY_ID")));
}

TEST(LakeStatements, ThePasswordOfTheReplicaStandsInItsSecretAlone) {
  EXPECT_THAT(ReplicaStatements({{"host", "db"}, {"password", "it's\\"}, {"sslrootcert", "/a b/c'.pem"}, {"sslmode", "verify-full"}}),
              ElementsAre("CREATE TEMPORARY SECRET sluice_replica (TYPE postgres, HOST 'db', PASSWORD 'it''s\\')",
                          "ATTACH 'sslrootcert=''/a b/c\\''.pem'' sslmode=''verify-full''' AS replica (TYPE postgres, READ_ONLY, SECRET sluice_replica)"));
}

TEST(LakeStatements, NoSiblingOfTheWarehouseIsInside) { EXPECT_THAT(LockStatements("/lake")[0], HasSubstr("['/lake/']")); }

}  // namespace
}  // namespace sluice

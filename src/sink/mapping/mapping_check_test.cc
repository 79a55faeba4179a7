#include "sink/mapping/mapping_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "observability/error_catalog.h"
#include "sink/mapping/test_tables.h"

namespace sluice::mapping {
namespace {

using namespace testing;  // NOLINT
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TableDefinition Table(std::string name_space, std::string name, ReplicaIdentity identity = ReplicaIdentity::kDefault) {
  TableSchema schema;
  schema.oid = 16'400;
  schema.name = {std::move(name_space), std::move(name)};
  schema.columns = {MakeColumn("id", kInt4, 1), MakeColumn("email", kText, 2), MakeColumn("height", kFloat8, 3)};
  schema.key = {0};
  schema.replica_identity = identity;
  TableDefinition table;
  table.constraints = {{ConstraintKind::kPrimaryKey, schema.name.name + "_pkey", {"PRIMARY KEY (id)", {}}}};
  table.schema = std::make_shared<const TableSchema>(schema);
  table.columns.resize(3);
  return table;
}

TableMappingConfig Of(std::string table) {
  TableMappingConfig config;
  config.table = std::move(table);
  return config;
}

std::vector<int> Codes(const MappingConfig& config, const std::vector<TableDefinition>& tables) {
  std::vector<int> codes;
  for (const MappingMistake& mistake : FindMistakes(MappingRules(config), tables)) codes.push_back(mistake.code);
  return codes;
}

TEST(MappingCheck, AMisspeltTableOrColumnIsRefused) {
  MappingConfig config;
  config.tables = {Of("public.playr"), Of("public.player"), Of("public.*")};
  config.tables[1].mask["emial"].kind = MaskKind::kNull;
  config.tables[2].exclude = {"fotos"};
  const auto mistakes = FindMistakes(MappingRules(config), {Table("public", "player")});
  ASSERT_EQ(mistakes.size(), 3u);
  EXPECT_EQ(mistakes[0].code, slu::kMappingNoSuchTable);
  EXPECT_THAT(mistakes[0].fix, HasSubstr("public.player"));
  EXPECT_EQ(mistakes[1].object, "public.*.fotos");
  EXPECT_EQ(mistakes[2].object, "public.player.emial");
}

TEST(MappingCheck, TwoTablesCannotHaveOneName) {
  const std::vector<TableDefinition> tables{Table("a", "player"), Table("b", "player"), Table("c", "other")};
  EXPECT_THAT(Codes({{}, {{"a", "b"}}}, tables), ElementsAre(slu::kMappingNameTaken, slu::kMappingNameTaken));  // The table and its primary key.
  EXPECT_THAT(Codes({{}, {{"a", "x"}}}, tables), ElementsAre());
  MappingConfig onto;
  onto.tables = {Of("a.player")};
  onto.tables[0].to = "c.other";
  EXPECT_THAT(Codes(onto, tables), ElementsAre(slu::kMappingNameTaken, slu::kMappingNameTaken));
  MappingConfig columns;
  columns.tables = {Of("a.player")};
  columns.tables[0].rename = {{"email", "height"}};
  EXPECT_THAT(Codes(columns, tables), ElementsAre(slu::kMappingNameTaken));
}

TEST(MappingCheck, AKeyMustTellRowsApart) {
  for (const MaskKind kind : {MaskKind::kHash, MaskKind::kRedact, MaskKind::kNull, MaskKind::kTruncate}) {
    MappingConfig config;
    config.tables = {Of("public.player")};
    config.tables[0].mask["id"] = {.kind = kind, .salt = "s", .unit = {}, .width = 10};
    EXPECT_EQ(Codes(config, {Table("public", "player")}).empty(), kind == MaskKind::kHash);
  }
  MappingConfig config;
  config.tables = {Of("public.player")};
  config.tables[0].exclude = {"id"};
  EXPECT_THAT(Codes(config, {Table("public", "player")}), ElementsAre(slu::kMappingKeyLost));
}

TEST(MappingCheck, AFilterNeedsTheOldSideOfTheRow) {
  MappingConfig config;
  config.tables = {Of("public.player")};
  config.tables[0].where = {{"email", Comparator::kEqual, {"x"}}};
  const auto mistakes = FindMistakes(MappingRules(config), {Table("public", "player")});
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_EQ(mistakes[0].code, slu::kMappingFilterIdentity);
  EXPECT_EQ(mistakes[0].fix, "ALTER TABLE \"public\".\"player\" REPLICA IDENTITY FULL;");
  EXPECT_THAT(Codes(config, {Table("public", "player", ReplicaIdentity::kFull)}), ElementsAre());
  config.tables[0].where = {{"id", Comparator::kLess, {"x"}}};
  EXPECT_THAT(Codes(config, {Table("public", "player")}), ElementsAre(slu::kMappingFilterUnfit));
}

TEST(MappingCheck, AMaskMustFitTheType) {
  MappingConfig config;
  config.tables = {Of("public.player")};
  config.tables[0].mask["height"] = {.kind = MaskKind::kHash, .salt = "s", .unit = {}};
  EXPECT_THAT(Codes(config, {Table("public", "player")}), ElementsAre(slu::kMappingMaskUnfit));
}

TEST(MappingCheck, TellsWhatBecomesOfATable) {
  MappingConfig config;
  config.tables = {Of("public.player")};
  config.tables[0].to = "crm.players";
  config.tables[0].exclude = {"height"};
  config.tables[0].mask["email"] = {.kind = MaskKind::kHash, .salt = "top secret", .unit = {}};
  config.tables[0].where = {{"id", Comparator::kLess, {"10"}}};
  const Findings findings = CheckMapping(MappingRules(config), {Table("public", "player"), Table("public", "other")});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].found, "becomes crm.players, email hashed, without height, only where id < 10");
}

}  // namespace
}  // namespace sluice::mapping

#include "sink/mapping/definition_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sink/mapping/test_tables.h"

namespace sluice::mapping {
namespace {

using namespace testing;  // NOLINT
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TableDefinition Player() {
  TableSchema schema;
  schema.oid = 16'400;
  schema.name = {"public", "player"};
  schema.columns = {MakeColumn("id", kInt4, 1), MakeColumn("e_mail", kText, 2), MakeColumn("photo", kText, 3), MakeColumn("country", kText, 4), MakeColumn("born", kDate, 5)};
  schema.key = {0};
  TableDefinition table;
  table.schema = std::make_shared<const TableSchema>(schema);
  table.columns.resize(5);
  table.columns[0].identity = 'a';
  table.columns[3].default_value = Expression{"'DE'::text", {}};
  table.generated = {{"domain", kText, -1, {"split_part(e_mail, '@'::text, 2)", {}}}, {"land", kText, -1, {"upper(country)", {}}}};
  table.constraints = {{ConstraintKind::kPrimaryKey, "player_pkey", {"PRIMARY KEY (id)", {}}},
                       {ConstraintKind::kUnique, "player_mail", {"UNIQUE (e_mail)", {}}},
                       {ConstraintKind::kCheck, "mail_form", {"CHECK ((e_mail ~~ '%@%'::text))", {}}},
                       {ConstraintKind::kCheck, "country_form", {"CHECK ((length(country) = 2))", {}}}};
  table.indexes = {{{"public", "player_photo"}, false, {"CREATE INDEX player_photo ON public.player USING btree (photo)", {}}},
                   {{"public", "by_country"}, false, {"CREATE INDEX by_country ON public.player USING btree (country, domain)", {}}},
                   {{"public", "player_country"}, false, {"CREATE INDEX player_country ON public.player USING btree (lower(country))", {}}}};
  table.sequences = {{.name = {"public", "player_id_seq"}, .data_type = "integer", .owner_column = "id", .is_identity = true, .last_value = {}}};
  table.primary_key = {0};
  return table;
}

MappedDefinition Map(const TableDefinition& table, const TableMappingConfig& config) {
  const MappingRules rules(MappingConfig{{config}, {}});
  std::vector<MappingMistake> mistakes;
  const TablePlan plan = PlanTable(rules, table.schema, {"domain", "land"}, mistakes);
  EXPECT_TRUE(mistakes.empty());
  return MapDefinition(rules, table, plan);
}

TableMappingConfig Config() {
  TableMappingConfig config;
  config.table = "public.player";
  return config;
}

TEST(DefinitionMapping, FollowsNamesAndRenames) {
  TableMappingConfig config = Config();
  config.to = "crm.players";
  config.rename = {{"country", "Land code"}, {"id", "player_id"}};
  const MappedDefinition mapped = Map(Player(), config);
  const TableDefinition& table = mapped.definition;
  EXPECT_THAT(mapped.left_out, ElementsAre());
  EXPECT_EQ(ToString(table.schema->name), "crm.players");
  EXPECT_EQ(table.constraints[0].name, "players_pkey");
  EXPECT_EQ(table.constraints[0].definition.sql, "PRIMARY KEY (\"player_id\")");
  EXPECT_EQ(table.constraints[3].definition.sql, "CHECK ((length(\"Land code\") = 2))");
  EXPECT_EQ(table.generated[1].expression.sql, "upper(\"Land code\")");
  EXPECT_EQ(table.indexes[2].definition.sql, "CREATE INDEX \"players_country\" ON \"crm\".\"players\" USING btree (lower(\"Land code\"))");
  EXPECT_EQ(table.indexes[1].name.name, "by_country");
  EXPECT_EQ(ToString(table.sequences[0].name), "crm.players_id_seq");
  EXPECT_EQ(table.sequences[0].owner_column, "player_id");
  EXPECT_EQ(table.columns[0].identity, 'a');
}

TEST(DefinitionMapping, WhatSpeaksOfALostColumnIsLeftOutAndSaid) {
  TableMappingConfig config = Config();
  config.exclude = {"photo"};
  config.mask["e_mail"].kind = MaskKind::kRedact;
  const MappedDefinition mapped = Map(Player(), config);
  // by_country goes with the generated column that goes with the masked one.
  EXPECT_THAT(mapped.left_out, UnorderedElementsAre("generated column domain", "constraint player_mail", "constraint mail_form", "index player_photo", "index by_country"));
  EXPECT_EQ(mapped.definition.columns.size(), 4u);
  EXPECT_EQ(mapped.definition.columns[2].default_value->sql, "'DE'::text");
  EXPECT_THAT(mapped.definition.primary_key, ElementsAre(0u));
}

TEST(DefinitionMapping, AHashKeepsKeysAndUniqueColumns) {
  TableMappingConfig config = Config();
  const MaskConfig hash{.kind = MaskKind::kHash, .salt = "s", .unit = {}};
  config.mask = {{"id", hash}, {"e_mail", hash}};
  const MappedDefinition mapped = Map(Player(), config);
  const TableDefinition& table = mapped.definition;
  EXPECT_THAT(table.schema->key, ElementsAre(0u));
  EXPECT_EQ(table.schema->columns[0].type->name, "text");
  EXPECT_EQ(table.columns[0].identity, '\0');
  EXPECT_EQ(table.constraints[0].definition.sql, "PRIMARY KEY (id)");
  EXPECT_EQ(table.constraints[1].definition.sql, "UNIQUE (e_mail)");
  EXPECT_THAT(mapped.left_out, UnorderedElementsAre("generated column domain", "constraint mail_form", "index by_country", "sequence player_id_seq"));
}

TEST(DefinitionMapping, PartitionsFollowAndVanishWithTheirKey) {
  TableDefinition table = Player();
  table.partition_key = "RANGE (born)";
  table.partitions = {{{"public", "player_2000"}, {"public", "player"}, "DEFAULT", ""}};
  TableMappingConfig config = Config();
  config.to = "crm.players";
  config.rename = {{"born", "birth"}};
  MappedDefinition mapped = Map(table, config);
  EXPECT_EQ(mapped.definition.partition_key, "RANGE (\"birth\")");
  EXPECT_EQ(ToString(mapped.definition.partitions[0].name), "crm.players_2000");
  EXPECT_EQ(ToString(mapped.definition.partitions[0].parent), "crm.players");
  config.mask["born"] = {.kind = MaskKind::kTruncate, .salt = {}, .unit = TimeUnit::kYear};
  mapped = Map(table, config);
  EXPECT_TRUE(mapped.definition.partition_key.empty());
  EXPECT_TRUE(mapped.definition.partitions.empty());
}

}  // namespace
}  // namespace sluice::mapping

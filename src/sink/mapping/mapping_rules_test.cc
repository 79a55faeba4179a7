#include "sink/mapping/mapping_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sink/mapping/mapping.h"

namespace sluice::mapping {
namespace {

using ::testing::UnorderedElementsAre;

TableMappingConfig Table(std::string table) {
  TableMappingConfig config;
  config.table = std::move(table);
  return config;
}

MappingConfig Names() {
  MappingConfig config;
  config.tables.push_back(Table("public.player"));
  config.tables[0].to = "crm.players";
  config.namespaces = {{"public", "raw"}};
  return config;
}

TEST(MappingRules, ATableGoesWhereItIsNamedElseWhereItsNamespaceGoes) {
  const MappingRules rules(Names());
  EXPECT_EQ(ToString(rules.TargetOf({"public", "player"})), "crm.players");
  EXPECT_EQ(ToString(rules.TargetOf({"public", "shot"})), "raw.shot");
  EXPECT_EQ(ToString(rules.TargetOf({"booking", "shot"})), "booking.shot");
}

TEST(MappingRules, KnowsEverySourceThatATargetMayHave) {
  const MappingRules rules(Names());
  EXPECT_THAT(rules.SourcesOf({"crm", "players"}), UnorderedElementsAre(TableName{"public", "player"}, TableName{"crm", "players"}));
  EXPECT_THAT(rules.SourcesOf({"raw", "shot"}), UnorderedElementsAre(TableName{"public", "shot"}, TableName{"raw", "shot"}));
  EXPECT_TRUE(rules.SourcesOf({"public", "shot"}).empty());  // Made under an earlier mapping.
}

TEST(MappingRules, WhatSeveralSayAddsUpAndTheFirstDecides) {
  MappingConfig config;
  config.tables = {Table("public.player"), Table("public.*"), Table("*.*")};
  config.tables[0].mask["email"].kind = MaskKind::kRedact;
  config.tables[1].mask["email"].kind = MaskKind::kNull;
  config.tables[1].mask["phone"].kind = MaskKind::kNull;
  config.tables[1].where = {{"a", Comparator::kIsNull, {}}};
  config.tables[2].exclude = {"photo"};
  config.tables[2].where = {{"b", Comparator::kIsNull, {}}};
  const TableRules rules = MappingRules(config).RulesFor({"public", "player"});
  EXPECT_EQ(rules.masked.at("email").kind, MaskKind::kRedact);
  EXPECT_TRUE(rules.masked.contains("phone"));
  EXPECT_EQ(rules.where.size(), 2u);
  EXPECT_THAT(rules.excluded, UnorderedElementsAre("photo"));
  EXPECT_THAT(rules.named_exactly, UnorderedElementsAre("email"));
  EXPECT_TRUE(rules.guards("a"));
  EXPECT_FALSE(rules.guards("c"));
}

TEST(MappingRules, TheFingerprintDiffersWithEverythingThatChangesRowsAndOnlyThen) {
  const TableName name{"public", "player"};
  const auto fingerprint = [&](const MappingConfig& config) { return MappingRules(config).RulesFor(name).fingerprint; };
  EXPECT_EQ(fingerprint(Names()), 0u);  // Only a name.
  MappingConfig config = Names();
  config.tables[0].mask["email"] = {.kind = MaskKind::kHash, .salt = "a", .unit = {}};
  const uint32_t one = fingerprint(config);
  EXPECT_NE(one, 0u);
  EXPECT_EQ(fingerprint(config), one);
  config.tables[0].mask["email"].salt = "b";
  EXPECT_NE(fingerprint(config), one);
  config.tables[0].mask["email"].salt = "a";
  config.tables[0].rename["x"] = "y";
  EXPECT_NE(fingerprint(config), one);
  // It is a promise to tables that were copied by earlier versions.
  MappingConfig known;
  known.tables = {Table("public.player")};
  known.tables[0].exclude = {"photo"};
  EXPECT_EQ(fingerprint(known), 2'673'195'114u);
}

TEST(MappingRules, ATargetIsOfTheTableThatWasDefinedAndOfNoOtherName) {
  Mapping mapping("lake", Names());
  const CopiedTables copied{{{"raw", "shot"}, {16'401, Lsn{6}}}};
  EXPECT_EQ(mapping.ToSource(copied).size(), 2u);  // public.shot, and raw.shot itself.
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"public", "shot"};
  TableDefinition table;
  table.schema = schema;
  ASSERT_TRUE(mapping.Define(table).ok());
  const CopiedTables known = mapping.ToSource(copied);
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known.at({"public", "shot"}).oid, 16'401u);
}

TEST(MappingRules, ATableThatWasCopiedUnderAnotherMappingIsNoneOfTheSource) {
  MappingConfig before = Names(), now = Names();
  before.tables[0].exclude = {"photo"};
  now.tables[0].exclude = {"photo", "fax"};
  const CopiedTables copied{{{"crm", "players"}, {MappingRules(before).MixOid({"public", "player"}, 16'400), Lsn{5}}}, {{"raw", "shot"}, {16'401, Lsn{6}}}};
  const CopiedTables same = Mapping("lake", before).ToSource(copied);
  EXPECT_EQ(same.at({"public", "player"}).oid, 16'400u);
  EXPECT_EQ(same.at({"public", "shot"}).oid, 16'401u);
  EXPECT_EQ(same.at({"public", "shot"}).copy_lsn, Lsn{6});
  const CopiedTables unmapped{{{"public", "shot"}, {16'401, Lsn{6}}}};
  EXPECT_TRUE(Mapping("lake", now).ToSource(unmapped).empty());  // Its name is another now: it is to be copied there.
  EXPECT_NE(Mapping("lake", now).ToSource(copied).at({"public", "player"}).oid, 16'400u);
}

}  // namespace
}  // namespace sluice::mapping

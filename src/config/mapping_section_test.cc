#include "config/mapping_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config_loader.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

LoadedConfig Read(const std::string& map, const std::vector<std::string>& overrides = {}) {
  const std::string text = "sources: {s: {type: postgres, dsn: dbname=s}}\nsinks: {lake: {type: iceberg, warehouse: /lake, map: " + map +
                           "}}\npipelines: {p: {from: s, to: lake}}\n";
  return ReadConfig({"sluice.yaml", text}, overrides, "/project", [](const std::string& name) -> std::optional<std::string> {
    return name == "SALT" ? std::optional<std::string>("s4lt") : std::nullopt;
  });
}

std::vector<int> Codes(const LoadedConfig& loaded) {
  std::vector<int> codes;
  for (const ConfigMistake& mistake : loaded.mistakes) codes.push_back(mistake.code);
  return codes;
}

TEST(MappingSection, ReadsNamesColumnsMasksAndConditions) {
  const LoadedConfig loaded = Read(R"([
    {table: public.player, to: crm.players, columns: {exclude: [photo], rename: {e_mail: email}, mask: {
       e_mail: {hash: {salt: "${SALT}"}}, phone: {partial: {keep_last: 2}}, birth_date: {truncate: year}, score: {truncate: 100}, note: redact, fax: null}},
     where: [{column: country, in: [DE, DK]}, {column: age, ge: 18}, {column: gone_at, is_null: true}]},
    {namespace: public, to: raw}])");
  ASSERT_TRUE(loaded.config.has_value()) << RenderMistake(loaded.mistakes.at(0), loaded.texts);
  const MappingConfig& map = loaded.config->lake->map;
  ASSERT_EQ(map.tables.size(), 1u);
  const TableMappingConfig& player = map.tables[0];
  EXPECT_EQ(player.table, "public.player");
  EXPECT_EQ(player.to, "crm.players");
  EXPECT_THAT(player.exclude, ElementsAre("photo"));
  EXPECT_EQ(player.rename.at("e_mail"), "email");
  EXPECT_EQ(player.mask.at("e_mail"), (MaskConfig{.kind = MaskKind::kHash, .salt = "s4lt", .unit = {}}));
  EXPECT_EQ(player.mask.at("phone"), (MaskConfig{.kind = MaskKind::kPartial, .salt = {}, .keep_last = 2, .unit = {}}));
  EXPECT_EQ(player.mask.at("birth_date").unit, TimeUnit::kYear);
  EXPECT_EQ(player.mask.at("score").width, 100);
  EXPECT_EQ(player.mask.at("note").kind, MaskKind::kRedact);
  EXPECT_EQ(player.mask.at("fax").kind, MaskKind::kNull);
  EXPECT_THAT(player.where, ElementsAre(ConditionConfig{"country", Comparator::kIn, {"DE", "DK"}}, ConditionConfig{"age", Comparator::kGreaterOrEqual, {"18"}},
                                        ConditionConfig{"gone_at", Comparator::kIsNull, {}}));
  ASSERT_EQ(map.namespaces.size(), 1u);
  EXPECT_EQ(map.namespaces[0].to, "raw");
}

TEST(MappingSection, TellsAllMistakesAtOnce) {
  const LoadedConfig loaded = Read(R"([
    {table: player},
    {table: "public.*", to: crm.all},
    {table: public.a, columns: {mask: {x: hsh, y: {hash: {salt: plain}}, z: {truncate: yer}, w: {partial: {}}, v: partial}, excluded: [q]}},
    {table: public.b, where: [{column: c, eq: 1, ne: 2}, {column: c}, {column: c, in: []}]},
    {namespace: n, to: a}, {namespace: n, to: b}, 5])");
  EXPECT_FALSE(loaded.config.has_value());
  EXPECT_THAT(Codes(loaded), ElementsAre(slu::kBadValue, slu::kConflictingFields, slu::kBadValue, slu::kPlainSecret, slu::kBadValue, slu::kMissingField,
                                         slu::kMissingField, slu::kUnknownField, slu::kConflictingFields, slu::kMissingField, slu::kBadValue,
                                         slu::kConflictingFields, slu::kWrongType));
  EXPECT_THAT(loaded.mistakes[2].hint, HasSubstr("hash"));
  EXPECT_THAT(loaded.mistakes[4].hint, HasSubstr("year"));
  EXPECT_THAT(loaded.mistakes[7].hint, HasSubstr("exclude"));
}

TEST(MappingSection, ASinksOwnNamespacesTakeNoTables) {
  EXPECT_THAT(Codes(Read("[{table: public.a, to: sluice.a}, {namespace: public, to: pg_mine}, {namespace: b, to: plain}]")), ElementsAre(slu::kBadValue, slu::kBadValue));
}

TEST(MappingSection, AnOverrideReplacesIt) {
  const LoadedConfig loaded = Read("[]", {R"(sinks.lake.map={namespace: public, to: raw})"});
  ASSERT_TRUE(loaded.config.has_value());
  ASSERT_EQ(loaded.config->lake->map.namespaces.size(), 1u);
  EXPECT_THAT(loaded.config->lake->map.tables, IsEmpty());
}

}  // namespace
}  // namespace sluice

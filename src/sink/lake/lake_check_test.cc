#include "sink/lake/lake_check.h"

#include <gmock/gmock.h>

#include "sink/lake/lake_test_support.h"
#include "sink/lake/pg_type_oid.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;

auto Has(const char* id, Severity severity, const std::string& object) {
  return Contains(AllOf(Field(&Finding::id, id), Field(&Finding::severity, severity), Field(&Finding::object, object)));
}

TEST(LakeCheck, FindsNothingWrongWithAPlainTableInAFolder) {
  testing::TestFolder folder;
  LakeConfig config;
  config.warehouse = folder.path() + "/lake";
  const Findings findings = CheckLake(config, {testing::DefinitionOf(testing::TestSchema("t"))});
  EXPECT_THAT(findings, Each(Field(&Finding::severity, Severity::kOk)));
}

TEST(LakeCheck, NamesWhatCannotWork) {
  testing::TestFolder folder;
  LakeConfig config;
  config.warehouse = folder.path() + "/lake";
  config.tables["public.t"].partition = {{"missing", "identity", 0}};
  config.tables["public.gone"].partition = {};
  config.tables["public.t"].sort = {{{"nowhere", true, true}}};
  auto schema = std::make_shared<TableSchema>(*testing::TestSchema("t"));
  schema->columns.push_back({"_pos", 4, testing::BuiltinType(pg::kDate, "date"), -1, false});
  schema->columns.push_back({"Kind", 5, testing::BuiltinType(pg::kRegclass, "regclass"), -1, false});
  const Findings findings = CheckLake(config, {testing::DefinitionOf(schema), testing::DefinitionOf(testing::TestSchema("T"))});
  EXPECT_THAT(findings, Has("L011", Severity::kWarn, "public.T"));
  EXPECT_THAT(findings, Has("L011", Severity::kWarn, "public.t.Kind"));
  EXPECT_THAT(findings, Has("L012", Severity::kWarn, "public.t._pos"));
  EXPECT_THAT(findings, Has("L020", Severity::kInfo, "public.t._pos"));
  EXPECT_THAT(findings, Has("L020", Severity::kWarn, "public.t.Kind"));
  EXPECT_THAT(findings, Has("L030", Severity::kFail, "public.t"));
  EXPECT_THAT(findings, Has("L031", Severity::kWarn, "public.gone"));
  EXPECT_THAT(findings, Has("L033", Severity::kFail, "public.t"));
}

TEST(LakeCheck, ChangesThatHaveNoPlaceOrNoPartitionAreSaid) {
  testing::TestFolder folder;
  LakeConfig config;
  config.warehouse = folder.path() + "/lake";
  config.changes = {{"public.t", "public.u", "audit.*"}, {{"missing", "identity", 0}}};
  const Findings findings = CheckLake(config, {testing::DefinitionOf(testing::TestSchema("t")), testing::DefinitionOf(testing::TestSchema("t_changes")), testing::DefinitionOf(testing::TestSchema("u"))});
  EXPECT_THAT(findings, Has("L040", Severity::kFail, "public.t"));
  EXPECT_THAT(findings, ::testing::Not(Has("L040", Severity::kFail, "public.u")));
  EXPECT_THAT(findings, Has("L041", Severity::kFail, "public.u"));
  EXPECT_THAT(findings, Has("L042", Severity::kWarn, "audit.*"));
  config.changes = {{"public.?"}, {{"_ingested_at", "hour", 0}}};
  for (const Finding& finding : CheckLake(config, {testing::DefinitionOf(testing::TestSchema("t"))})) EXPECT_FALSE(finding.id.starts_with("L04")) << finding.found;
}

TEST(LakeCheck, NamesThatACatalogOfAwsDoesNotTakeAreSaid) {
  LakeConfig config;
  config.warehouse = "/etc/hostname/lake";
  config.rest_catalog.emplace().signing_service = "glue";
  const Findings findings = CheckLake(config, {testing::DefinitionOf(testing::TestSchema("t")), testing::DefinitionOf(testing::TestSchema("Shot"))});
  EXPECT_THAT(findings, Has("L013", Severity::kFail, "public.Shot"));
  EXPECT_THAT(findings, ::testing::Not(Has("L013", Severity::kFail, "public.t")));
}

TEST(LakeCheck, AFolderWhereAFileIsInTheWayFails) {
  LakeConfig config;
  config.warehouse = "/etc/hostname/lake";
  EXPECT_THAT(CheckLake(config, {}), Has("L001", Severity::kFail, config.warehouse));
}

}  // namespace
}  // namespace sluice

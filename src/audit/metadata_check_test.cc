#include "audit/metadata_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "audit/rules.h"

namespace sluice::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kSound = R"JSON({"format-version":2,"table-uuid":"u","location":"file:///t","last-sequence-number":2,"last-updated-ms":2000,"last-column-id":4,"current-schema-id":0,
 "schemas":[{"type":"struct","schema-id":0,"identifier-field-ids":[1],"fields":[{"id":1,"name":"id","required":true,"type":"long"},{"id":2,"name":"d","required":false,"type":"decimal(10, 2)"},
   {"id":3,"name":"l","required":false,"type":{"type":"list","element-id":4,"element-required":false,"element":"string"}}]}],
 "default-spec-id":0,"partition-specs":[{"spec-id":0,"fields":[{"source-id":1,"field-id":1000,"name":"b","transform":"bucket[4]"}]}],"last-partition-id":1000,
 "default-sort-order-id":0,"sort-orders":[{"order-id":0,"fields":[]}],"properties":{},"current-snapshot-id":20,"refs":{"main":{"snapshot-id":20,"type":"branch"},"old":{"snapshot-id":10,"type":"tag"}},
 "snapshots":[{"snapshot-id":10,"sequence-number":1,"timestamp-ms":1000,"schema-id":0,"manifest-list":"a","summary":{"operation":"append"}},
   {"snapshot-id":20,"parent-snapshot-id":10,"sequence-number":2,"timestamp-ms":2000,"schema-id":0,"manifest-list":"b","summary":{"operation":"overwrite"}}],
 "snapshot-log":[{"snapshot-id":10,"timestamp-ms":1000},{"snapshot-id":20,"timestamp-ms":2000}],"metadata-log":[]})JSON";

/// The rules that are broken once `damage` is done to sound metadata.
std::vector<std::string> Broken(const std::function<void(Json&)>& damage) {
  Json metadata = Json::parse(kSound);
  damage(metadata);
  Findings findings;
  CheckMetadata(metadata, ReadTableFacts(metadata), "file", findings);
  std::vector<std::string> rules;
  for (const Finding& finding : findings.kept()) rules.emplace_back(finding.rule->id);
  return rules;
}

TEST(MetadataCheck, FindsNothingInSoundMetadata) {
  EXPECT_THAT(Broken([](Json&) {}), IsEmpty());
  EXPECT_THAT(Broken([](Json& json) {
                json["snapshots"] = Json::array();
                json["refs"] = Json::object();
                json["current-snapshot-id"] = -1;
                json["snapshot-log"] = Json::array();
              }),
              IsEmpty());
}

TEST(MetadataCheck, FindsEachRuleBroken) {
  EXPECT_THAT(Broken([](Json& json) { json.erase("table-uuid"); }), ElementsAre("A201"));
  EXPECT_THAT(Broken([](Json& json) { json["refs"]["main"]["snapshot-id"] = 10; }), ElementsAre("A202"));
  EXPECT_THAT(Broken([](Json& json) { json["refs"]["old"]["snapshot-id"] = 11; }), ElementsAre("A202"));
  EXPECT_THAT(Broken([](Json& json) { json["refs"].erase("main"); }), ElementsAre("A202"));
  EXPECT_THAT(Broken([](Json& json) { json["snapshot-log"].erase(1); }), ElementsAre("A203"));
  EXPECT_THAT(Broken([](Json& json) { json["snapshot-log"][0]["timestamp-ms"] = 100'000; }), ElementsAre("A203"));
  EXPECT_THAT(Broken([](Json& json) { json["snapshots"][1]["sequence-number"] = 3; }), ElementsAre("A204"));
  EXPECT_THAT(Broken([](Json& json) { json["snapshots"][1]["summary"]["operation"] = "upsert"; }), ElementsAre("A204"));
  EXPECT_THAT(Broken([](Json& json) { json["snapshots"][1]["summary"]["n"] = 1; }), ElementsAre("A204"));
  EXPECT_THAT(Broken([](Json& json) { json["snapshots"][1].erase("schema-id"); }), ElementsAre("A205"));
  EXPECT_THAT(Broken([](Json& json) { json["current-schema-id"] = 1; }), ElementsAre("A207"));
  EXPECT_THAT(Broken([](Json& json) { json["schemas"][0]["fields"][1]["type"] = "money"; }), ElementsAre("A207"));
  EXPECT_THAT(Broken([](Json& json) { json["schemas"][0]["fields"][1]["type"] = "timestamp_ns"; }), ElementsAre("A207")) << "a type of format 3";
  EXPECT_THAT(Broken([](Json& json) { json["schemas"][0]["fields"][0]["required"] = false; }), ElementsAre("A207")) << "an identifier field";
  EXPECT_THAT(Broken([](Json& json) { json["last-column-id"] = 3; }), ElementsAre("A208"));
  EXPECT_THAT(Broken([](Json& json) { json["schemas"][0]["fields"][1]["id"] = 4; }), ElementsAre("A208"));
  EXPECT_THAT(Broken([](Json& json) { json["partition-specs"][0]["fields"][0]["transform"] = "weekday"; }), ElementsAre("A209"));
  EXPECT_THAT(Broken([](Json& json) { json["partition-specs"][0]["fields"][0]["source-id"] = 9; }), ElementsAre("A209"));
  EXPECT_THAT(Broken([](Json& json) { json["schemas"][0]["fields"][0]["type"] = {{"type", "long"}}; }), ElementsAre("A210"));
  EXPECT_THAT(Broken([](Json& json) { json["schemas"][0]["fields"][1]["name"] = "ID"; }), ElementsAre("A211"));
  EXPECT_THAT(Broken([](Json& json) { json["schemas"][0]["fields"][1]["name"] = "_Pos"; }), ElementsAre("A212"));
  EXPECT_THAT(Broken([](Json& json) { json["default-sort-order-id"] = 7; }), ElementsAre("A213"));
  EXPECT_THAT(Broken([](Json& json) {
                json["format-version"] = 3;
                json["next-row-id"] = 5;
                json["snapshots"][0]["first-row-id"] = 0;
                json["snapshots"][0]["added-rows"] = 6;
              }),
              ElementsAre("A214"));
}

TEST(MetadataCheck, TakesAnythingForMetadata) {
  Findings findings;
  for (const char* const text : {"{}", R"({"schemas":5,"snapshots":{"a":1},"refs":[1],"partition-specs":[3],"snapshot-log":["x"],"sort-orders":[{}]})", R"({"schemas":[{"schema-id":0,"fields":[1,{"type":[]}]}]})"}) {
    const Json metadata = Json::parse(text);
    CheckMetadata(metadata, ReadTableFacts(metadata), "file", findings);
  }
  EXPECT_GT(findings.bad(), 10u);
}

TEST(MetadataCheck, ManyFindingsOfOneRuleAreCounted) {
  Findings findings;
  for (int i = 0; i < 100; ++i) findings.Add(kTotals, "file", "wrong");
  EXPECT_EQ(findings.kept().size(), Findings::kKeptPerRule);
  EXPECT_EQ(findings.not_kept(), 80u);
  EXPECT_EQ(findings.bad(), 100u);
}

}  // namespace
}  // namespace sluice::audit

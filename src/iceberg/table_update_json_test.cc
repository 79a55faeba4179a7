#include "iceberg/table_update_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::iceberg {
namespace {

std::string Text(const TableUpdate& update) { return ToJson(update, 7).dump(); }

// As Iceberg's own REST server took them.
TEST(TableUpdateJson, UpdatesAreThoseOfTheProtocol) {
  Schema schema;
  schema.fields = {{9, "v", false, Primitive(TypeId::kString), ""}};
  EXPECT_EQ(Text(AddSchema{schema}),
            R"({"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[{"id":9,"name":"v","required":false,"type":"string"}]},"last-column-id":9})");
  schema.fields[0].id = 3;
  EXPECT_TRUE(Text(AddSchema{schema}).ends_with(R"("last-column-id":7})"));
  EXPECT_EQ(Text(AddPartitionSpec{}), R"({"action":"add-spec","spec":{"spec-id":0,"fields":[]}})");
  EXPECT_EQ(Text(AddSortOrder{}), R"({"action":"add-sort-order","sort-order":{"order-id":0,"fields":[]}})");
  EXPECT_EQ(Text(SetProperties{}), R"({"action":"set-properties","updates":{}})");
  EXPECT_EQ(Text(SetProperties{{{"a", "b"}}}), R"({"action":"set-properties","updates":{"a":"b"}})");
  EXPECT_EQ(Text(RemoveProperties{{"a"}}), R"({"action":"remove-properties","removals":["a"]})");
  EXPECT_EQ(Text(RemoveSnapshots{{1, 2}}), R"({"action":"remove-snapshots","snapshot-ids":[1,2]})");
  Snapshot snapshot;
  snapshot.sequence_number = 2;
  snapshot.snapshot_id = 12;
  snapshot.parent_snapshot_id = 11;
  snapshot.timestamp_ms = 5;
  snapshot.summary = {{"operation", "append"}};
  snapshot.manifest_list = "s3://lake/a \"b\"";
  EXPECT_EQ(Text(AddSnapshot{snapshot}),
            R"({"action":"add-snapshot","snapshot":{"sequence-number":2,"snapshot-id":12,"parent-snapshot-id":11,"timestamp-ms":5,"summary":{"operation":"append"},"manifest-list":"s3://lake/a \"b\""}})");
  EXPECT_EQ(Text(SetSnapshotRef{"main", {12, false, 3, {}, {}}}),
            R"({"action":"set-snapshot-ref","ref-name":"main","snapshot-id":12,"type":"branch","min-snapshots-to-keep":3})");
}

TEST(TableUpdateJson, RequirementsAreThoseOfTheProtocol) {
  EXPECT_EQ(ToJson(TableRequirement(AssertCreate{})).dump(), R"({"type":"assert-create"})");
  EXPECT_EQ(ToJson(TableRequirement(AssertUuid{"u"})).dump(), R"({"type":"assert-table-uuid","uuid":"u"})");
  EXPECT_EQ(ToJson(TableRequirement(AssertRefSnapshotId{"main", 5})).dump(), R"({"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":5})");
  EXPECT_EQ(ToJson(TableRequirement(AssertRefSnapshotId{"main", {}})).dump(), R"({"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null})");
  EXPECT_EQ(ToJson(TableRequirement(AssertCurrentSchemaId{1})).dump(), R"({"type":"assert-current-schema-id","current-schema-id":1})");
  EXPECT_EQ(ToJson(TableRequirement(AssertLastAssignedFieldId{4})).dump(), R"({"type":"assert-last-assigned-field-id","last-assigned-field-id":4})");
  EXPECT_EQ(ToJson(TableRequirement(AssertDefaultSpecId{0})).dump(), R"({"type":"assert-default-spec-id","default-spec-id":0})");
}

}  // namespace
}  // namespace sluice::iceberg

#include "iceberg/table_update.h"

#include <gtest/gtest.h>

namespace sluice::iceberg {
namespace {

Schema OneColumn(const std::string& name) {
  Schema schema;
  schema.fields = {{1, name, false, Primitive(TypeId::kLong), ""}};
  return schema;
}

TableMetadata NewMetadata() {
  const NewTable table{"uuid-1", "file:///t", OneColumn("a"), {}, {}, {{"k", "v"}}, 2};
  return ApplyUpdates(nullptr, UpdatesToCreate(table), 1000).value();
}

Snapshot SnapshotNumber(int64_t number) {
  Snapshot snapshot;
  snapshot.snapshot_id = number * 11;
  snapshot.sequence_number = number;
  snapshot.timestamp_ms = 1000 + number;
  if (number > 1) snapshot.parent_snapshot_id = (number - 1) * 11;
  return snapshot;
}

TableMetadata WithSnapshots(int64_t count) {
  TableMetadata metadata = NewMetadata();
  for (int64_t number = 1; number <= count; ++number) {
    const std::vector<TableUpdate> updates = {
        AddSnapshot{SnapshotNumber(number)},
        SetSnapshotRef{"main", {number * 11, false, {}, {}, {}}}};
    metadata = ApplyUpdates(&metadata, updates, 0).value();
  }
  return metadata;
}

TEST(ApplyUpdates, MakesATable) {
  const TableMetadata metadata = NewMetadata();
  EXPECT_EQ(metadata.table_uuid, "uuid-1");
  EXPECT_EQ(metadata.location, "file:///t");
  EXPECT_EQ(metadata.schema(), OneColumn("a"));
  EXPECT_EQ(metadata.spec().id, 0);
  EXPECT_EQ(metadata.last_column_id, 1);
  EXPECT_EQ(metadata.last_partition_id, 999);
  EXPECT_EQ(metadata.default_sort_order_id, 0);
  EXPECT_EQ(metadata.properties.at("k"), "v");
  EXPECT_EQ(metadata.last_updated_ms, 1000);
  EXPECT_EQ(metadata.current_snapshot_id, std::nullopt);
}

TEST(ApplyUpdates, RefusesHalfATable) {
  const std::vector<TableUpdate> updates = {AssignUuid{"u"}, SetLocation{"file:///t"}};
  EXPECT_FALSE(ApplyUpdates(nullptr, updates, 0).ok());
}

TEST(ApplyUpdates, GivesANewSchemaTheNextIdAndAnOldOneItsOwn) {
  TableMetadata metadata = NewMetadata();
  Schema wider = OneColumn("a");
  wider.fields.push_back({7, "b", false, Primitive(TypeId::kString), ""});
  const std::vector<TableUpdate> widen = {AddSchema{wider}, SetCurrentSchema{-1}};
  metadata = ApplyUpdates(&metadata, widen, 0).value();
  EXPECT_EQ(metadata.current_schema_id, 1);
  EXPECT_EQ(metadata.last_column_id, 7);
  const std::vector<TableUpdate> back = {AddSchema{OneColumn("a")}, SetCurrentSchema{-1}};
  metadata = ApplyUpdates(&metadata, back, 0).value();
  EXPECT_EQ(metadata.current_schema_id, 0);
  EXPECT_EQ(metadata.schemas.size(), 2U);
  EXPECT_EQ(metadata.last_column_id, 7);  // Field ids are never used again.
}

TEST(ApplyUpdates, AddsASpecAndASortOrder) {
  TableMetadata metadata = NewMetadata();
  PartitionSpec spec;
  spec.fields = {{1, 1000, "a_bucket", Transform{Transform::Kind::kBucket, 4}}};
  SortOrder order;
  order.fields = {{Transform{}, 1, true, true}};
  const std::vector<TableUpdate> updates = {AddPartitionSpec{spec}, SetDefaultSpec{-1},
                                            AddSortOrder{order}, SetDefaultSortOrder{-1}};
  metadata = ApplyUpdates(&metadata, updates, 0).value();
  EXPECT_EQ(metadata.default_spec_id, 1);
  EXPECT_EQ(metadata.last_partition_id, 1000);
  EXPECT_EQ(metadata.default_sort_order_id, 1);
}

TEST(UpdatesToCreate, MakesATableInItsOrder) {
  EXPECT_EQ(NewMetadata().default_sort_order_id, 0);
  EXPECT_TRUE(NewMetadata().sort_order().fields.empty());
  NewTable table{"uuid-1", "file:///t", OneColumn("a"), {}, {}, {}, 2};
  table.sort_order.fields = {{Transform{}, 1, false, false}};
  const TableMetadata made = ApplyUpdates(nullptr, UpdatesToCreate(table), 1000).value();
  EXPECT_EQ(made.default_sort_order_id, 1);
  EXPECT_EQ(made.sort_order().fields, table.sort_order.fields);
}

TEST(ApplyUpdates, ASnapshotMovesTheTableOn) {
  const TableMetadata metadata = WithSnapshots(2);
  EXPECT_EQ(metadata.current_snapshot_id, 22);
  EXPECT_EQ(metadata.last_sequence_number, 2);
  EXPECT_EQ(metadata.last_updated_ms, 1002);
  EXPECT_EQ(metadata.snapshot_log, (std::vector<SnapshotLogEntry>{{1001, 11}, {1002, 22}}));
  const std::vector<TableUpdate> again = {AddSnapshot{SnapshotNumber(2)}};
  EXPECT_FALSE(ApplyUpdates(&metadata, again, 0).ok());
  const std::vector<TableUpdate> nowhere = {SetSnapshotRef{"main", {99, false, {}, {}, {}}}};
  EXPECT_FALSE(ApplyUpdates(&metadata, nowhere, 0).ok());
}

TEST(ApplyUpdates, RemovingSnapshotsLeavesNoGapInTheLog) {
  TableMetadata metadata = WithSnapshots(5);
  metadata.statistics_json = R"([{"snapshot-id":11},{"snapshot-id":44}])";
  const std::vector<TableUpdate> updates = {RemoveSnapshots{{11, 33}}};
  metadata = ApplyUpdates(&metadata, updates, 0).value();
  ASSERT_EQ(metadata.snapshots.size(), 3U);
  EXPECT_EQ(metadata.snapshots[0].snapshot_id, 22);
  EXPECT_EQ(metadata.snapshot_log, (std::vector<SnapshotLogEntry>{{1004, 44}, {1005, 55}}));
  EXPECT_EQ(metadata.statistics_json, R"([{"snapshot-id":44}])");
}

TEST(ApplyUpdates, NeverRemovesAReferencedSnapshot) {
  const TableMetadata metadata = WithSnapshots(3);
  const std::vector<TableUpdate> updates = {RemoveSnapshots{{33}}};
  EXPECT_FALSE(ApplyUpdates(&metadata, updates, 0).ok());
}

TEST(ApplyUpdates, SetsAndRemovesProperties) {
  TableMetadata metadata = NewMetadata();
  const std::vector<TableUpdate> updates = {SetProperties{{{"k", "w"}, {"x", "y"}}},
                                            RemoveProperties{{"x", "z"}}};
  metadata = ApplyUpdates(&metadata, updates, 0).value();
  EXPECT_EQ(metadata.properties, (Properties{{"k", "w"}}));
}

TEST(CheckRequirements, HoldsEachAgainstTheTable) {
  const TableMetadata metadata = WithSnapshots(1);
  const auto meets = [](const TableMetadata* table, TableRequirement requirement) {
    const Status status = CheckRequirements(table, std::vector{std::move(requirement)});
    EXPECT_TRUE(status.ok() || status.error().kind == ErrorKind::kConflict);
    return status.ok();
  };
  EXPECT_TRUE(meets(&metadata, AssertUuid{"uuid-1"}));
  EXPECT_FALSE(meets(&metadata, AssertUuid{"uuid-2"}));
  EXPECT_TRUE(meets(&metadata, AssertRefSnapshotId{"main", 11}));
  EXPECT_FALSE(meets(&metadata, AssertRefSnapshotId{"main", std::nullopt}));
  EXPECT_FALSE(meets(&metadata, AssertRefSnapshotId{"main", 22}));
  EXPECT_TRUE(meets(&metadata, AssertRefSnapshotId{"dev", std::nullopt}));
  EXPECT_TRUE(meets(&metadata, AssertCurrentSchemaId{0}));
  EXPECT_FALSE(meets(&metadata, AssertCurrentSchemaId{1}));
  EXPECT_TRUE(meets(&metadata, AssertLastAssignedFieldId{1}));
  EXPECT_FALSE(meets(&metadata, AssertLastAssignedFieldId{2}));
  EXPECT_TRUE(meets(&metadata, AssertDefaultSpecId{0}));
  EXPECT_FALSE(meets(&metadata, AssertDefaultSpecId{1}));
  EXPECT_FALSE(meets(&metadata, AssertCreate{}));
  EXPECT_TRUE(meets(nullptr, AssertCreate{}));
  EXPECT_FALSE(meets(nullptr, AssertUuid{"uuid-1"}));
}

}  // namespace
}  // namespace sluice::iceberg

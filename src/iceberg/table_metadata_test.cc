#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "iceberg/damage.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"
#include "iceberg/table_metadata_json.h"

namespace sluice::iceberg {
namespace {

Schema NestedSchema() {
  Schema schema;
  schema.id = 1;
  schema.fields = {
      {1, "id", true, Primitive(TypeId::kLong), "the key"},
      {2, "price", false, Decimal(10, 2), ""},
      {3, "tags", false, ListOf(4, Primitive(TypeId::kString)), ""},
      {5, "facts", false, MapOf(6, Primitive(TypeId::kString), 7, Fixed(16), true), ""},
      {8, "at", false, StructOf({{9, "x", true, Primitive(TypeId::kDouble), ""}}), ""}};
  schema.identifier_field_ids = {1};
  return schema;
}

TableMetadata FullMetadata() {
  TableMetadata metadata;
  metadata.table_uuid = "7a6b0f9e-0000-4000-8000-000000000001";
  metadata.location = "file:///lake/public/shot";
  metadata.last_sequence_number = 2;
  metadata.last_updated_ms = 1790000001000;
  metadata.last_column_id = 9;
  metadata.schemas = {NestedSchema()};
  metadata.current_schema_id = 1;
  PartitionSpec spec;
  spec.fields = {{1, 1000, "id_bucket", Transform{Transform::Kind::kBucket, 8}}};
  metadata.specs = {spec};
  metadata.default_spec_id = 0;
  metadata.last_partition_id = 1000;
  metadata.sort_orders = {{0, {}}, {1, {{Transform{}, 1, false, false}}}};
  metadata.default_sort_order_id = 1;
  metadata.properties = {{"a", "b"}, {"gc.enabled", "false"}};
  metadata.current_snapshot_id = 22;
  metadata.refs = {{"main", {22, false, {}, {}, {}}}, {"daily", {11, true, {}, {}, 86400000}}};
  Snapshot first;
  first.sequence_number = 1;
  first.snapshot_id = 11;
  first.timestamp_ms = 1790000000000;
  first.summary = {{"operation", "append"}, {"added-records", "5"}};
  first.manifest_list = "file:///lake/public/shot/metadata/snap-11.avro";
  first.schema_id = 1;
  Snapshot second = first;
  second.sequence_number = 2;
  second.snapshot_id = 22;
  second.parent_snapshot_id = 11;
  second.timestamp_ms = 1790000001000;
  metadata.snapshots = {first, second};
  metadata.snapshot_log = {{1790000000000, 11}, {1790000001000, 22}};
  metadata.metadata_log = {
      {1790000000000, "file:///lake/public/shot/metadata/00000-x.metadata.json"}};
  metadata.statistics_json = R"([{"snapshot-id":11,"statistics-path":"p"}])";
  return metadata;
}

TEST(SchemaJson, IsReadAsItWasWritten) {
  EXPECT_EQ(ParseSchema(ToJsonText(NestedSchema())).value(), NestedSchema());
}

TEST(SchemaJson, IsWrittenAsReadersExpectIt) {
  Schema schema;
  schema.fields = {{1, "id", true, Primitive(TypeId::kInt), ""},
                   {2, "d", false, Decimal(10, 2), ""}};
  schema.identifier_field_ids = {1};
  EXPECT_EQ(ToJsonText(schema),
            R"j({"type":"struct","schema-id":0,"identifier-field-ids":[1],"fields":[)j"
            R"j({"id":1,"name":"id","required":true,"type":"int"},)j"
            R"j({"id":2,"name":"d","required":false,"type":"decimal(10, 2)"}]})j");
}

TEST(SchemaJson, TakesOtherWritersSpelling) {
  const auto schema = ParseSchema(
      R"j({"type":"struct","fields":[{"id":1,"name":"a","required":false,"type":"decimal(9,2)"},
      {"id":2,"name":"b","required":true,"type":{"type":"int"}}]})j");
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  EXPECT_EQ(schema->fields[0].type, Decimal(9, 2));
  EXPECT_EQ(schema->fields[1].type, Primitive(TypeId::kInt));
}

TEST(SchemaJson, RefusesWhatItDoesNotKnow) {
  const auto with_type = [](const std::string& type) {
    return ParseSchema(R"({"type":"struct","fields":[{"id":1,"name":"a","required":false,"type":)" +
                       type + "}]}");
  };
  EXPECT_EQ(with_type(R"("variant")").error().kind, ErrorKind::kNeedsOperator);
  for (const char* bad :
       {R"j("decimal(39,2)")j", R"j("decimal(2,3)")j", R"j("decimal(2)")j", R"("fixed[-1]")",
        R"("fixed[99999999999]")", "1", "null", "[]", R"({"type":"list"})"})
    EXPECT_FALSE(with_type(bad).ok()) << bad;
  std::string deep = R"("int")";
  for (int i = 0; i < 500; ++i)
    deep = R"({"type":"list","element-id":1,"element-required":false,"element":)" + deep + "}";
  EXPECT_FALSE(with_type(deep).ok());
}

TEST(SchemaJson, FindsFieldsInsideNestedTypes) {
  const Schema schema = NestedSchema();
  EXPECT_EQ(schema.HighestFieldId(), 9);
  EXPECT_EQ(schema.FindField(9)->name, "x");
  EXPECT_EQ(schema.FindField(7)->type, Fixed(16));
  EXPECT_EQ(schema.FindField(10), nullptr);
  EXPECT_EQ(schema.FindColumn("x"), nullptr);
  EXPECT_EQ(schema.FindColumn("at")->id, 8);
}

TEST(TableMetadataJson, IsReadAsItWasWritten) {
  const auto read = ParseTableMetadata(ToJsonText(FullMetadata()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, FullMetadata());
}

TEST(TableMetadataJson, OfAnEmptyTableSaysSoInBothVersions) {
  TableMetadata metadata = FullMetadata();
  metadata.current_snapshot_id.reset();
  metadata.refs.clear();
  metadata.snapshots.clear();
  metadata.snapshot_log.clear();
  const auto v2 = nlohmann::json::parse(ToJsonText(metadata));
  EXPECT_EQ(v2["current-snapshot-id"], -1);
  EXPECT_EQ(v2["refs"], nlohmann::json::object());
  EXPECT_EQ(ParseTableMetadata(ToJsonText(metadata)).value(), metadata);
  metadata.format_version = 3;
  metadata.next_row_id = 0;
  const auto v3 = nlohmann::json::parse(ToJsonText(metadata));
  EXPECT_FALSE(v3.contains("current-snapshot-id"));
  EXPECT_EQ(v3["next-row-id"], 0);
  EXPECT_EQ(ParseTableMetadata(ToJsonText(metadata)).value(), metadata);
}

TEST(TableMetadataJson, KeepsHostileNamesAndBytes) {
  TableMetadata metadata = FullMetadata();
  metadata.properties["quote\"\\\n"] = "\xc3\xa9\x01";
  metadata.schemas[0].fields[0].name = "select \"x\"; --";
  EXPECT_EQ(ParseTableMetadata(ToJsonText(metadata)).value(), metadata);
  metadata.properties["bad"] = "\xff";
  EXPECT_TRUE(ParseTableMetadata(ToJsonText(metadata)).ok());
}

TEST(TableMetadataJson, RefusesMetadataThatPointsNowhere) {
  const auto refused = [](auto&& change) {
    TableMetadata metadata = FullMetadata();
    change(metadata);
    return !ParseTableMetadata(ToJsonText(metadata)).ok();
  };
  EXPECT_TRUE(refused([](TableMetadata& m) { m.current_schema_id = 7; }));
  EXPECT_TRUE(refused([](TableMetadata& m) { m.default_spec_id = 7; }));
  EXPECT_TRUE(refused([](TableMetadata& m) { m.current_snapshot_id = 7; }));
  EXPECT_TRUE(refused([](TableMetadata& m) { m.refs["tag"].snapshot_id = 7; }));
  EXPECT_TRUE(refused([](TableMetadata& m) { m.format_version = 4; }));
  EXPECT_TRUE(refused([](TableMetadata& m) { m.format_version = 1; }));
}

TEST(TableMetadataJson, DamageIsAnErrorAndNeverACrash) {
  const std::string text = ToJsonText(FullMetadata());
  ReadDamaged(text, 5000, [](const std::string& damaged) {
    static_cast<void>(ParseTableMetadata(damaged).ok());
  });
  EXPECT_FALSE(ParseTableMetadata(text.substr(0, text.size() - 1)).ok());
  // Each member in turn replaced by values of every other kind.
  const auto whole = nlohmann::ordered_json::parse(text);
  for (const auto& [key, value] : whole.items()) {
    for (const char* other : {"null", "true", "-1", "1e300", "18446744073709551615", "\"x\"", "[]",
                              "{}", "[1]", "[{}]", R"({"main":1})"}) {
      auto changed = whole;
      changed[key] = nlohmann::ordered_json::parse(other);
      static_cast<void>(ParseTableMetadata(changed.dump()).ok());
    }
  }
}

TEST(TableMetadata, ListsThatNestWithoutEndAreAnErrorAndNoStackOverflow) {
  std::string text = ToJsonText(FullMetadata());
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  text.insert(text.size() - 1, ",\"statistics\":" + deep);
  const auto read = ParseTableMetadata(text);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(ParseTableMetadata(deep).error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace sluice::iceberg

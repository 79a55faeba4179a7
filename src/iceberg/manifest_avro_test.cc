#include "iceberg/manifest_avro.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "iceberg/avro.h"
#include "iceberg/damage.h"
#include "iceberg/golden_avro_schemas.h"
#include "iceberg/manifest_list_avro.h"

namespace sluice::iceberg {
namespace {

PartitionSpec HourSpec() {
  PartitionSpec spec;
  spec.fields = {{4, 1000, "_ingested_at_hour", Transform{Transform::Kind::kHour}}};
  return spec;
}

Schema WideSchema() {
  Schema schema;
  schema.id = 3;
  const TypeId ids[] = {TypeId::kBoolean,     TypeId::kInt,    TypeId::kLong, TypeId::kFloat,
                        TypeId::kDouble,      TypeId::kDate,   TypeId::kTime, TypeId::kTimestamp,
                        TypeId::kTimestamptz, TypeId::kString, TypeId::kUuid, TypeId::kBinary};
  int32_t id = 0;
  for (const TypeId type : ids) {
    ++id;
    schema.fields.push_back({id, "c" + std::to_string(id), false, Primitive(type), ""});
  }
  schema.fields.push_back({13, "c13", false, Decimal(20, 3), ""});
  schema.fields.push_back({14, "c14", false, Fixed(3), ""});
  schema.fields.push_back({15, "c15", false, Primitive(TypeId::kUuid), ""});
  return schema;
}

/// Partitioned by every type that there is; two of them need the same named type.
PartitionSpec WideSpec() {
  PartitionSpec spec;
  spec.id = 2;
  for (int32_t i = 1; i <= 15; ++i)
    spec.fields.push_back(
        {i, 999 + i, i == 1 ? "1 wei\"rd" : "p" + std::to_string(i), Transform{}});
  return spec;
}

PartitionTuple WideTuple() {
  return {true,
          int32_t{-1},
          int64_t{1} << 40,
          1.5F,
          -2.5,
          int32_t{-700},
          int64_t{5},
          int64_t{-6},
          int64_t{7},
          std::string("x"),
          std::string(16, 'u'),
          std::string("\0y", 2),
          Int128{-123456789012345},
          std::string("abc"),
          std::string(16, 'v')};
}

DataFile FullFile() {
  DataFile file;
  file.path = "file:///lake/t/data/a b.parquet";
  file.spec_id = 2;
  file.partition = WideTuple();
  file.record_count = 3;
  file.file_size_bytes = 12345678901;
  file.column_sizes = {{1, 10}, {2, 20}};
  file.value_counts = {{1, 3}, {2, 3}};
  file.null_value_counts = {{1, 0}, {2, 1}};
  file.nan_value_counts = {{4, 1}};
  file.lower_bounds = {{2, "\1\2\3\4"}};
  file.upper_bounds = {{2, "\5\6\7\10"}};
  file.split_offsets = {4, 4000};
  file.sort_order_id = 0;
  file.referenced_data_file = "file:///lake/t/data/b.parquet";
  file.key_metadata = "k";
  return file;
}

ManifestHeader WideHeader() { return {2, ManifestContent::kData, WideSchema(), WideSpec()}; }

std::string WideManifest(std::vector<ManifestEntry> entries) {
  const ManifestHeader header = WideHeader();
  return EncodeManifest(header, PartitionTypes(header.spec, header.schema).value(), entries)
      .value();
}

std::vector<ManifestEntry> WideEntries() {
  ManifestEntry existing{EntryStatus::kExisting, 11, 5, 6, FullFile()};
  ManifestEntry added{EntryStatus::kAdded, 12, std::nullopt, std::nullopt, FullFile()};
  added.file.partition.assign(15, Literal());
  added.file.column_sizes.clear();
  added.file.sort_order_id.reset();
  return {existing, added};
}

TEST(ManifestSchema, IsTheOneThatJavaWrites) {
  const std::vector<Type> types = {Primitive(TypeId::kInt)};
  EXPECT_EQ(ManifestAvroSchema(2, HourSpec(), types).value(), kGoldenManifestV2);
  EXPECT_EQ(ManifestAvroSchema(3, HourSpec(), types).value(), kGoldenManifestV3);
  EXPECT_EQ(ManifestListAvroSchema(2), kGoldenManifestListV2);
  EXPECT_EQ(ManifestListAvroSchema(3), kGoldenManifestListV3);
}

TEST(ManifestSchema, DefinesANamedTypeOnceAndKeepsNamesThatAvroForbids) {
  const ManifestHeader header = WideHeader();
  const std::string schema =
      ManifestAvroSchema(2, header.spec, PartitionTypes(header.spec, header.schema).value())
          .value();
  ASSERT_TRUE(nlohmann::json::accept(schema)) << schema;
  EXPECT_EQ(schema.find("\"name\":\"uuid_fixed\""), schema.rfind("\"name\":\"uuid_fixed\""));
  EXPECT_NE(schema.find(R"("type":["null","uuid_fixed"])"), std::string::npos);
  EXPECT_NE(schema.find(R"("name":"_1_x20wei_x22rd")"), std::string::npos);
  EXPECT_NE(schema.find(R"("iceberg-field-name":"1 wei\"rd")"), std::string::npos);
}

TEST(Manifest, IsReadAsItWasWritten) {
  const std::vector<ManifestEntry> entries = WideEntries();
  const Result<Manifest> read = DecodeManifest(WideManifest(entries));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->entries, entries);
  EXPECT_EQ(read->header.schema, WideSchema());
  EXPECT_EQ(read->header.spec, WideSpec());
  EXPECT_EQ(read->header.content, ManifestContent::kData);
  EXPECT_EQ(read->header.format_version, 2);
}

TEST(Manifest, CarriesTheTablesSchemaAndSpecInItsHeader) {
  const AvroFile file = ReadAvroFile(WideManifest(WideEntries())).value();
  EXPECT_EQ(file.metadata.at("content"), "data");
  EXPECT_EQ(file.metadata.at("format-version"), "2");
  EXPECT_EQ(file.metadata.at("schema-id"), "3");
  EXPECT_EQ(file.metadata.at("partition-spec-id"), "2");
  EXPECT_TRUE(nlohmann::json::parse(file.metadata.at("partition-spec")).is_array());
  EXPECT_EQ(nlohmann::json::parse(file.metadata.at("schema"))["schema-id"], 3);
}

TEST(Manifest, RefusesAPartitionValueOfAnotherType) {
  std::vector<ManifestEntry> entries = WideEntries();
  entries[0].file.partition[1] = std::string("text");
  const ManifestHeader header = WideHeader();
  const std::vector<Type> types = PartitionTypes(header.spec, header.schema).value();
  EXPECT_FALSE(EncodeManifest(header, types, entries).ok());
  entries[0].file.partition.pop_back();
  EXPECT_FALSE(EncodeManifest(header, types, entries).ok());
}

TEST(Manifest, EntriesInheritFromTheManifestList) {
  ManifestFile file;
  file.sequence_number = 9;
  file.added_snapshot_id = 77;
  std::vector<ManifestEntry> entries = WideEntries();
  entries[1].snapshot_id.reset();
  InheritFrom(file, entries);
  EXPECT_EQ(entries[0].sequence_number, 5);
  EXPECT_EQ(entries[0].snapshot_id, 11);
  EXPECT_EQ(entries[1].sequence_number, 9);
  EXPECT_EQ(entries[1].file_sequence_number, 9);
  EXPECT_EQ(entries[1].snapshot_id, 77);
}

TEST(Manifest, RowIdsBeyondTheLastNumberStayThere) {
  std::vector<ManifestEntry> entries(3);
  for (ManifestEntry& entry : entries) entry.file.record_count = INT64_MAX;
  ManifestFile manifest;
  manifest.first_row_id = 7;
  InheritFrom(manifest, entries);
  EXPECT_EQ(entries[0].file.first_row_id, 7);
  EXPECT_EQ(entries[2].file.first_row_id, INT64_MAX);
}

TEST(Manifest, DamageIsAnErrorAndNeverACrash) {
  const std::string bytes = WideManifest(WideEntries());
  size_t read_well = 0;
  ReadDamaged(bytes, 3000, [&](const std::string& damaged) {
    const Result<Manifest> read = DecodeManifest(damaged);
    if (read.ok())
      ++read_well;
    else
      EXPECT_FALSE(read.error().message.empty());
  });
  EXPECT_LT(read_well, 3000U);
  EXPECT_FALSE(DecodeManifest(bytes.substr(0, bytes.size() - 1)).ok());
}

// Damage behind the compression is what a reader of plain blocks sees.
TEST(Manifest, DamagedRecordsAreAnErrorAndNeverACrash) {
  const AvroFile file = ReadAvroFile(WideManifest(WideEntries())).value();
  std::vector<std::pair<std::string, std::string>> header;
  for (const char* key : {"schema", "partition-spec", "partition-spec-id"})
    header.emplace_back(key, file.metadata.at(key));
  const std::string& schema = file.metadata.at("avro.schema");
  ReadDamaged(file.records, 5000, [&](const std::string& damaged) {
    static_cast<void>(DecodeManifest(WriteAvroFile(schema, header, 2, damaged)).ok());
  });
  const Result<Manifest> more = DecodeManifest(WriteAvroFile(schema, header, 3, file.records));
  EXPECT_FALSE(more.ok());
  EXPECT_FALSE(DecodeManifest(WriteAvroFile(schema, header, 1, file.records)).ok());
}

TEST(ManifestList, IsReadAsItWasWritten) {
  ManifestFile first;
  first.path = "file:///lake/t/metadata/x-m0.avro";
  first.length_bytes = 7000;
  first.spec_id = 2;
  first.content = ManifestContent::kDeletes;
  first.sequence_number = 4;
  first.min_sequence_number = 2;
  first.added_snapshot_id = 123456789012345678;
  first.added_files_count = 1;
  first.existing_files_count = 2;
  first.deleted_files_count = 3;
  first.added_rows_count = 10;
  first.existing_rows_count = 20;
  first.deleted_rows_count = 30;
  first.partitions = {{true, false, std::string("\1\0\0\0", 4), std::string("\2\0\0\0", 4)},
                      {false, std::nullopt, std::nullopt, std::nullopt}};
  ManifestFile second;
  second.path = "file:///lake/t/metadata/x-m1.avro";
  const std::string bytes =
      EncodeManifestList({2, 5, 4, 6, std::nullopt}, std::vector{first, second});
  const auto read = DecodeManifestList(bytes);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, (std::vector{first, second}));
  const AvroFile file = ReadAvroFile(bytes).value();
  EXPECT_EQ(file.metadata.at("snapshot-id"), "5");
  EXPECT_EQ(file.metadata.at("parent-snapshot-id"), "4");
  EXPECT_EQ(file.metadata.at("sequence-number"), "6");
  EXPECT_EQ(file.metadata.at("format-version"), "2");
  ReadDamaged(bytes, 3000, [](const std::string& damaged) {
    static_cast<void>(DecodeManifestList(damaged).ok());
  });
}

TEST(ManifestList, OfAFirstSnapshotNamesNoParent) {
  const std::string bytes = EncodeManifestList({2, 5, std::nullopt, 1, std::nullopt}, {});
  EXPECT_EQ(ReadAvroFile(bytes).value().metadata.at("parent-snapshot-id"), "null");
  EXPECT_TRUE(DecodeManifestList(bytes).value().empty());
}

}  // namespace
}  // namespace sluice::iceberg

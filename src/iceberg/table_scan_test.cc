#include "iceberg/table_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iceberg/fake_manifest_reader.h"

namespace sluice::iceberg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Two manifests, one of data and one of deletes, with entries as given.
class TableScanTest : public ::testing::Test {
 protected:
  void AddData(const std::string& path, int64_t sequence_number, int64_t partition = 1) {
    Add(0, path, FileContent::kData, sequence_number, partition);
  }
  DataFile& AddDeletes(const std::string& path, int64_t sequence_number, int64_t partition = 1) {
    return Add(1, path, FileContent::kPositionDeletes, sequence_number, partition);
  }
  DataFile& Add(size_t manifest, const std::string& path, FileContent content,
                int64_t sequence_number, int64_t partition) {
    ManifestEntry entry{EntryStatus::kExisting, 1, sequence_number, sequence_number, {}};
    entry.file.path = path;
    entry.file.content = content;
    entry.file.partition = {partition};
    return entries_[manifest].emplace_back(std::move(entry)).file;
  }

  Result<TableScan> Scan() {
    Schema schema;
    schema.fields = {{1, "id", true, Primitive(TypeId::kLong), ""}};
    PartitionSpec spec;
    spec.fields = {{1, 1000, "id", Transform{}}};
    std::vector<ManifestFile> manifests;
    for (size_t i = 0; i < 2; ++i) {
      const ManifestHeader header{2, static_cast<ManifestContent>(i), schema, spec};
      ManifestFile& manifest = manifests.emplace_back();
      manifest.path = "m" + std::to_string(i);
      manifest.existing_files_count = static_cast<int32_t>(entries_[i].size());
      reader_.objects[manifest.path] =
          EncodeManifest(header, {Primitive(TypeId::kLong)}, entries_[i]).value();
    }
    return PlanScan(manifests, reader_);
  }

  /// The delete files that apply to `data`.
  std::vector<std::string> DeletesOf(const std::string& data) {
    const TableScan scan = Scan().value();
    std::vector<std::string> names;
    for (const ScanFile& file : scan.data_files)
      if (file.data.file().path == data)
        for (const uint32_t i : file.deletes) names.push_back(scan.delete_files[i].file().path);
    return names;
  }

  std::vector<ManifestEntry> entries_[2];
  FakeManifestReader reader_;
};

TEST_F(TableScanTest, DeletesApplyToWhatIsNotNewer) {
  AddData("old", 1);
  AddData("same", 2);
  AddData("new", 3);
  AddDeletes("d", 2);
  EXPECT_THAT(DeletesOf("old"), ElementsAre("d"));
  EXPECT_THAT(DeletesOf("same"), ElementsAre("d"));
  EXPECT_THAT(DeletesOf("new"), IsEmpty());
}

TEST_F(TableScanTest, DeletesStayInTheirPartition) {
  AddData("here", 1, 1);
  AddData("there", 1, 2);
  AddDeletes("d", 2, 1);
  EXPECT_THAT(DeletesOf("here"), ElementsAre("d"));
  EXPECT_THAT(DeletesOf("there"), IsEmpty());
}

TEST_F(TableScanTest, AReferencedFileTakesNoOtherDeletes) {
  AddData("a", 1);
  AddData("b", 1);
  AddDeletes("da", 2).referenced_data_file = "a";
  DataFile& by_bounds = AddDeletes("db", 2);
  by_bounds.lower_bounds = {{kDeleteFilePathId, "b"}};
  by_bounds.upper_bounds = {{kDeleteFilePathId, "b"}};
  AddDeletes("all", 2);
  EXPECT_THAT(DeletesOf("a"), UnorderedElementsAre("da", "all"));
  EXPECT_THAT(DeletesOf("b"), UnorderedElementsAre("db", "all"));
}

TEST_F(TableScanTest, BoundsOfPathsPrune) {
  AddData("f1", 1);
  AddData("f5", 1);
  AddData("f9", 1);
  DataFile& deletes = AddDeletes("d", 2);
  deletes.lower_bounds = {{kDeleteFilePathId, "f1"}};
  deletes.upper_bounds = {{kDeleteFilePathId, "f5"}};
  EXPECT_THAT(DeletesOf("f1"), ElementsAre("d"));
  EXPECT_THAT(DeletesOf("f5"), ElementsAre("d"));
  EXPECT_THAT(DeletesOf("f9"), IsEmpty());
}

TEST_F(TableScanTest, DeletedEntriesAreGone) {
  AddData("a", 1);
  AddData("b", 1);
  entries_[0][0].status = EntryStatus::kDeleted;
  const TableScan scan = Scan().value();
  ASSERT_EQ(scan.data_files.size(), 1U);
  EXPECT_EQ(scan.data_files[0].data.file().path, "b");
}

TEST_F(TableScanTest, EqualityDeletesAreRefusedByName) {
  AddData("a", 1);
  AddDeletes("eq", 2).content = FileContent::kEqualityDeletes;
  const auto scan = Scan();
  ASSERT_FALSE(scan.ok());
  EXPECT_EQ(scan.error().kind, ErrorKind::kNeedsOperator);
  EXPECT_NE(scan.error().message.find("eq"), std::string::npos);
}

}  // namespace
}  // namespace sluice::iceberg

#include "iceberg/snapshot_producer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "iceberg/fake_manifest_reader.h"
#include "iceberg/table_scan.h"

namespace sluice::iceberg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string Uri(const std::string& name) { return "file:///t/data/" + name; }

DataFile Data(const std::string& name, int64_t rows = 10) {
  DataFile file;
  file.path = Uri(name);
  file.record_count = rows;
  file.file_size_bytes = 100;
  return file;
}

DataFile Deletes(const std::string& name, const std::string& target, int64_t rows = 1) {
  DataFile file = Data(name, rows);
  file.content = FileContent::kPositionDeletes;
  file.referenced_data_file = Uri(target);
  return file;
}

TableChange Add(std::vector<DataFile> files) {
  TableChange change;
  change.added_files = std::move(files);
  return change;
}

/// A table that exists only in memory.
class Table {
 public:
  explicit Table(int32_t format_version = 2) {
    Schema schema;
    schema.fields = {{1, "id", true, Primitive(TypeId::kLong), ""}};
    const NewTable definition{"uuid", "file:///t", schema, {}, {}, {}, format_version};
    metadata = ApplyUpdates(nullptr, UpdatesToCreate(definition), 1000).value();
  }

  Result<CommitPlan> Plan(const TableChange& change) {
    const int64_t id = 100 + ++commits_;
    return PlanCommit(metadata, *manifests, change, policy,
                      {id, "commit" + std::to_string(commits_), 1, 1000 + commits_}, reader);
  }

  void Commit(const TableChange& change) {
    Result<CommitPlan> planned = Plan(change);
    ASSERT_TRUE(planned.ok()) << planned.error().message;
    plan = std::move(*planned);
    ASSERT_TRUE(CheckRequirements(&metadata, plan.requirements).ok());
    for (const ObjectBytes& file : plan.files) reader.objects[file.uri] = file.bytes;
    Result<TableMetadata> next = ApplyUpdates(&metadata, plan.updates, 0);
    ASSERT_TRUE(next.ok()) << next.error().message;
    metadata = std::move(*next);
    manifests = plan.manifests;
    // What is handed back for the next commit must be what a reader would find.
    EXPECT_EQ(*CurrentManifests(metadata, reader).value(), *manifests);
    for (const auto& [uri, entries] : plan.written_manifests) {
      const auto file =
          std::find_if(manifests->begin(), manifests->end(),
                       [&](const ManifestFile& manifest) { return manifest.path == uri; });
      ASSERT_NE(file, manifests->end());
      EXPECT_EQ(*reader.ReadManifest(*file).value(), *entries);
      EXPECT_EQ(file->length_bytes, static_cast<int64_t>(reader.objects[uri].size()));
    }
    reader.reads.clear();
  }

  std::vector<std::string> LiveFiles() {
    const TableScan scan = PlanScan(*manifests, reader).value();
    reader.reads.clear();
    std::vector<std::string> names;
    const auto add = [&](const LiveFile& file) {
      names.push_back(file.file().path.substr(Uri("").size()));
    };
    for (const ScanFile& file : scan.data_files) add(file.data);
    for (const LiveFile& file : scan.delete_files) add(file);
    return names;
  }

  const Properties& summary() const { return metadata.current_snapshot()->summary; }
  std::string Summary(const std::string& key) const {
    const auto found = summary().find(key);
    return found == summary().end() ? "-" : found->second;
  }

  TableMetadata metadata;
  ManifestFiles manifests = std::make_shared<const std::vector<ManifestFile>>();
  CommitPolicy policy;
  FakeManifestReader reader;
  CommitPlan plan;

 private:
  int64_t commits_ = 0;
};

TEST(PlanCommit, AppendsOneManifestAndReadsNothing) {
  Table table;
  table.Commit(Add({Data("a"), Data("b")}));
  Result<CommitPlan> plan = table.Plan(Add({Data("c", 7)}));
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(table.reader.reads, IsEmpty());
  ASSERT_EQ(plan->files.size(), 2U);
  EXPECT_EQ(plan->files[0].uri, "file:///t/metadata/commit2-m0.avro");
  EXPECT_EQ(plan->files[1].uri, "file:///t/metadata/snap-102-1-commit2.avro");
  ASSERT_EQ(plan->manifests->size(), 2U);
  const ManifestFile& added = plan->manifests->front();
  EXPECT_EQ(added.added_files_count, 1);
  EXPECT_EQ(added.added_rows_count, 7);
  EXPECT_EQ(added.sequence_number, 2);
  EXPECT_EQ(added.min_sequence_number, 2);
  EXPECT_EQ(added.added_snapshot_id, 102);
  EXPECT_EQ(plan->manifests->back(), table.manifests->front());
}

TEST(PlanCommit, AddedEntriesInheritTheirSequenceNumber) {
  Table table;
  table.Commit(Add({Data("a")}));
  const Manifest manifest = DecodeManifest(table.plan.files[0].bytes).value();
  ASSERT_EQ(manifest.entries.size(), 1U);
  EXPECT_EQ(manifest.entries[0].status, EntryStatus::kAdded);
  EXPECT_EQ(manifest.entries[0].snapshot_id, 101);
  EXPECT_EQ(manifest.entries[0].sequence_number, std::nullopt);
  EXPECT_EQ(manifest.entries[0].file_sequence_number, std::nullopt);
}

TEST(PlanCommit, TheSnapshotSaysWhatHappened) {
  Table table;
  TableChange change = Add({Data("a"), Data("b")});
  change.summary = {{"sluice.lsn", "0/10"}};
  table.Commit(change);
  const Snapshot& first = *table.metadata.current_snapshot();
  EXPECT_EQ(first.sequence_number, 1);
  EXPECT_EQ(first.parent_snapshot_id, std::nullopt);
  EXPECT_EQ(first.schema_id, 0);
  EXPECT_EQ(table.Summary("operation"), "append");
  EXPECT_EQ(table.Summary("sluice.lsn"), "0/10");
  EXPECT_EQ(table.Summary("added-data-files"), "2");
  EXPECT_EQ(table.Summary("added-records"), "20");
  EXPECT_EQ(table.Summary("total-records"), "20");
  EXPECT_EQ(table.Summary("total-position-deletes"), "0");
  table.Commit(Add({Data("c"), Deletes("d", "a", 3)}));
  EXPECT_EQ(table.metadata.current_snapshot()->parent_snapshot_id, 101);
  EXPECT_EQ(table.Summary("operation"), "overwrite");
  EXPECT_EQ(table.Summary("added-delete-files"), "1");
  EXPECT_EQ(table.Summary("added-position-deletes"), "3");
  EXPECT_EQ(table.Summary("total-records"), "30");  // Physical rows.
  EXPECT_EQ(table.Summary("total-data-files"), "3");
  EXPECT_EQ(table.Summary("total-delete-files"), "1");
  EXPECT_EQ(table.Summary("total-files-size"), "400");
  table.Commit(Add({Deletes("e", "b")}));
  EXPECT_EQ(table.Summary("operation"), "delete");
  EXPECT_EQ(FindInSummaries(table.metadata, "sluice.lsn"), "0/10");
  EXPECT_EQ(FindInSummaries(table.metadata, "other"), std::nullopt);
}

TEST(PlanCommit, DataAndDeletesGoToManifestsOfTheirOwn) {
  Table table;
  table.Commit(Add({Data("a"), Deletes("d", "a")}));
  ASSERT_EQ(table.manifests->size(), 2U);
  EXPECT_EQ(table.manifests->front().content, ManifestContent::kData);
  EXPECT_EQ(table.manifests->back().content, ManifestContent::kDeletes);
  EXPECT_EQ(DecodeManifest(table.plan.files[1].bytes).value().header.content,
            ManifestContent::kDeletes);
}

TEST(PlanCommit, RemovingAFileRewritesItsManifestOnly) {
  Table table;
  table.Commit(Add({Data("a"), Data("b")}));
  table.Commit(Add({Data("c")}));
  const std::string untouched = table.manifests->front().path;
  TableChange change = Add({Data("bb")});
  change.removed_data_files = {Uri("b")};
  change.keeps_rows = true;
  table.Commit(change);
  EXPECT_THAT(table.LiveFiles(), UnorderedElementsAre("a", "bb", "c"));
  EXPECT_EQ(table.Summary("operation"), "replace");
  EXPECT_EQ(table.Summary("deleted-data-files"), "1");
  EXPECT_EQ(table.Summary("deleted-records"), "10");
  EXPECT_EQ(table.Summary("total-records"), "30");
  EXPECT_TRUE(
      std::any_of(table.manifests->begin(), table.manifests->end(),
                  [&](const ManifestFile& manifest) { return manifest.path == untouched; }));
  const auto rewritten =
      std::find_if(table.manifests->begin(), table.manifests->end(),
                   [](const ManifestFile& manifest) { return manifest.deleted_files_count > 0; });
  ASSERT_NE(rewritten, table.manifests->end());
  const Manifest manifest = DecodeManifest(table.reader.objects[rewritten->path]).value();
  ASSERT_EQ(manifest.entries.size(), 2U);
  const ManifestEntry& kept = manifest.entries[0];
  EXPECT_EQ(kept.status, EntryStatus::kExisting);
  EXPECT_EQ(kept.snapshot_id, 101);
  EXPECT_EQ(kept.sequence_number, 1);
  EXPECT_EQ(kept.file_sequence_number, 1);
  const ManifestEntry& gone = manifest.entries[1];
  EXPECT_EQ(gone.status, EntryStatus::kDeleted);
  EXPECT_EQ(gone.snapshot_id, 103);
  EXPECT_EQ(gone.sequence_number, 1);
  EXPECT_EQ(rewritten->min_sequence_number, 1);
}

TEST(PlanCommit, RemovingWhatIsNotThereIsAConflict) {
  Table table;
  table.Commit(Add({Data("a")}));
  TableChange change;
  change.removed_data_files = {Uri("a"), Uri("x")};
  const auto plan = table.Plan(change);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().kind, ErrorKind::kConflict);
}

TEST(PlanCommit, TruncateRemovesEverythingAndMayAddInTheSameCommit) {
  Table table;
  table.Commit(Add({Data("a"), Deletes("d", "a")}));
  table.Commit(Add({Data("b")}));
  TableChange change = Add({Data("new", 4)});
  change.remove_everything = true;
  table.Commit(change);
  EXPECT_THAT(table.LiveFiles(), ElementsAre("new"));
  EXPECT_EQ(table.Summary("operation"), "overwrite");
  EXPECT_EQ(table.Summary("total-records"), "4");
  EXPECT_EQ(table.Summary("total-delete-files"), "0");
  EXPECT_EQ(table.Summary("removed-position-deletes"), "1");
  // The manifests that only remember the deletion are gone after the next commit.
  EXPECT_EQ(table.manifests->size(), 4U);
  table.Commit(Add({}));
  EXPECT_EQ(table.manifests->size(), 1U);
  EXPECT_THAT(table.LiveFiles(), ElementsAre("new"));
}

TEST(PlanCommit, SmallManifestsAreMergedAndStayFew) {
  Table table;
  table.policy.manifests_to_merge = 4;
  std::vector<std::string> expected;
  size_t most = 0;
  for (int i = 0; i < 70; ++i) {
    expected.push_back(std::to_string(i));
    table.Commit(Add({Data(expected.back())}));
    most = std::max(most, table.manifests->size());
  }
  EXPECT_LE(most, 4U * 4U);
  EXPECT_THAT(table.LiveFiles(), ::testing::UnorderedElementsAreArray(expected));
  EXPECT_EQ(table.Summary("total-data-files"), "70");
  // A file's numbers survive every merge.
  const TableScan scan = PlanScan(*table.manifests, table.reader).value();
  for (const ScanFile& file : scan.data_files) {
    const int64_t commit = std::stoll(file.data.file().path.substr(Uri("").size())) + 1;
    EXPECT_EQ(file.data.sequence_number(), commit);
    EXPECT_EQ(file.data.entry->file_sequence_number, commit);
    EXPECT_EQ(file.data.entry->snapshot_id, 100 + commit);
  }
}

TEST(PlanCommit, AMergeThatIncludesNewFilesKeepsThemAdded) {
  Table table;
  table.policy.manifests_to_merge = 2;
  table.Commit(Add({Data("a")}));
  table.Commit(Add({Data("b")}));
  ASSERT_EQ(table.manifests->size(), 1U);
  const ManifestFile& merged = table.manifests->front();
  EXPECT_EQ(merged.added_files_count, 1);
  EXPECT_EQ(merged.existing_files_count, 1);
  EXPECT_EQ(merged.min_sequence_number, 1);
  EXPECT_EQ(merged.sequence_number, 2);
  EXPECT_EQ(table.Summary("manifests-created"), "1");
  EXPECT_EQ(table.Summary("manifests-replaced"), "1");
  EXPECT_EQ(table.Summary("manifests-kept"), "0");
}

TEST(PlanCommit, ManyFilesAreSplitOverManifests) {
  Table table;
  table.policy.files_per_manifest_max = 3;
  std::vector<DataFile> files;
  for (int i = 0; i < 8; ++i) files.push_back(Data(std::to_string(i)));
  table.Commit(Add(files));
  EXPECT_EQ(table.manifests->size(), 3U);
  EXPECT_EQ(table.LiveFiles().size(), 8U);
}

TEST(PlanCommit, TimeNeverGoesBack) {
  Table table;
  table.metadata.last_updated_ms = 9'000'000;
  table.Commit(Add({Data("a")}));
  EXPECT_EQ(table.metadata.current_snapshot()->timestamp_ms, 9'000'000);
}

TEST(PlanCommit, PartitionsAreSummarizedForPruning) {
  Table table;
  PartitionSpec spec;
  spec.fields = {{1, 1000, "id", Transform{}}};
  const std::vector<TableUpdate> updates = {AddPartitionSpec{spec}, SetDefaultSpec{-1}};
  table.metadata = ApplyUpdates(&table.metadata, updates, 0).value();
  std::vector<DataFile> files = {Data("a"), Data("b"), Data("c")};
  files[0].partition = {int64_t{7}};
  files[1].partition = {int64_t{-3}};
  files[2].partition = {Literal()};
  for (DataFile& file : files) file.spec_id = 1;
  table.Commit(Add(files));
  ASSERT_EQ(table.manifests->front().partitions.size(), 1U);
  const FieldSummary& summary = table.manifests->front().partitions[0];
  EXPECT_TRUE(summary.contains_null);
  EXPECT_EQ(summary.lower_bound, EncodeBound(int64_t{-3}));
  EXPECT_EQ(summary.upper_bound, EncodeBound(int64_t{7}));
  EXPECT_EQ(table.Summary("changed-partition-count"), "3");
}

TEST(PlanCommit, Format3AssignsRowIds) {
  Table table(3);
  table.policy.manifests_to_merge = 2;
  table.Commit(Add({Data("a", 10), Data("b", 5)}));
  EXPECT_EQ(table.metadata.next_row_id, 15);
  EXPECT_EQ(table.metadata.current_snapshot()->first_row_id, 0);
  EXPECT_EQ(table.metadata.current_snapshot()->added_rows, 15);
  table.Commit(Add({Data("c", 7)}));
  EXPECT_EQ(table.metadata.next_row_id, 22);
  EXPECT_EQ(table.manifests->front().first_row_id, 15);
  EXPECT_EQ(table.manifests->back().first_row_id, 0);
  const TableScan scan = PlanScan(*table.manifests, table.reader).value();
  for (const ScanFile& file : scan.data_files)
    EXPECT_TRUE(file.data.file().path != Uri("b") || file.data.file().first_row_id == 10);
}

TEST(Expiry, KeepsTheNewestAndWhatTagsHold) {
  Table table;
  table.policy.snapshots_to_keep = 3;
  table.Commit(Add({Data("1")}));
  table.Commit(Add({Data("2")}));
  table.metadata.refs["tag"] = {102, true, {}, {}, {}};
  for (int i = 3; i <= 7; ++i) table.Commit(Add({Data(std::to_string(i))}));
  std::vector<int64_t> ids;
  for (const Snapshot& snapshot : table.metadata.snapshots) ids.push_back(snapshot.snapshot_id);
  EXPECT_THAT(ids, ElementsAre(102, 105, 106, 107));
  EXPECT_EQ(table.metadata.snapshot_log.front().snapshot_id, 105);
}

TEST(Expiry, AppendsMakeOnlyManifestListsUnreachable) {
  Table table;
  table.policy.snapshots_to_keep = 2;
  for (int i = 1; i <= 3; ++i) table.Commit(Add({Data(std::to_string(i))}));
  EXPECT_THAT(table.plan.unreachable, ElementsAre("file:///t/metadata/snap-101-1-commit1.avro"));
}

TEST(Expiry, ARemovedFileIsUnreachableOnceNoSnapshotHasIt) {
  Table table;
  table.policy.snapshots_to_keep = 2;
  table.Commit(Add({Data("a"), Data("b")}));
  TableChange change;
  change.removed_data_files = {Uri("a")};
  table.Commit(change);
  EXPECT_THAT(table.plan.unreachable, IsEmpty());
  table.Commit(Add({Data("c")}));  // Snapshot 101, the last one with "a", goes now.
  EXPECT_THAT(table.plan.unreachable,
              UnorderedElementsAre("file:///t/metadata/snap-101-1-commit1.avro",
                                   "file:///t/metadata/commit1-m0.avro", Uri("a")));
}

TEST(Expiry, ATagKeepsItsFiles) {
  Table table;
  table.policy.snapshots_to_keep = 1;
  table.Commit(Add({Data("a")}));
  table.Commit(Add({Data("b")}));
  table.metadata.refs["tag"] = {101, true, {}, {}, {}};
  TableChange change;
  change.remove_everything = true;
  table.Commit(change);
  for (int i = 0; i < 4; ++i) {
    table.Commit(Add({Data("n" + std::to_string(i))}));
    EXPECT_THAT(table.plan.unreachable, ::testing::Not(::testing::Contains(Uri("a"))));
  }
}

// The truth is computed the long way: everything that some snapshot reaches.
TEST(Expiry, ByReachabilityNothingIsLostAndNothingIsLeftBehind) {
  constexpr uint32_t kSeed = 7;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  Table table;
  table.policy.snapshots_to_keep = 5;
  table.policy.snapshots_to_expire_min = 3;
  table.policy.manifests_to_merge = 3;
  std::set<std::string> existing;  // As if what is unreachable were deleted at once.
  std::vector<std::string> live;
  for (int i = 0; i < 200; ++i) {
    TableChange change;
    const std::string name = std::to_string(i);
    change.added_files.push_back(Data(name));
    if (!live.empty() && random() % 3 == 0) {
      const size_t victim = random() % live.size();
      change.removed_data_files.push_back(Uri(live[victim]));
      live.erase(live.begin() + static_cast<ptrdiff_t>(victim));
    }
    if (random() % 40 == 0) {
      change.removed_data_files.clear();
      change.remove_everything = true;
      live.clear();
    }
    if (random() % 30 == 0 && table.metadata.current_snapshot_id)
      table.metadata.refs["tag"] = {*table.metadata.current_snapshot_id, true, {}, {}, {}};
    if (random() % 50 == 0) table.metadata.refs.erase("tag");
    live.push_back(name);
    table.Commit(change);
    for (const ObjectBytes& file : table.plan.files) existing.insert(file.uri);
    existing.insert(Uri(name));
    for (const std::string& uri : table.plan.unreachable) {
      ASSERT_EQ(existing.erase(uri), 1U) << uri << " at commit " << i;
      table.reader.objects.erase(uri);
    }
    std::set<std::string> reachable;
    for (const Snapshot& snapshot : table.metadata.snapshots) {
      reachable.insert(snapshot.manifest_list);
      const ManifestFiles manifests = table.reader.ReadManifestList(snapshot.manifest_list).value();
      for (const ManifestFile& manifest : *manifests) {
        reachable.insert(manifest.path);
        const ManifestEntries entries = table.reader.ReadManifest(manifest).value();
        for (const ManifestEntry& entry : *entries)
          if (entry.is_live()) reachable.insert(entry.file.path);
      }
    }
    ASSERT_EQ(existing, reachable) << "after commit " << i;
    ASSERT_THAT(table.LiveFiles(), ::testing::UnorderedElementsAreArray(live));
  }
}

TEST(Expiry, ReadsOnlyWhatMayHaveChanged) {
  Table table;
  table.policy.snapshots_to_keep = 50;
  table.policy.manifests_to_merge = 10;
  for (int i = 0; i < 60; ++i) table.Commit(Add({Data(std::to_string(i))}));
  ASSERT_TRUE(table.Plan(Add({Data("next")})).ok());
  // The expired list and the oldest kept one, perhaps the manifests that a merge replaced, and the
  // new one's members.
  EXPECT_LE(table.reader.reads.size(), 2U + 10U + 1U);
}

}  // namespace
}  // namespace sluice::iceberg

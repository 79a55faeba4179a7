#include "sink/lake/table_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>


namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

iceberg::DataFile File(iceberg::FileContent content, int64_t rows, int64_t bytes) {
  iceberg::DataFile file;
  file.content = content;
  file.record_count = rows;
  file.file_size_bytes = bytes;
  return file;
}

FileFigures Figures(int64_t rows, int64_t deleted) {
  FileFigures figures;
  figures.rows = rows;
  figures.deleted_rows = deleted;
  return figures;
}

TEST(TableFigures, CountsRowsByTheKindOfFile) {
  FileFigures figures;
  figures.Add(File(iceberg::FileContent::kData, 100, 5000), 1000);
  figures.Add(File(iceberg::FileContent::kData, 20, 500), 1000);
  figures.Add(File(iceberg::FileContent::kPositionDeletes, 30, 200), 1000);
  figures.Add(File(iceberg::FileContent::kEqualityDeletes, 7, 100), 1000);
  EXPECT_EQ(figures.data_files, 2);
  EXPECT_EQ(figures.delete_files, 2);
  EXPECT_EQ(figures.small_files, 1);
  EXPECT_EQ(figures.rows, 120);
  EXPECT_EQ(figures.live_rows(), 90);
  EXPECT_EQ(figures.equality_deletes, 7);
  EXPECT_EQ(figures.bytes, 5800);
  EXPECT_DOUBLE_EQ(figures.deleted_share(), 0.25);
  EXPECT_DOUBLE_EQ(FileFigures().deleted_share(), 0);
}

TEST(TableFigures, CountsDeleteFilesOfCommitsThatWroteAny) {
  iceberg::TableMetadata metadata;
  for (const char* added : {"6", "", "10"}) {
    iceberg::Snapshot snapshot;
    if (*added != '\0') snapshot.summary = {{"added-delete-files", added}};
    metadata.snapshots.push_back(snapshot);
  }
  EXPECT_DOUBLE_EQ(DeleteFilesPerCommit(metadata), 8);
}

TEST(TableFigures, HintsAtWhatReadersPayFor) {
  TableFigures figures;
  figures.all = Figures(1000, 190);
  EXPECT_THAT(Hints(figures, 0), IsEmpty());
  figures.all = Figures(2, 1);
  EXPECT_THAT(Hints(figures, 0), IsEmpty()) << "too few rows to matter";
  figures.all = Figures(1000, 250);
  EXPECT_THAT(Hints(figures, 0), ElementsAre(HasSubstr("25% of its rows are deleted")));
  figures.all = {};
  figures.partitions = {{"d=1", {}}, {"d=2", {}}};
  EXPECT_THAT(Hints(figures, 12), ElementsAre(HasSubstr("touch 12 partitions")));
  figures.partitions = {{"", {}}};
  EXPECT_THAT(Hints(figures, 12), IsEmpty()) << "a table without partitions has one file per commit and nothing to change";
}

}  // namespace
}  // namespace sluice

#include "sink/lake/table_figures.h"

#include <fmt/format.h>

#include <charconv>

namespace sluice {
namespace {

constexpr double kDeletedShareMax = 0.2;
constexpr int64_t kDeletedRowsMin = 100;  // Fewer cost nobody anything.
constexpr double kPartitionsTouchedMax = 5;
constexpr int64_t kSmallFilesMax = 100;

int64_t NumberOf(const iceberg::Properties& summary, std::string_view key) {
  const auto found = summary.find(key);
  int64_t number = 0;
  if (found != summary.end()) std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

}  // namespace

void FileFigures::Add(const iceberg::DataFile& file, int64_t small_bytes) {
  switch (file.content) {
    case iceberg::FileContent::kData:
      ++data_files;
      small_files += file.file_size_bytes < small_bytes;
      rows += file.record_count;
      break;
    case iceberg::FileContent::kPositionDeletes:
      ++delete_files;
      deleted_rows += file.record_count;
      break;
    case iceberg::FileContent::kEqualityDeletes:
      ++delete_files;
      equality_deletes += file.record_count;
      break;
  }
  bytes += file.content_size_bytes.value_or(file.file_size_bytes);
}

void FileFigures::Add(const FileFigures& other) {
  data_files += other.data_files;
  delete_files += other.delete_files;
  small_files += other.small_files;
  rows += other.rows;
  deleted_rows += other.deleted_rows;
  equality_deletes += other.equality_deletes;
  bytes += other.bytes;
}

std::string PartitionText(const iceberg::TableMetadata& metadata, const iceberg::DataFile& file) {
  const iceberg::PartitionSpec* const spec = metadata.FindSpec(file.spec_id);
  if (spec == nullptr || file.partition.size() != spec->fields.size()) return "?";
  return iceberg::PartitionPath(*spec, metadata.schema(), file.partition);
}

Result<TableFigures> ReadFigures(const iceberg::TableMetadata& metadata, const std::vector<iceberg::ManifestFile>& manifests, iceberg::ManifestReader& reader,
                                 int64_t small_bytes) {
  TableFigures figures;
  for (const iceberg::ManifestFile& manifest : manifests) {
    if (manifest.live_files_count() == 0) continue;
    ASSIGN_OR_RETURN(const iceberg::ManifestEntries entries, reader.ReadManifest(manifest));
    for (const iceberg::ManifestEntry& entry : *entries) {
      if (!entry.is_live()) continue;
      figures.all.Add(entry.file, small_bytes);
      figures.partitions[PartitionText(metadata, entry.file)].Add(entry.file, small_bytes);
    }
  }
  return figures;
}

double DeleteFilesPerCommit(const iceberg::TableMetadata& metadata) {
  int64_t commits = 0, files = 0;
  for (const iceberg::Snapshot& snapshot : metadata.snapshots) {
    const int64_t added = NumberOf(snapshot.summary, "added-delete-files");
    commits += added > 0;
    files += added;
  }
  return commits == 0 ? 0 : static_cast<double>(files) / static_cast<double>(commits);
}

std::vector<std::string> Hints(const TableFigures& figures, double delete_files_per_commit) {
  std::vector<std::string> hints;
  if (figures.all.deleted_rows >= kDeletedRowsMin && figures.all.deleted_share() >= kDeletedShareMax)
    hints.push_back(fmt::format("{:.0f}% of its rows are deleted, and are read for nothing until its files are rewritten", 100 * figures.all.deleted_share()));
  if (delete_files_per_commit >= kPartitionsTouchedMax && figures.partitions.size() > 1)
    hints.push_back(fmt::format("a commit's deletes touch {:.0f} partitions on average: partition it by what changes together, by less, or not at all", delete_files_per_commit));
  if (figures.all.small_files >= kSmallFilesMax)
    hints.push_back(fmt::format("{} small files: commit less often (commit.interval), or partition it by less", figures.all.small_files));
  if (figures.all.equality_deletes > 0) hints.push_back("another writer left equality deletes, which PyIceberg, Redshift and sluice do not read");
  return hints;
}

}  // namespace sluice

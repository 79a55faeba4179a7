#pragma once
// Which files of one partition are worth being written again. Pure: sizes in, choices out.
//
// Small files are merged in tiers: as many of about one size become one of the next, so that a row is written again only a
// few times in its life and few files remain. A file of which much is deleted is written again without those rows. Delete
// files are merged as soon as there are many, because every reader opens each of them.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice {

struct CompactionPolicy {
  int64_t file_bytes_target = 128ll << 20;
  int64_t file_rows_target = INT64_MAX;  ///< Of tables in an order: rows are put in it by what is in memory of each.
  size_t files_to_merge = 8;          ///< Of one tier; also delete files. At least 2.
  double deleted_share_max = 0.3;     ///< Of a file's rows.
  int64_t unit_bytes_max = 1ll << 30; ///< Read for one commit.
  int64_t positions_to_merge_max = 1'000'000;  ///< Delete files with more stay as they are.
};

struct PlannedDataFile {
  int64_t size_bytes = 0;
  int64_t rows = 0;
  int64_t deleted_rows = 0;  ///< Those in position delete files count only once these are read.
};

struct PlannedDeleteFile {
  int64_t positions = 0;
  int64_t dangling = 0;  ///< Positions in data files that are gone or go now.
};

/// The live files of one partition, in the order of their commits.
struct PartitionFiles {
  std::vector<PlannedDataFile> data;
  std::vector<PlannedDeleteFile> deletes;
  bool quiet = false;  ///< Nothing was added for a while: what is left of the tiers is merged too.
};

/// Whether planning would find anything, judged without having read the delete files.
bool MayNeedCompaction(const PartitionFiles& partition, const CompactionPolicy& policy);

/// Groups of data files, each of which becomes one file. Indexes, ascending.
std::vector<std::vector<size_t>> PlanDataGroups(const PartitionFiles& partition, const CompactionPolicy& policy);

/// The delete files whose positions go into one new file, without those that dangle. Indexes, ascending.
std::vector<size_t> PlanDeleteMerge(const PartitionFiles& partition, const CompactionPolicy& policy);

}  // namespace sluice

#include "sink/lake/compaction_plan.h"

#include <algorithm>
#include <map>

namespace sluice {
namespace {

// Below it, all files are of the smallest tier.
constexpr int64_t kSmallestBytes = 64 << 10;
// Counted without looking into delete files, positions of files that are gone count too. So the limit is higher than that
// of a file by more than what PlanDeleteMerge lets dangle: then either a file or a delete file is found.
constexpr double kUnseenShareFactor = 1.2;
constexpr int64_t kDanglingPart = 8;

double LiveShare(const PlannedDataFile& file) {
  return file.rows <= 0 ? 1 : 1 - static_cast<double>(std::min(file.deleted_rows, file.rows)) / static_cast<double>(file.rows);
}

int64_t LiveRows(const PlannedDataFile& file) { return std::max<int64_t>(0, file.rows - file.deleted_rows); }

int64_t LiveBytes(const PlannedDataFile& file) { return static_cast<int64_t>(static_cast<double>(file.size_bytes) * LiveShare(file)); }

bool IsWorn(const PlannedDataFile& file, const CompactionPolicy& policy) {
  return file.deleted_rows > 0 && 1 - LiveShare(file) >= policy.deleted_share_max;
}

// 0: large enough.
int TierOf(const PlannedDataFile& file, const CompactionPolicy& policy) {
  if (LiveRows(file) >= policy.file_rows_target / 2) return 0;
  int tier = 0;
  for (int64_t bytes = std::max(LiveBytes(file), kSmallestBytes); bytes < policy.file_bytes_target / 2; bytes *= static_cast<int64_t>(policy.files_to_merge)) ++tier;
  return tier;
}

// Files of tiers that are full; of all tiers in a quiet partition.
std::vector<bool> ChooseSmall(const PartitionFiles& partition, const CompactionPolicy& policy) {
  std::map<int, size_t> of_tier;
  size_t small = 0;
  for (const PlannedDataFile& file : partition.data) {
    const int tier = TierOf(file, policy);
    ++of_tier[tier];
    small += tier > 0;
  }
  std::vector<bool> chosen;
  for (const PlannedDataFile& file : partition.data) {
    const int tier = TierOf(file, policy);
    chosen.push_back(tier > 0 && (of_tier[tier] >= policy.files_to_merge || (partition.quiet && small >= 2)));
  }
  return chosen;
}

bool Any(const std::vector<bool>& chosen) { return std::find(chosen.begin(), chosen.end(), true) != chosen.end(); }

}  // namespace

bool MayNeedCompaction(const PartitionFiles& partition, const CompactionPolicy& policy) {
  if (partition.deletes.size() >= policy.files_to_merge || (partition.quiet && partition.deletes.size() >= 2)) return true;
  if (Any(ChooseSmall(partition, policy))) return true;
  if (std::any_of(partition.data.begin(), partition.data.end(), [&](const PlannedDataFile& file) { return IsWorn(file, policy); })) return true;
  double rows = 0, positions = 0;
  for (const PlannedDataFile& file : partition.data) rows += static_cast<double>(file.rows);
  for (const PlannedDeleteFile& file : partition.deletes) positions += static_cast<double>(file.positions);
  return positions > 0 && positions >= rows * policy.deleted_share_max * kUnseenShareFactor;
}

std::vector<std::vector<size_t>> PlanDataGroups(const PartitionFiles& partition, const CompactionPolicy& policy) {
  const std::vector<bool> small = ChooseSmall(partition, policy);
  std::vector<std::vector<size_t>> groups;
  std::vector<size_t> group;
  int64_t group_bytes = 0, group_rows = 0, unit_bytes = 0;
  const auto close = [&] {
    // Writing a single file again gains nothing but for what is deleted of it.
    if (group.size() > 1 || (group.size() == 1 && IsWorn(partition.data[group[0]], policy))) groups.push_back(group);
    group.clear();
    group_bytes = group_rows = 0;
  };
  for (size_t i = 0; i < partition.data.size(); ++i) {
    const PlannedDataFile& file = partition.data[i];
    if (!small[i] && !IsWorn(file, policy)) continue;
    if (unit_bytes + file.size_bytes > policy.unit_bytes_max) break;
    if (group_bytes + LiveBytes(file) > policy.file_bytes_target || group_rows + LiveRows(file) > policy.file_rows_target) close();
    group.push_back(i);
    group_bytes += LiveBytes(file);
    group_rows += LiveRows(file);
    unit_bytes += file.size_bytes;
  }
  close();
  return groups;
}

std::vector<size_t> PlanDeleteMerge(const PartitionFiles& partition, const CompactionPolicy& policy) {
  size_t small = 0;
  for (const PlannedDeleteFile& file : partition.deletes) small += file.positions - file.dangling <= policy.positions_to_merge_max;
  const bool many = small >= policy.files_to_merge || (partition.quiet && small >= 2);
  std::vector<size_t> chosen;
  for (size_t i = 0; i < partition.deletes.size(); ++i) {
    const PlannedDeleteFile& file = partition.deletes[i];
    const bool dangles = file.dangling > 0 && file.dangling * kDanglingPart >= file.positions;
    if (dangles || (many && file.positions - file.dangling <= policy.positions_to_merge_max)) chosen.push_back(i);
  }
  return chosen;
}

}  // namespace sluice

#include "sink/lake/lake_maintenance.h"

#include <algorithm>
#include <string>
#include <utility>

#include "observability/log.h"
#include "sink/lake/orphans.h"

namespace sluice {
namespace {

constexpr size_t kReadyMax = 16;
// Without a commit a table is looked at again: what was busy is quiet then.
constexpr std::chrono::hours kLookAgainAfter{1};
constexpr std::chrono::minutes kFirstOrphansAfter{10};
constexpr std::chrono::hours kOrphansEvery{24};

std::string NameOf(const TableIdentifier& id) { return id.name_space + "." + id.name; }

}  // namespace

LakeMaintenance::LakeMaintenance(const LakeContext& context, Catalog& catalog, const Clock& clock, Garbage& garbage)
    : context_(context), config_(context.config.maintenance), catalog_(catalog), clock_(clock), garbage_(garbage), pace_(config_.bytes_per_second_max),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

LakeMaintenance::~LakeMaintenance() {
  thread_.request_stop();
  thread_.join();
  for (const Compaction& compaction : ready_) Discard(compaction);
}

void LakeMaintenance::Offer(const TableIdentifier& id, iceberg::TableMetadataPtr metadata) {
  if (!config_.enabled) return;
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = tables_.try_emplace(id);
  Table& table = entry->second;
  table.metadata = std::move(metadata);
  const Timestamp soon = is_new ? clock_.Now() : table.looked_at + config_.look_every;
  table.look_at = is_new ? soon : std::min(table.look_at, soon);
  if (is_new) table.orphans_at = clock_.Now() + kFirstOrphansAfter;
  idle_ = false;
  changed_.notify_all();
}

void LakeMaintenance::Forget(const TableIdentifier& id) {
  const std::lock_guard lock(mutex_);
  tables_.erase(id);
}

std::vector<Compaction> LakeMaintenance::TakeReady() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ready_, {});
}

void LakeMaintenance::Settle(const TableIdentifier& id) {
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(id);
  if (found == tables_.end()) return;
  found->second.prepared = false;
  found->second.look_at = clock_.Now();  // There may be another partition.
  idle_ = false;
  changed_.notify_all();
}

void LakeMaintenance::Discard(const Compaction& compaction) {
  // What cannot be removed now is an orphan, which is found later.
  for (const std::string& path : compaction.written()) static_cast<void>(context_.store.Remove(path).ok());
}

void LakeMaintenance::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return idle_ || !ready_.empty(); });
}

void LakeMaintenance::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (WorkOnce(stop)) continue;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, std::chrono::seconds(5), [&] { return !idle_; });
  }
}

bool LakeMaintenance::WorkOnce(const std::stop_token& stop) {
  TableIdentifier id;
  iceberg::TableMetadataPtr metadata;
  bool compacts = false;
  {
    const std::lock_guard lock(mutex_);
    const Timestamp now = clock_.Now();
    const bool open = config_.window.Contains(now);
    const auto found = !open ? tables_.end() : std::find_if(tables_.begin(), tables_.end(), [&](const auto& entry) {
      const Table& table = entry.second;
      return (table.look_at <= now && !table.prepared && ready_.size() < kReadyMax) || table.orphans_at <= now;
    });
    if (found == tables_.end()) {
      idle_ = true;
      changed_.notify_all();
      return false;
    }
    Table& table = found->second;
    id = found->first;
    metadata = table.metadata;
    compacts = table.look_at <= now && !table.prepared && ready_.size() < kReadyMax;
    if (compacts) {
      table.looked_at = now;
      table.look_at = now + kLookAgainAfter;
    } else {
      table.orphans_at = now + kOrphansEvery;
    }
  }
  if (compacts) CompactOnce(id, *metadata, stop);
  else LookForOrphans(id);
  return true;
}

void LakeMaintenance::CompactOnce(const TableIdentifier& id, const iceberg::TableMetadata& table, const std::stop_token& stop) {
  CompactionLimits limits;
  limits.policy.file_bytes_target = static_cast<int64_t>(context_.config.file_bytes_target);
  limits.policy.files_to_merge = static_cast<size_t>(config_.files_merged_at);
  limits.policy.deleted_share_max = config_.deleted_percent_max / 100.0;
  limits.quiet_after = config_.quiet_after;
  limits.now = clock_.Now();
  auto compacted = Compact(context_, id, table, limits, pace_, stop);
  if (!compacted.ok()) {
    log::Warn("lake", "lake.compaction_failed", compacted.error().message, {{"table", NameOf(id)}, {"evidence", compacted.error().evidence}});
    return;
  }
  if (!*compacted) return;
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(id);
  if (found == tables_.end()) return Discard(**compacted);
  found->second.prepared = true;
  ready_.push_back(std::move(**compacted));
  changed_.notify_all();
}

void LakeMaintenance::LookForOrphans(const TableIdentifier& id) {
  const auto orphans = FindOrphans(context_.store, catalog_, context_.manifests, id, {context_.epoch, clock_.Now() - config_.orphans_after});
  if (!orphans.ok()) {
    log::Warn("lake", "lake.orphans_failed", orphans.error().message, {{"table", NameOf(id)}, {"evidence", orphans.error().evidence}});
    return;
  }
  if (orphans->empty()) return;
  log::Info("lake", "lake.orphans_found", "files that nothing refers to will be removed", {{"table", NameOf(id)}, {"files", std::to_string(orphans->size())}});
  std::vector<std::string> uris;
  for (const ObjectInfo& orphan : *orphans) uris.push_back(orphan.uri);
  garbage_.Add(std::move(uris));
}

}  // namespace sluice

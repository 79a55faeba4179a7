#include "sink/lake/lake_maintenance.h"

#include <algorithm>
#include <string>
#include <utility>

#include "observability/log.h"
#include "sink/lake/left_uploads.h"
#include "sink/lake/orphans.h"
#include "sink/lake/table_id.h"
#include "sink/lake/table_layout.h"

namespace sluice {
namespace {

constexpr size_t kReadyMax = 16;
// Without a commit a table is looked at again: what was busy is quiet then.
constexpr std::chrono::seconds kLookAgainAfter{3600};
constexpr std::chrono::minutes kFirstOrphansAfter{10};
constexpr std::chrono::hours kOrphansEvery{24};
// What may be refreshed at once after a time without.
constexpr double kRefreshCreditBytesMax = 1ll << 30;

}  // namespace

LakeMaintenance::LakeMaintenance(const LakeContext& context, Catalog& catalog, const Clock& clock, Garbage& garbage)
    : context_(context), config_(context.config.maintenance), catalog_(catalog), clock_(clock), garbage_(garbage), pace_(config_.bytes_per_second_max),
      refresh_credit_bytes_(config_.refresh_bytes_per_second > 0 ? kRefreshCreditBytesMax : 0), credited_at_(clock.Now()),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

LakeMaintenance::~LakeMaintenance() {
  thread_.request_stop();
  thread_.join();
  for (const Compaction& compaction : ready_) RemoveWritten(context_.store, compaction);
}

LakeMaintenance::Table& LakeMaintenance::Known(const TableIdentifier& id) {
  const auto [entry, is_new] = tables_.try_emplace(id);
  // A start is busy enough, and often short.
  const Timestamp now = clock_.Now();
  if (is_new) entry->second = {nullptr, now, now + kLookAgainAfter, false, now + config_.refresh_every, now + kFirstOrphansAfter};
  return entry->second;
}

void LakeMaintenance::Offer(const TableIdentifier& id, iceberg::TableMetadataPtr metadata) {
  const std::lock_guard lock(mutex_);
  if (!config_.enabled && !tables_.contains(id)) return;  // Else something was asked for by hand.
  Table& table = Known(id);
  table.metadata = std::move(metadata);
  table.look_at = std::min(table.look_at, table.looked_at + config_.look_every);
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

void LakeMaintenance::Ask(const TableIdentifier& id, iceberg::TableMetadataPtr metadata, AskedMaintenance asked) {
  const std::lock_guard lock(mutex_);
  Table& table = Known(id);
  table.metadata = std::move(metadata);
  table.asked = std::move(asked);
  idle_ = false;
  changed_.notify_all();
}

std::optional<AskedMaintenance> LakeMaintenance::TakeAsked(const TableIdentifier& id) {
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(id);
  if (found == tables_.end()) return AskedMaintenance{.failure = "it is being copied again"};
  Table& table = found->second;
  if (!table.asked || table.prepared || table.asked->compactions_left > 0 || table.asked->remove_orphans) return std::nullopt;
  return std::exchange(table.asked, std::nullopt);
}

void LakeMaintenance::ForgetAsked() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, table] : tables_) table.asked.reset();
}

void LakeMaintenance::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return idle_ || !ready_.empty(); });
}

void LakeMaintenance::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (WorkAsked(stop) || WorkOnce(stop)) continue;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, std::chrono::seconds(5), [&] { return !idle_; });
  }
}

bool LakeMaintenance::WorkOnce(const std::stop_token& stop) {
  TableIdentifier id;
  iceberg::TableMetadataPtr metadata;
  bool compacts = false, refreshes = false;
  {
    const std::lock_guard lock(mutex_);
    const Timestamp now = clock_.Now();
    const bool open = config_.enabled && config_.window.Contains(now);
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
      table.look_at = now + std::min(kLookAgainAfter, std::max(config_.refresh_every, std::chrono::seconds(1)));
      refreshes = table.refresh_at <= now;
      if (refreshes) table.refresh_at = now + config_.refresh_every;
    } else {
      table.orphans_at = now + kOrphansEvery;
    }
  }
  if (compacts) {
    CompactOnce(id, *metadata, refreshes, stop);
  } else {
    LookForOrphans(id);
    AbortUploads(id, metadata->location, stop);
  }
  return true;
}

int64_t LakeMaintenance::RefreshCredit(Timestamp now) {
  const std::chrono::duration<double> passed = now - credited_at_;
  credited_at_ = now;
  refresh_credit_bytes_ = std::min(kRefreshCreditBytesMax, refresh_credit_bytes_ + std::max(passed.count(), 0.0) * static_cast<double>(config_.refresh_bytes_per_second));
  return static_cast<int64_t>(refresh_credit_bytes_);
}

CompactionLimits LakeMaintenance::LimitsOf(const TableIdentifier& id) const {
  CompactionLimits limits;
  limits.policy.file_bytes_target = static_cast<int64_t>(FileBytesTargetOf(context_.config, NameOf(id)));
  limits.policy.unit_bytes_max = std::max(limits.policy.unit_bytes_max, 2 * limits.policy.file_bytes_target);
  limits.now = clock_.Now();
  return limits;
}

void LakeMaintenance::CompactOnce(const TableIdentifier& id, const iceberg::TableMetadata& table, bool refresh, const std::stop_token& stop) {
  CompactionLimits limits = LimitsOf(id);
  limits.policy.files_to_merge = static_cast<size_t>(config_.files_merged_at);
  limits.policy.deleted_share_max = config_.deleted_percent_max / 100.0;
  limits.quiet_after = config_.quiet_after;
  auto compacted = Compact(context_, id, table, limits, pace_, stop);
  if (compacted.ok() && !*compacted && refresh) {
    // Some readers take their time for a file as soon as one of its rows is deleted.
    limits.policy.deleted_share_max = 0;
    limits.policy.unit_bytes_max = RefreshCredit(limits.now);
    compacted = Compact(context_, id, table, limits, pace_, stop);
    if (compacted.ok() && *compacted) refresh_credit_bytes_ -= static_cast<double>((*compacted)->bytes_read);
  }
  if (!compacted.ok()) {
    log::Warn("lake", "lake.compaction_failed", compacted.error().message, {{"table", ToString(id)}, {"evidence", compacted.error().evidence}});
    return;
  }
  KeepReady(std::move(*compacted));
}

bool LakeMaintenance::KeepReady(std::optional<Compaction> compaction) {
  if (!compaction) return false;
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(compaction->table);
  if (found == tables_.end()) {
    RemoveWritten(context_.store, *compaction);
    return false;
  }
  found->second.prepared = true;
  ready_.push_back(std::move(*compaction));
  changed_.notify_all();
  return true;
}

bool LakeMaintenance::WorkAsked(const std::stop_token& stop) {
  TableIdentifier id;
  iceberg::TableMetadataPtr metadata;
  AskedMaintenance asked;
  bool compacts = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const auto& entry) {
      return entry.second.asks_to_look() || (entry.second.asks_to_compact() && ready_.size() < kReadyMax);
    });
    if (found == tables_.end()) return false;
    id = found->first;
    metadata = found->second.metadata;
    asked = *found->second.asked;
    compacts = found->second.asks_to_compact();
  }
  const Status worked = compacts ? CompactAsked(id, *metadata, stop) : RemoveOrphansAsked(id, metadata->location, asked, stop);
  if (worked.ok()) return true;
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(id);
  if (found != tables_.end() && found->second.asked) *found->second.asked = {.failure = worked.error().message};
  return true;
}

Status LakeMaintenance::CompactAsked(const TableIdentifier& id, const iceberg::TableMetadata& table, const std::stop_token& stop) {
  CompactionLimits limits = LimitsOf(id);
  limits.policy.files_to_merge = 2;
  limits.policy.deleted_share_max = 0;
  limits.quiet_after = {};
  ASSIGN_OR_RETURN(std::optional<Compaction> compaction, Compact(context_, id, table, limits, pace_, stop));
  const bool found_any = KeepReady(std::move(compaction));
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(id);
  if (found == tables_.end() || !found->second.asked) return Ok();
  AskedMaintenance& asked = *found->second.asked;
  asked.compactions_left = found_any ? asked.compactions_left - 1 : 0;
  return Ok();
}

Status LakeMaintenance::RemoveOrphansAsked(const TableIdentifier& id, const std::string& location, const AskedMaintenance& asked, const std::stop_token& stop) {
  const OrphanAge age{context_.epoch, clock_.Now() - asked.orphans_after};
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> orphans, FindOrphans(context_.store, catalog_, context_.manifests, id, age));
  int64_t bytes = 0;
  std::vector<std::string> uris;
  for (const ObjectInfo& orphan : orphans) {
    bytes += orphan.size_bytes;
    if (asked.at_once) RETURN_IF_ERROR(context_.store.Remove(orphan.uri));
    else uris.push_back(orphan.uri);
  }
  garbage_.Add(std::move(uris));
  const AbortedUploads uploads = AbortLeftUploads(context_.store, location, age, stop);
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(id);
  if (found == tables_.end() || !found->second.asked) return Ok();
  found->second.asked->remove_orphans = false;
  found->second.asked->orphans = static_cast<int64_t>(orphans.size());
  found->second.asked->orphan_bytes = bytes;
  found->second.asked->uploads = uploads.count;
  if (!uploads.status.ok()) found->second.asked->uploads_stay = WhyUploadsStay(uploads.status.error());
  return Ok();
}

void LakeMaintenance::LookForOrphans(const TableIdentifier& id) {
  const auto orphans = FindOrphans(context_.store, catalog_, context_.manifests, id, {context_.epoch, clock_.Now() - config_.orphans_after});
  if (!orphans.ok()) {
    log::Warn("lake", "lake.orphans_failed", orphans.error().message, {{"table", ToString(id)}, {"evidence", orphans.error().evidence}});
    return;
  }
  if (orphans->empty()) return;
  log::Info("lake", "lake.orphans_found", "files that nothing refers to will be removed", {{"table", ToString(id)}, {"files", std::to_string(orphans->size())}});
  std::vector<std::string> uris;
  for (const ObjectInfo& orphan : *orphans) uris.push_back(orphan.uri);
  garbage_.Add(std::move(uris));
}

void LakeMaintenance::AbortUploads(const TableIdentifier& id, const std::string& location, const std::stop_token& stop) {
  const AbortedUploads uploads = AbortLeftUploads(context_.store, location, {context_.epoch, clock_.Now() - config_.orphans_after}, stop);
  if (uploads.count > 0)
    log::Info("lake", "lake.uploads_aborted", "uploads that an ended process left unfinished were aborted", {{"table", ToString(id)}, {"uploads", std::to_string(uploads.count)}});
  if (uploads.status.ok()) return;
  const Error& error = uploads.status.error();
  if (IsRefusal(error) && std::exchange(uploads_refused_, true)) return;
  log::Warn("lake", "lake.uploads_stay", WhyUploadsStay(error), {{"table", ToString(id)}, {"evidence", error.evidence}});
}

}  // namespace sluice

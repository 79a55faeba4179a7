#include "pipeline/status_board.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

namespace sluice {

std::string_view ToString(PipelineState state) {
  switch (state) {
    case PipelineState::kStarting: return "starting";
    case PipelineState::kCopying: return "copying";
    case PipelineState::kStreaming: return "streaming";
    case PipelineState::kRetrying: return "retrying";
    case PipelineState::kStopped: return "stopped";
    case PipelineState::kFailed: return "failed";
  }
  return "";
}

std::string_view ToString(TableState state) {
  switch (state) {
    case TableState::kWaiting: return "waiting";
    case TableState::kCopying: return "copying";
    case TableState::kCatchingUp: return "catching_up";
    case TableState::kStreaming: return "streaming";
    case TableState::kHeld: return "held";
  }
  return "";
}

StatusBoard::StatusBoard(std::string project, std::string source_name, SlotBudget budget, const Clock& clock)
    : clock_(clock), slot_budget_(budget) {
  now_.project = std::move(project);
  now_.source_name = std::move(source_name);
  now_.slot_budget_bytes = budget.warn_bytes;
  now_.started_at = clock.Now();
}

void StatusBoard::Phase(PipelineState state) {
  const std::lock_guard lock(mutex_);
  now_.state = state;
  if (state == PipelineState::kStreaming || state == PipelineState::kStopped) {
    now_.last_error.reset();
    now_.retry.reset();
  }
}

void StatusBoard::Retrying(Error error, RetryStatus retry) {
  const std::lock_guard lock(mutex_);
  now_.state = PipelineState::kRetrying;
  now_.last_error = std::move(error);
  now_.retry = retry;
}

void StatusBoard::Failed(Error error) {
  const std::lock_guard lock(mutex_);
  now_.state = PipelineState::kFailed;
  now_.last_error = std::move(error);
  now_.retry.reset();
}

void StatusBoard::Opened(const LogIdentity& log, const std::vector<TableDefinition>& tables) {
  const std::lock_guard lock(mutex_);
  now_.log = log;
  tables_.clear();
  for (const TableDefinition& table : tables) tables_.emplace_back(table.schema->name, table.schema->oid);
  std::sort(tables_.begin(), tables_.end());
  std::set<std::string> names;
  for (const auto& [name, oid] : tables_) names.insert(ToString(name));
  std::erase_if(compared_, [&](const auto& entry) { return !names.contains(entry.first); });
}

StatusBoard::SinkEntry& StatusBoard::Entry(std::string_view sink) {
  const auto found = sinks_.find(sink);
  if (found != sinks_.end()) return found->second;
  SinkEntry& entry = sinks_[std::string(sink)];
  entry.status.name = sink;
  return entry;
}

void StatusBoard::SinkOpened(const Sink& sink, std::chrono::milliseconds commit_interval) {
  const std::lock_guard lock(mutex_);
  SinkEntry& entry = Entry(sink.name());
  entry.status.commit_interval = commit_interval;
  entry.copied = sink.copied_tables();
  entry.held = sink.held_tables();
  if (!sink.bookmark()) return;
  entry.bookmark = sink.bookmark()->position.lsn;
  entry.status.lsn = ResumeLsn(entry.bookmark, entry.copied);
  // A sink may hold a bookmark while tables of it are still missing or catch up: then it is not fresh as a whole.
  const bool complete = std::all_of(tables_.begin(), tables_.end(), [&](const auto& table) {
    const auto copied = entry.copied.find(table.first);
    return copied != entry.copied.end() && copied->second.oid == table.second && !copied->second.catching_up_from;
  });
  if (complete) entry.freshness.Visible(sink.bookmark()->source_time);
}

void StatusBoard::Slot(const SlotState& slot) {
  const std::lock_guard lock(mutex_);
  now_.slot = slot;
  slot_forecast_.Add(std::chrono::steady_clock::now(), slot.retained_bytes);
  now_.slot_over_budget_in = slot_budget_.warn_bytes > 0 ? slot_forecast_.Until(slot_budget_.warn_bytes) : std::nullopt;
  uint64_t end = slot_budget_.give_up_bytes > 0 ? slot_budget_.give_up_bytes : UINT64_MAX;
  if (slot.bytes_until_lost) end = std::min(end, slot.retained_bytes + *slot.bytes_until_lost);
  now_.slot_lost_in = end == UINT64_MAX ? std::nullopt : slot_forecast_.Until(end);
}

std::optional<std::chrono::seconds> StatusBoard::slot_lost_in() const {
  const std::lock_guard lock(mutex_);
  return now_.slot_lost_in;
}

void StatusBoard::Compared(const TableComparison& comparison, Lsn lsn) {
  const std::lock_guard lock(mutex_);
  compared_[comparison.table][comparison.sink] = {comparison.sink, clock_.Now(), lsn, comparison.result, comparison.rows_different(), comparison.reason, comparison.append_only};
}

void StatusBoard::SourceClockAhead(std::chrono::microseconds ahead) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, entry] : sinks_) entry.freshness.SourceClockAhead(ahead);
}

void StatusBoard::SinkMoved(std::string_view sink, Lsn durable, Timestamp visible_until, uint64_t changes) {
  const Timestamp now = clock_.Now();
  const std::lock_guard lock(mutex_);
  SinkEntry& entry = Entry(sink);
  const bool has_caught_up = entry.status.lsn < entry.bookmark && durable >= entry.bookmark;
  entry.status.lsn = std::max(entry.status.lsn, durable);
  if (has_caught_up)
    for (auto& [name, table] : entry.copied) table.catching_up_from.reset();
  entry.status.rows_total += changes;
  entry.freshness.Visible(visible_until);
  if (changes > 0) entry.rate.Add(now, changes);
}

std::vector<TableStatus> StatusBoard::Tables() const {
  const CopyProgressSnapshot copy = copy_progress_.Snapshot();
  std::unordered_map<std::string_view, const TableCopyProgress*> copies;
  for (const TableCopyProgress& table : copy.tables) copies.emplace(table.table, &table);
  std::vector<TableStatus> statuses;
  for (const auto& [table, oid] : tables_) {
    TableStatus& status = statuses.emplace_back();
    status.name = table;
    status.table = ToString(table);
    bool catches_up = false;
    for (const auto& [name, entry] : sinks_) {
      if (const auto held = entry.held.find(table); held != entry.held.end()) status.held_in.push_back({name, held->second});
      const auto copied = entry.copied.find(table);
      if (copied == entry.copied.end() || copied->second.oid != oid) continue;
      status.copied_in.push_back(name);
      catches_up = catches_up || entry.CatchesUp(copied->second);
      status.copy_lsn = std::max(status.copy_lsn, copied->second.copy_lsn);
    }
    if (!sinks_.empty() && status.copied_in.size() == sinks_.size()) status.state = catches_up ? TableState::kCatchingUp : TableState::kStreaming;
    if (!status.held_in.empty()) status.state = TableState::kHeld;
    if (const auto compared = compared_.find(status.table); compared != compared_.end())
      for (const auto& [sink, result] : compared->second) status.compared.push_back(result);
    const auto found = copies.find(status.table);
    if (found == copies.end()) continue;
    const TableCopyProgress* const progress = found->second;
    status.rows_copied = progress->rows_copied;
    status.rows_estimated = progress->rows_estimated;
    status.bytes_read = progress->bytes_read;
    status.bytes_total = progress->bytes_total;
    status.ranges_kept = progress->ranges_kept;
    status.ranges_total = progress->ranges_total;
    if (status.state == TableState::kWaiting && progress->state != CopyState::kWaiting)
      status.state = TableState::kCopying;
  }
  return statuses;
}

PipelineStatus StatusBoard::Snapshot() const {
  const std::lock_guard lock(mutex_);
  PipelineStatus status = now_;
  status.at = clock_.Now();
  for (auto& [name, entry] : sinks_) {
    SinkStatus sink = entry.status;
    sink.state = status.state == PipelineState::kStreaming ? "streaming"
                 : status.state == PipelineState::kCopying ? "copying"
                 : status.state == PipelineState::kStarting ? "waiting"
                                                            : std::string(ToString(status.state));
    sink.rows_per_second = entry.rate.PerSecond(status.at);
    sink.visible_until = entry.freshness.visible_until();
    if (const auto age = entry.freshness.Age(clock_))
      sink.freshness_seconds = static_cast<double>(age->count()) / 1e6;
    status.sinks.push_back(std::move(sink));
  }
  status.tables = Tables();
  return status;
}

}  // namespace sluice

#include "pipeline/table_finisher.h"

#include <algorithm>

#include "base/failpoint.h"

namespace sluice {

TableFinisher::TableFinisher(Sink& sink, InitialCopy& copy, const std::vector<TableDefinition>& tables, Position position,
                             Timestamp source_time, std::function<void(const std::vector<size_t>&)> on_done,
                             std::function<void(Error)> on_error)
    : sink_(sink), copy_(copy), tables_(tables), position_(std::move(position)), source_time_(source_time),
      on_done_(std::move(on_done)), on_error_(std::move(on_error)) {}

TableFinisher::~TableFinisher() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    changed_.notify_all();
  }
  Join();
}

void TableFinisher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void TableFinisher::Add(size_t table) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(table);
  changed_.notify_all();
}

void TableFinisher::NoMore() {
  const std::lock_guard lock(mutex_);
  no_more_ = true;
  changed_.notify_all();
}

void TableFinisher::Join() {
  if (thread_.joinable()) thread_.join();
}

std::vector<size_t> TableFinisher::NextGroup() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return abandoned_ || no_more_ || !waiting_.empty(); });
  changed_.wait_for(lock, kTablesCollectedFor, [&] {
    return abandoned_ || no_more_ || waiting_.size() >= kTablesFinishedTogetherMax;
  });
  if (abandoned_) return {};
  const size_t count = std::min(waiting_.size(), kTablesFinishedTogetherMax);
  const auto end = waiting_.begin() + static_cast<ptrdiff_t>(count);
  std::vector<size_t> group(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  return group;
}

Status TableFinisher::Finish(const std::vector<size_t>& group) {
  std::vector<TableDefinition> definitions;
  for (const size_t table : group) definitions.push_back(tables_[table]);
  RETURN_IF_ERROR(copy_.ReadSequenceValues(definitions));
  SLUICE_FAILPOINT("pipeline.before_tables_finished");
  RETURN_IF_ERROR(sink_.FinishTables(definitions, position_, source_time_));
  SLUICE_FAILPOINT("pipeline.table_finished");
  return Ok();
}

void TableFinisher::Run() {
  for (;;) {
    const std::vector<size_t> group = NextGroup();
    // A sink that needed no table still needs its bookmark: one empty group makes it.
    const bool only_bookmark = group.empty() && !sink_.bookmark().has_value();
    if (group.empty() && !only_bookmark) return;
    {
      const std::lock_guard lock(mutex_);
      if (abandoned_) return;
    }
    if (Status finished = Finish(group); !finished.ok()) return on_error_(std::move(finished).error());
    on_done_(group);
    if (only_bookmark) return;
  }
}

}  // namespace sluice

#pragma once
// The running pipeline writes here what it does; status, tables and the terminal read it. Outlives the pipelines.

#include <map>
#include <mutex>

#include "pipeline/freshness.h"
#include "pipeline/progress.h"
#include "pipeline/sink_thread.h"
#include "pipeline/slot_forecast.h"
#include "pipeline/status.h"

namespace sluice {

/// How much log the slot may keep on the source's disk; 0: no limit.
struct SlotBudget {
  uint64_t warn_bytes = 0;
  uint64_t give_up_bytes = 0;
};

/// Thread-safe.
class StatusBoard final : public SinkObserver {
 public:
  StatusBoard(std::string project, std::string source_name, SlotBudget budget, const Clock& clock);

  void Phase(PipelineState state);
  void Retrying(Error error, RetryStatus retry);
  void Failed(Error error);

  /// What a start found: replaces the lists of sinks and tables.
  void Opened(const LogIdentity& log, const std::vector<TableDefinition>& tables);
  void SinkOpened(const Sink& sink, std::chrono::milliseconds commit_interval);
  void Slot(const SlotState& slot);
  void Compared(const TableComparison& comparison, Lsn lsn);
  void SourceClockAhead(std::chrono::microseconds ahead);
  void SinkMoved(std::string_view sink, Lsn durable, Timestamp visible_until, uint64_t changes) override;

  CopyProgress& copy_progress() { return copy_progress_; }
  const SlotBudget& slot_budget() const { return slot_budget_; }
  /// As PipelineStatus says it.
  std::optional<std::chrono::seconds> slot_lost_in() const;

  PipelineStatus Snapshot() const;

 private:
  struct SinkEntry {
    SinkStatus status;
    Freshness freshness;
    Rate rate;
    CopiedTables copied;
    HeldTables held;
    Lsn bookmark;  ///< When it was opened; a table that stands before it catches up.

    bool CatchesUp(const CopiedTable& table) const { return table.catching_up_from && *table.catching_up_from < bookmark; }
  };
  SinkEntry& Entry(std::string_view sink);
  std::vector<TableStatus> Tables() const;

  const Clock& clock_;
  const SlotBudget slot_budget_;
  CopyProgress copy_progress_;

  mutable std::mutex mutex_;  // Guards everything below.
  PipelineStatus now_;        // Its sinks and tables are filled by Snapshot().
  std::vector<std::pair<TableName, Oid>> tables_;
  SlotForecast slot_forecast_;
  std::map<std::string, std::map<std::string, ComparedStatus>> compared_;  // By table, then sink.
  mutable std::map<std::string, SinkEntry, std::less<>> sinks_;
};

}  // namespace sluice

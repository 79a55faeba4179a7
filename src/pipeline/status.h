#pragma once
// What `status`, `tables` and `bookmark` show, as plain structs.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "change/copy_state.h"
#include "change/position.h"
#include "pipeline/table_comparison.h"
#include "source/source.h"

namespace sluice {

enum class PipelineState { kStarting, kCopying, kStreaming, kRetrying, kStopped, kFailed };
enum class TableState { kWaiting, kCopying, kCatchingUp, kStreaming, kHeld };

struct SinkStatus {
  std::string name;
  std::string state;                           ///< waiting, copying, streaming, stopped.
  Lsn lsn;                                     ///< Bookmark; unset before the first copy is complete.
  std::optional<double> freshness_seconds;     ///< Absent: never complete so far.
  std::optional<Timestamp> visible_until;      ///< By the source's clock.
  double rows_per_second = 0;
  uint64_t rows_total = 0;                     ///< Changes made durable since this process started.
  std::chrono::milliseconds commit_interval{0};
};

struct TableHold {
  std::string sink;
  HeldTable why;
};

/// What the last comparison of a table with one sink gave.
struct ComparedStatus {
  std::string sink;
  Timestamp at{};
  Lsn lsn;
  Comparison result = Comparison::kEqual;
  uint64_t rows_different = 0;                 ///< As far as they were located.
  std::string reason;                          ///< Why nothing was compared.
  bool append_only = false;                    ///< It may differ: only its inserts are followed.
};

struct TableStatus {
  TableName name;
  std::string table;                           ///< The name for people.
  TableState state = TableState::kWaiting;
  Lsn copy_lsn;
  uint64_t rows_copied = 0;
  double rows_estimated = -1;
  uint64_t bytes_read = 0, bytes_total = 0;
  size_t ranges_kept = 0, ranges_total = 0;    ///< Of a copy that was interrupted and goes on.
  std::vector<std::string> copied_in;          ///< Sinks in which the copy is complete.
  std::vector<TableHold> held_in;              ///< Sinks that do not follow it until it is copied again.
  std::vector<ComparedStatus> compared;        ///< By sink; those that were compared since the process started.
};

struct RetryStatus {
  int attempt = 0, attempts_max = 0;
  double next_in_seconds = 0;
};

struct PipelineStatus {
  Timestamp at{};
  std::string project;
  PipelineState state = PipelineState::kStarting;
  Timestamp started_at{};
  std::optional<Error> last_error;             ///< Of the present retry or final failure.
  std::optional<RetryStatus> retry;
  LogIdentity log;
  std::string source_name;
  std::optional<SlotState> slot;               ///< As last looked at.
  uint64_t slot_budget_bytes = 0;
  std::optional<std::chrono::seconds> slot_over_budget_in;  ///< If it goes on as in the last minutes.
  std::optional<std::chrono::seconds> slot_lost_in;         ///< Until PostgreSQL invalidates it or sluice gives it up.
  std::vector<SinkStatus> sinks;
  std::vector<TableStatus> tables;             ///< By name.
};

std::string_view ToString(PipelineState state);
std::string_view ToString(TableState state);

}  // namespace sluice

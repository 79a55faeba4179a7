#pragma once
// How people and the sink at work meet: who wants something done to the lake asks here and waits, and the sink does it on its
// own thread between two items of the stream (LakeSink::Attend). Outlives the sinks that come and go.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "sink/lake/cuts.h"

namespace sluice {

struct LakeOrder {
  enum class Kind { kTag, kDeleteTag, kExpire, kCompact, kRemoveOrphans, kRollBack };

  Kind kind = Kind::kTag;
  std::vector<TableName> tables = {};        ///< As the lake names them; empty: all that follow the source. Of kRollBack one, which is held.
  std::string tag = {};                      ///< Of kTag and kDeleteTag.
  CutWish at = {};                           ///< Of kTag; empty: the moment that the tables show now.
  int snapshots_kept = 0;                    ///< Of kExpire: on each branch.
  std::chrono::seconds orphans_after{};      ///< Of kRemoveOrphans: how old files of unknown origin must be.
  int64_t snapshot_id = 0;                   ///< Of kRollBack.
  std::string reason = {};                   ///< Of kRollBack: what is said of the table from then on.
  bool at_once = false;                      ///< Files go now, not after the time in which readers may still use them: nobody stays to do it later.
};

/// What was done to one table.
struct LakeTableDone {
  TableName table;
  bool done = false;
  std::string note;                          ///< Why not, or in what state it is.
  std::optional<int64_t> snapshot_id;        ///< That a tag names now.
  std::vector<std::pair<std::string, int64_t>> figures;  ///< By name, e.g. "data_files_before".
};

struct LakeReport {
  std::optional<Lsn> lsn;                    ///< Of a tag.
  std::optional<Timestamp> source_time;      ///< The same.
  std::vector<LakeTableDone> tables;
  std::string note = {};                     ///< What is the same for all tables, and no reason for a finding.
};

struct LakeProgress {
  std::string table;                         ///< The one at work.
  size_t tables_done = 0, tables_total = 0;
};

/// Thread-safe.
class LakeOrders {
 public:
  /// False: nobody waits for it any more.
  using Observer = std::function<bool(const LakeProgress&)>;

  /// Waits until it is done; a sink must begin within `begin_within`.
  /// Error: kUnavailable (4155 another order is at work or no sink attends, 4157 the sink went away), kCancelled, what the work says.
  Result<LakeReport> Ask(LakeOrder order, const Observer& observe, std::stop_token stop, std::chrono::milliseconds begin_within = std::chrono::seconds(45));

  // ── the sink ──

  /// What waits to be done, once. Quick where nothing does.
  std::optional<LakeOrder> Begin();
  /// Whoever asked went away: what is left need not be done.
  bool abandoned() const { return abandoned_; }
  void Tell(LakeProgress progress);
  void End(Result<LakeReport> report);

 private:
  enum class State { kIdle, kWaiting, kAtWork, kDone };

  std::atomic<bool> waiting_{false};  // Read on every item; the rest only when it is set.
  std::atomic<bool> abandoned_{false};

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable changed_;
  State state_ = State::kIdle;
  LakeOrder order_;
  LakeProgress progress_;
  std::optional<Result<LakeReport>> report_;
};

}  // namespace sluice

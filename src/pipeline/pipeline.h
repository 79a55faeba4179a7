#pragma once
// One source, its sinks, their threads. Ends with the first failure; the supervisor starts a new one, and
// everything is resumed from the sinks' bookmarks.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "pipeline/commit_schedule.h"
#include "pipeline/cut_requests.h"
#include "pipeline/resume.h"
#include "pipeline/status_board.h"
#include "pipeline/table_changes.h"
#include "pipeline/table_requests.h"
#include "pipeline/touched_keys.h"
#include "sink/sink.h"
#include "source/source.h"

namespace sluice {

struct AttachedSink {
  std::unique_ptr<Sink> sink;
  CommitPolicy commit;
};

/// Makes what a pipeline runs on. Called once per start, the source first: opening sinks takes their epoch, so it
/// must not happen while another process still reads the slot.
struct Connector {
  std::function<Result<std::unique_ptr<Source>>()> open_source;
  std::function<Result<std::vector<AttachedSink>>(const LogIdentity&)> open_sinks;
  /// Refuses tables that the configuration does not fit, before any sink is opened. May be absent.
  std::function<Status(const std::vector<TableDefinition>&)> accept_tables = {};
};

struct PipelineOptions {
  CopyConfig copy;
  uint64_t queue_bytes_max = 64ull << 20;      ///< Per sink.
  std::optional<Lsn> until_lsn;                ///< End once all sinks are durable up to there.
  bool until_caught_up = false;                ///< The same, up to where the log ends when the stream starts.
  bool may_copy = true;                        ///< False: tables without a copy stay as they are.
  std::chrono::milliseconds table_watch_interval{30'000};  ///< How often the source is asked which tables it has, and of what shape.
};

/// How a pipeline ended well.
enum class PipelineEnd {
  kDone,   ///< `until` was reached, or a stop was asked for.
  kAgain,  ///< Tables were copied, held or forgotten, or the source has others now: a new one goes on from here.
};

struct MissingTables;
class ChangeReader;

class Pipeline {
 public:
  Pipeline(const Connector& connector, PipelineOptions options, const Clock& clock, StatusBoard& board,
           CutRequests& cuts, TableRequests& requests);

  /// Opens, guards, copies, streams. After a good end everything that was queued is durable. Otherwise the first
  /// failure; healthy sinks have committed what they had. A failure that is about one table alone has it held.
  Result<PipelineEnd> Run(std::stop_token stop);

  /// Something was achieved that a restart would not have to do again.
  bool made_progress() const { return made_progress_; }

 private:
  struct Streaming;

  Result<PipelineEnd> RunOpened(std::stop_token stop);
  Lsn DurableOf(const Error& error) const;
  Lsn InterruptedFrom() const;
  Result<size_t> CarryOutRequests();
  Status ForgetNamesakes(const ResumePlan& plan);
  Status CarryOutChanges();
  Status CarryOutOne(const TableRequest& request);
  Status WaitForSlot(std::optional<SlotState>& slot, std::stop_token stop);
  Status KeepInterruptedCopies(const ResumePlan& plan, const std::optional<SlotState>& slot);
  Status CopyAll(const ResumePlan& plan, std::stop_token stop);
  Result<PipelineEnd> Stream(const ResumePlan& plan, std::stop_token stop);
  Result<std::optional<Lsn>> Until();
  std::vector<SinkState> SinkStates() const;
  std::vector<MissingTables> Missing(const ResumePlan& plan) const;
  void Watch(Streaming& streaming, const ChangeReader& reader);
  void LookAtSource();
  bool BeyondBudget(const SlotState& slot) const;
  Error GiveUpSlot(const SlotState& slot);
  bool TablesChanged(Lsn acknowledged);

  const Connector& connector_;
  const PipelineOptions options_;
  const Clock& clock_;
  StatusBoard& board_;
  CutRequests& cuts_;
  TableRequests& requests_;

  std::unique_ptr<Source> source_;
  std::vector<TableDefinition> tables_;
  TableChanges changes_;
  std::set<std::pair<std::string, TableName>> rewritten_;  // By sink: copied again since no stream tells of their rows.
  Lsn changes_noticed_at_;  // At the start, where the stream has to come first.
  std::vector<SinkState> states_;  // As the stream found them.
  std::vector<InterruptedCopy> interrupted_;  // Those that go on.
  std::shared_ptr<std::vector<AttachedSink>> sinks_;  // Shared with views that outlive a failed pipeline.
  bool made_progress_ = false;
  bool over_budget_ = false, soon_lost_ = false;
  std::optional<SlotState> slot_to_give_up_;
};

}  // namespace sluice

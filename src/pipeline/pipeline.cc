#include "pipeline/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "pipeline/change_reader.h"
#include "pipeline/first_error.h"
#include "pipeline/initial_copy_run.h"

namespace sluice {
namespace {

// After a crash the source takes a moment to notice that the old reader is gone.
constexpr std::chrono::seconds kSlotReleaseWait{3};
constexpr std::chrono::milliseconds kSlotReleasePoll{100};
// How often the slot and the source's clock are looked at.
constexpr std::chrono::seconds kWatchInterval{3};

/// Waits on nothing but time and a request to stop.
void Pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

Error Cancelled() { return Error{ErrorKind::kCancelled, "stopped on request"}; }

std::vector<SourceTable> Identities(const std::vector<TableDefinition>& tables) {
  std::vector<SourceTable> identities;
  for (const TableDefinition& table : tables) identities.push_back({table.schema->name, table.schema->oid});
  return identities;
}

/// The tables that some sink misses, and per sink which of them.
InitialCopyRun PlanCopy(const std::vector<TableDefinition>& tables, const ResumePlan& plan,
                        std::vector<AttachedSink>& sinks) {
  InitialCopyRun run;
  std::vector<size_t> position(tables.size(), SIZE_MAX);
  for (size_t sink = 0; sink < sinks.size(); ++sink) {
    const std::vector<size_t>& needed = plan.tables_to_copy[sink];
    if (needed.empty() && sinks[sink].sink->bookmark()) continue;
    CopyTarget& target = run.targets.emplace_back();
    target.sink = sinks[sink].sink.get();
    for (const size_t table : needed) {
      if (position[table] == SIZE_MAX) {
        position[table] = run.tables.size();
        run.tables.push_back(tables[table]);
      }
      target.tables.push_back(position[table]);
    }
  }
  return run;
}

}  // namespace

/// What lives while the stream runs; its end waits for all threads.
struct Pipeline::Streaming {
  std::unique_ptr<ChangeStream> stream;
  std::vector<std::unique_ptr<SinkThread>> sinks;
  FirstError error;
  std::stop_source end;

  std::mutex mutex;  // Guards the one below.
  bool reader_done = false;
  std::condition_variable changed;

  void Fail(Error failure) {
    error.Offer(std::move(failure));
    end.request_stop();
  }
};

Pipeline::Pipeline(const Connector& connector, PipelineOptions options, const Clock& clock, StatusBoard& board,
                   CutRequests& cuts)
    : connector_(connector), options_(std::move(options)), clock_(clock), board_(board), cuts_(cuts) {}

Status Pipeline::Run(std::stop_token stop) {
  board_.Phase(PipelineState::kStarting);
  Status ran = RunOpened(stop);
  cuts_.Detach(ran.ok() ? Error{ErrorKind::kUnavailable, "the pipeline ended", slu::kVerifyNotStreaming}
                        : ran.error());
  sinks_.reset();
  return ran;
}

Status Pipeline::RunOpened(std::stop_token stop) {
  ASSIGN_OR_RETURN(source_, connector_.open_source());
  ASSIGN_OR_RETURN(tables_, source_->ReadTables());
  std::optional<SlotState> slot;
  RETURN_IF_ERROR(WaitForSlot(slot, stop));
  ASSIGN_OR_RETURN(auto sinks, connector_.open_sinks(source_->identity()));
  SLUICE_CHECK(!sinks.empty());
  sinks_ = std::make_shared<std::vector<AttachedSink>>(std::move(sinks));

  const std::vector<SourceTable> identities = Identities(tables_);
  ASSIGN_OR_RETURN(const ResumePlan plan,
                   DecideResume(source_->identity(), slot, SinkStates(), identities));
  board_.Opened(source_->identity(), tables_);
  for (const AttachedSink& attached : *sinks_)
    board_.SinkOpened(attached.sink->name(), attached.commit.commit_interval, attached.sink->copied_tables(),
                      attached.sink->bookmark());
  // Before any snapshot: what a transaction wrote while its table was not yet published is never streamed.
  RETURN_IF_ERROR(source_->EnsurePublication(tables_));
  SLUICE_FAILPOINT("pipeline.published");
  const bool bookmark_missing = std::any_of(sinks_->begin(), sinks_->end(), [](const AttachedSink& attached) {
    return !attached.sink->bookmark().has_value();
  });
  if ((plan.needs_copy() || bookmark_missing || plan.create_slot)) {
    if (!options_.may_copy && (bookmark_missing || plan.create_slot))
      return Error{ErrorKind::kNeedsOperator, "the initial copy has not been made yet", slu::kVerifyNothingCopied};
    if (options_.may_copy) RETURN_IF_ERROR(Copy(plan, stop));
  }
  return Stream(stop);
}

Status Pipeline::WaitForSlot(std::optional<SlotState>& slot, std::stop_token stop) {
  const auto deadline = std::chrono::steady_clock::now() + kSlotReleaseWait;
  for (;;) {
    ASSIGN_OR_RETURN(slot, source_->FindSlot());
    if (slot) board_.Slot(*slot);
    if (!slot || !slot->active) return Ok();
    if (stop.stop_requested()) return Cancelled();
    if (std::chrono::steady_clock::now() >= deadline)
      return Error{ErrorKind::kConflict,
                   fmt::format("replication slot \"{}\" is being read by someone else", slot->name), slu::kSlotInUse,
                   fmt::format("postgres: replication slot \"{}\" is active for PID {}", slot->name,
                               slot->active_pid)};
    Pause(kSlotReleasePoll, stop);
  }
}

Status Pipeline::Copy(const ResumePlan& plan, std::stop_token stop) {
  board_.Phase(PipelineState::kCopying);
  InitialCopyRun run = PlanCopy(tables_, plan, *sinks_);
  // Asked before the snapshot is taken, so that the copy is never called fresher than it is.
  ASSIGN_OR_RETURN(run.source_time, source_->Now());
  ASSIGN_OR_RETURN(const auto copy,
                   plan.create_slot ? source_->CreateSlotWithSnapshot() : source_->ExportSnapshot(kSnapshotWaitMax));
  SLUICE_FAILPOINT("pipeline.slot_created");
  run.position = {source_->identity(), copy->snapshot_lsn()};
  run.parallel = options_.copy.parallel;
  run.range_bytes_target = options_.copy.range_bytes_target;
  log::Info("pipeline", "copy.started", "initial copy started",
            {{"tables", std::to_string(run.tables.size())}, {"lsn", ToString(run.position.lsn)}});
  SLUICE_FAILPOINT("pipeline.before_copy");
  const Status copied = RunInitialCopy(run, *copy, board_.copy_progress(), stop);
  for (const AttachedSink& attached : *sinks_) {
    board_.SinkCopied(attached.sink->name(), attached.sink->copied_tables());
    for (const auto& [name, table] : attached.sink->copied_tables())
      made_progress_ |= table.copy_lsn == run.position.lsn;
  }
  if (!copied.ok()) return copied;
  SLUICE_FAILPOINT("pipeline.after_copy");
  log::Info("pipeline", "copy.finished", "initial copy finished", {{"tables", std::to_string(run.tables.size())}});
  return Ok();
}

Result<std::optional<Lsn>> Pipeline::Until() {
  if (!options_.until_caught_up) return options_.until_lsn;
  ASSIGN_OR_RETURN(const Lsn now, source_->CurrentLsn());
  return std::optional(std::max(now, options_.until_lsn.value_or(Lsn{})));
}

Status Pipeline::Stream(std::stop_token stop) {
  if (stop.stop_requested()) return Ok();
  ASSIGN_OR_RETURN(const std::optional<Lsn> until, Until());
  ASSIGN_OR_RETURN(const std::optional<SlotState> slot, source_->FindSlot());
  ASSIGN_OR_RETURN(const Lsn resume_from, ResumeFrom(source_->identity(), slot, SinkStates()));
  Streaming streaming;
  ASSIGN_OR_RETURN(streaming.stream, source_->OpenStream(resume_from));
  SLUICE_FAILPOINT("pipeline.stream_opened");
  std::vector<SinkThread*> threads;
  for (AttachedSink& attached : *sinks_) {
    streaming.sinks.push_back(std::make_unique<SinkThread>(
        *attached.sink, source_->identity(), attached.commit, options_.queue_bytes_max, board_,
        [&streaming](Error error) { streaming.Fail(std::move(error)); }));
    threads.push_back(streaming.sinks.back().get());
  }
  for (SinkThread* thread : threads) thread->Start();
  const std::stop_callback forward(stop, [&streaming] { streaming.end.request_stop(); });
  board_.Phase(PipelineState::kStreaming);
  log::Info("pipeline", "stream.started", "streaming", {{"lsn", ToString(resume_from)}});

  ChangeReader reader(*streaming.stream, threads, cuts_, resume_from, until);
  cuts_.Attach(threads.size(), sinks_);
  std::thread reading([&] {
    Status read = reader.Run(streaming.end.get_token());
    if (!read.ok()) streaming.Fail(std::move(read).error());
    const std::lock_guard lock(streaming.mutex);
    streaming.reader_done = true;
    streaming.changed.notify_all();
  });
  Watch(streaming);
  reading.join();
  for (SinkThread* thread : threads) thread->Finish();
  for (SinkThread* thread : threads) thread->Join();
  // What the sinks committed last; if the stream is broken the next start says it.
  Status last = reader.Acknowledge();
  if (!last.ok() && streaming.error.status().ok()) streaming.Fail(std::move(last).error());
  made_progress_ |= reader.acknowledged() > resume_from;
  return streaming.error.status();
}

void Pipeline::Watch(Streaming& streaming) {
  for (;;) {
    LookAtSource();
    std::unique_lock lock(streaming.mutex);
    if (streaming.changed.wait_for(lock, kWatchInterval, [&] { return streaming.reader_done; })) return;
  }
}

void Pipeline::LookAtSource() {
  const Timestamp before = clock_.Now();
  const Result<Timestamp> theirs = source_->Now();
  const Timestamp after = clock_.Now();
  if (theirs.ok()) board_.SourceClockAhead(*theirs - (before + (after - before) / 2));
  const Result<std::optional<SlotState>> slot = source_->FindSlot();
  // Looking is a side matter: if the source is gone, the stream says so itself.
  if (!slot.ok() || !slot->has_value()) return;
  board_.Slot(**slot);
  const uint64_t budget = board_.slot_budget_bytes();
  const bool over = budget > 0 && (*slot)->retained_bytes > budget;
  if (over && !over_budget_)
    log::Warn("source", "slot.over_budget", "the slot retains more log than its budget",
              {{"slot", (*slot)->name}, {"retained_bytes", std::to_string((*slot)->retained_bytes)},
               {"budget_bytes", std::to_string(budget)}});
  over_budget_ = over;
}

std::vector<SinkState> Pipeline::SinkStates() const {
  std::vector<SinkState> states;
  for (const AttachedSink& attached : *sinks_)
    states.push_back({std::string(attached.sink->name()), attached.sink->bookmark(), attached.sink->copied_tables()});
  return states;
}

}  // namespace sluice

#include "pipeline/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/failpoint.h"
#include "base/pause.h"
#include "change/table_error.h"
#include "change/table_fingerprint.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "pipeline/change_reader.h"
#include "pipeline/copy_beside.h"
#include "pipeline/first_error.h"
#include "pipeline/initial_copy_run.h"
#include "pipeline/resumed_copies.h"
#include "pipeline/touched_keys.h"

namespace sluice {
namespace {

// After a crash the source takes a moment to notice that the old reader is gone.
constexpr std::chrono::seconds kSlotReleaseWait{3};
constexpr std::chrono::milliseconds kSlotReleasePoll{100};
// How often the slot and the source's clock are looked at.
constexpr std::chrono::seconds kWatchInterval{3};
// Somebody should still be able to do something about it.
constexpr std::chrono::hours kLostSoon{1};
// How soon what people ask for is begun.
constexpr std::chrono::milliseconds kRequestPoll{100};

// Rows that went with a partition of the source may stand in the way until that is followed, behind the rows that come.
bool LostPartitions(const Sink& sink, const TableDefinition& table) {
  const auto copied = sink.copied_tables().find(table.schema->name);
  return copied != sink.copied_tables().end() && PartitionsGone(copied->second.fingerprint, table.fingerprint);
}

Error Cancelled() { return Error{ErrorKind::kCancelled, "stopped on request"}; }

std::vector<SourceTable> Identities(const std::vector<TableDefinition>& tables) {
  std::vector<SourceTable> identities;
  for (const TableDefinition& table : tables) identities.push_back({table.schema->name, table.schema->oid});
  return identities;
}

}  // namespace

/// What lives while the stream runs; its end waits for all threads.
struct Pipeline::Streaming {
  std::unique_ptr<ChangeStream> stream;
  std::vector<std::unique_ptr<SinkThread>> sinks;
  FirstError error;
  std::stop_source end;

  std::atomic<bool> again{false};

  std::mutex mutex;  // Guards the one below.
  bool reader_done = false;
  std::condition_variable changed;

  /// Ends it well, to begin anew.
  void BeginAnew() {
    again = true;
    end.request_stop();
  }

  void Fail(Error failure) {
    error.Offer(std::move(failure));
    end.request_stop();
  }
};

Pipeline::Pipeline(const Connector& connector, PipelineOptions options, const Clock& clock, StatusBoard& board,
                   CutRequests& cuts, TableRequests& requests)
    : connector_(connector), options_(std::move(options)), clock_(clock), board_(board), cuts_(cuts),
      requests_(requests) {}

Result<PipelineEnd> Pipeline::Run(std::stop_token stop) {
  board_.Phase(PipelineState::kStarting);
  Result<PipelineEnd> ran = RunOpened(stop);
  const Error reason = ran.ok() ? Error{ErrorKind::kUnavailable, "the pipeline ended", slu::kVerifyNotStreaming} : ran.error();
  if (slot_to_give_up_) ran = GiveUpSlot(*slot_to_give_up_);
  if (!ran.ok() && requests_.AskRemedy(ran.error(), DurableOf(ran.error()))) ran = PipelineEnd::kAgain;
  cuts_.Detach(reason, /*another_follows=*/ran.ok() && *ran == PipelineEnd::kAgain);
  sinks_.reset();
  return ran;
}

Lsn Pipeline::DurableOf(const Error& error) const {
  const auto table = TableOf(error);
  if (!sinks_ || !table) return Lsn{};
  for (const AttachedSink& attached : *sinks_) {
    if (error.sink != attached.sink->name() || !attached.sink->bookmark()) continue;
    const auto copied = attached.sink->copied_tables().find(*table);
    const bool behind = copied != attached.sink->copied_tables().end() && copied->second.catching_up_from;
    return behind ? *copied->second.catching_up_from : attached.sink->bookmark()->position.lsn;
  }
  return Lsn{};
}

Result<PipelineEnd> Pipeline::RunOpened(std::stop_token stop) {
  ASSIGN_OR_RETURN(source_, connector_.open_source());
  ASSIGN_OR_RETURN(tables_, source_->ReadTables());
  if (connector_.accept_tables) RETURN_IF_ERROR(connector_.accept_tables(tables_));
  std::optional<SlotState> slot;
  RETURN_IF_ERROR(WaitForSlot(slot, stop));
  if (slot && BeyondBudget(*slot)) return GiveUpSlot(*slot);
  ASSIGN_OR_RETURN(auto sinks, connector_.open_sinks(source_->identity()));
  SLUICE_CHECK(!sinks.empty());
  sinks_ = std::make_shared<std::vector<AttachedSink>>(std::move(sinks));
  if (options_.may_copy) RETURN_IF_ERROR(CarryOutChanges());  // First: what failed may have failed because of them.
  ASSIGN_OR_RETURN(const size_t carried_out, CarryOutRequests());

  const std::vector<SourceTable> identities = Identities(tables_);
  ASSIGN_OR_RETURN(const SourceLog log, source_->ReadLog());
  ASSIGN_OR_RETURN(const ResumePlan plan, DecideResume(log, slot, SinkStates(), identities));
  if (options_.may_copy) RETURN_IF_ERROR(ForgetNamesakes(plan));
  board_.Opened(source_->identity(), tables_);
  for (const AttachedSink& attached : *sinks_)
    board_.SinkOpened(*attached.sink, attached.commit.commit_interval);
  requests_.Done(carried_out);  // Whoever waits for it finds it on the board.
  // Before the publication: a table that left it and comes back has changes that no stream tells.
  if (options_.may_copy) RETURN_IF_ERROR(KeepInterruptedCopies(plan, slot));
  // Before any snapshot: what a transaction wrote while its table was not yet published is never streamed.
  RETURN_IF_ERROR(source_->EnsurePublication(tables_));
  SLUICE_FAILPOINT("pipeline.published");
  const bool nothing_copied = std::none_of(sinks_->begin(), sinks_->end(), [](const AttachedSink& attached) {
    return attached.sink->bookmark().has_value();
  });
  if (!nothing_copied && !plan.create_slot) return Stream(plan, stop);
  if (!options_.may_copy)
    return Error{ErrorKind::kNeedsOperator, "the initial copy has not been made yet", slu::kVerifyNothingCopied};
  RETURN_IF_ERROR(CopyAll(plan, stop));
  return PipelineEnd::kAgain;
}

Result<size_t> Pipeline::CarryOutRequests() {
  const std::vector<TableRequest> requests = requests_.Pending();
  for (const TableRequest& request : requests) RETURN_IF_ERROR(CarryOutOne(request));
  return requests.size();
}

Status Pipeline::CarryOutOne(const TableRequest& request) {
  const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const TableDefinition& one) { return one.schema->name == request.table; });
  for (const AttachedSink& attached : *sinks_) {
    if (!request.sink.empty() && request.sink != attached.sink->name()) continue;
    if (request.after_failure && rewritten_.contains({std::string(attached.sink->name()), request.table})) continue;
    SLUICE_FAILPOINT("pipeline.before_table_request");
    if (request.after_failure && found != tables_.end() && LostPartitions(*attached.sink, *found)) {
      log::Warn("pipeline", "table.copied_again", "rows went with a partition, and then a row did not fit, so the table is copied again",
                {{"table", ToString(request.table)}, {"sink", std::string(attached.sink->name())}});
      RETURN_IF_ERROR(attached.sink->Forget(request.table));
      continue;
    }
    RETURN_IF_ERROR(CarryOut(request, found == tables_.end() ? nullptr : &*found, *attached.sink));
  }
  made_progress_ = true;
  return Ok();
}

// The stream may still bring changes of the table that had the name before: they must not meet rows of the new one.
Status Pipeline::ForgetNamesakes(const ResumePlan& plan) {
  for (size_t i = 0; i < sinks_->size(); ++i) {
    Sink& sink = *(*sinks_)[i].sink;
    for (const size_t table : plan.tables_to_copy[i]) {
      const TableName& name = tables_[table].schema->name;
      if (!sink.copied_tables().contains(name)) continue;
      log::Warn("pipeline", "table.copied_again", "another table has the name now, or it is mapped in another way, so it is copied again",
                {{"table", ToString(name)}, {"sink", std::string(sink.name())}});
      RETURN_IF_ERROR(sink.Forget(name));
    }
  }
  return Ok();
}

// Rows that changed while nobody looked are copied again at once; what else is due waits for the stream.
Status Pipeline::CarryOutChanges() {
  ASSIGN_OR_RETURN(const Lsn read_at, source_->CurrentLsn());
  for (const TableRequest& request : changes_.Due(SinkStates(), tables_, read_at, Lsn{})) {
    log::Warn("pipeline", "table.copied_again", "rows of the table were rewritten in a way that no stream tells, so it is copied again",
              {{"table", ToString(request.table)}, {"sink", request.sink}});
    RETURN_IF_ERROR(CarryOutOne(request));
    rewritten_.insert({request.sink, request.table});
  }
  if (changes_.waiting()) changes_noticed_at_ = read_at;
  return Ok();
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

std::vector<MissingTables> Pipeline::Missing(const ResumePlan& plan) const {
  std::vector<MissingTables> missing;
  for (size_t i = 0; i < sinks_->size(); ++i) {
    Sink& sink = *(*sinks_)[i].sink;
    if (plan.tables_to_copy[i].empty() && sink.bookmark()) continue;
    MissingTables& of_sink = missing.emplace_back();
    of_sink.sink = &sink;
    for (const size_t table : plan.tables_to_copy[i]) of_sink.tables.push_back({tables_[table].schema->name, tables_[table].schema->oid});
  }
  return missing;
}

// Of tables that are still missing and as they were; everything else starts again.
Status Pipeline::KeepInterruptedCopies(const ResumePlan& plan, const std::optional<SlotState>& slot) {
  ASSIGN_OR_RETURN(const std::set<TableName> published, source_->PublishedTables());
  for (size_t i = 0; i < sinks_->size(); ++i) {
    Sink& sink = *(*sinks_)[i].sink;
    std::set<TableName> kept;
    for (const auto& [name, copy] : sink.kept_copies()) {
      const auto missing = std::find_if(plan.tables_to_copy[i].begin(), plan.tables_to_copy[i].end(), [&](size_t table) { return tables_[table].schema->name == name; });
      const bool due = missing != plan.tables_to_copy[i].end() && published.contains(name);
      const TableDefinition* const table = due ? &tables_[*missing] : nullptr;
      const std::string reason = WhyFromTheStart(copy, source_->identity(), slot, table);
      if (!reason.empty()) {
        log::Info("pipeline", "copy.from_the_start", "an interrupted copy of a table can't go on, so it starts again",
                  {{"table", ToString(name)}, {"sink", std::string(sink.name())}, {"reason", reason}});
        continue;
      }
      kept.insert(name);
      interrupted_.push_back({table->schema, copy.lsn});
    }
    RETURN_IF_ERROR(sink.KeepCopies(kept));
  }
  return Ok();
}

/// The oldest snapshot of copies that go on; unset: none does.
Lsn Pipeline::InterruptedFrom() const {
  Lsn from;
  for (const InterruptedCopy& copy : interrupted_) from = from.valid() ? std::min(from, copy.since) : copy.since;
  return from;
}

// Nothing streams yet, so nothing runs beside it.
Status Pipeline::CopyAll(const ResumePlan& plan, std::stop_token stop) {
  board_.Phase(PipelineState::kCopying);
  // Asked before the snapshot is taken, so that the copy is never called fresher than it is.
  ASSIGN_OR_RETURN(const Timestamp source_time, source_->Now());
  ASSIGN_OR_RETURN(const auto copy,
                   plan.create_slot ? source_->CreateSlotWithSnapshot() : source_->ExportSnapshot(kSnapshotWaitMax));
  SLUICE_FAILPOINT("pipeline.slot_created");
  // Read again: the snapshot may have waited for a transaction that added a column and filled it.
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> tables, source_->ReadTables());
  InitialCopyRun run = PlanCopy(tables, Missing(plan), options_);
  run.position = {source_->identity(), copy->snapshot_lsn()};
  run.source_time = source_time;
  CopyGuard guard = GuardOf(options_.copy, *source_);
  run.guard = &guard;
  if (!interrupted_.empty()) {
    TouchedKeys touched(interrupted_);
    RETURN_IF_ERROR(ReadTouchedKeys(*source_, InterruptedFrom(), run.position.lsn, touched, stop));
    ASSIGN_OR_RETURN(run.touched, touched.TakeUpTo(run.position.lsn, stop));
    SLUICE_FAILPOINT("pipeline.touched_keys_read");
  }
  log::Info("pipeline", "copy.started", "initial copy started",
            {{"tables", std::to_string(run.tables.size())}, {"lsn", ToString(run.position.lsn)}});
  SLUICE_FAILPOINT("pipeline.before_copy");
  const Status copied = RunInitialCopy(run, *copy, board_.copy_progress(), stop);
  for (const AttachedSink& attached : *sinks_) {
    for (const auto& [name, table] : attached.sink->copied_tables())
      made_progress_ |= table.copy_lsn == run.position.lsn;
  }
  made_progress_ |= board_.copy_progress().Snapshot().advanced;
  SLUICE_FAILPOINT("pipeline.after_copy");
  if (!copied.ok()) return copied;
  log::Info("pipeline", "copy.finished", "initial copy finished", {{"tables", std::to_string(run.tables.size())}});
  return Ok();
}

// Also changes of structure that were there before are to be in, which may be a little further.
Result<std::optional<Lsn>> Pipeline::Until() {
  if (!options_.until_caught_up && !options_.until_lsn) return std::optional<Lsn>();
  const Lsn until = std::max(options_.until_lsn.value_or(Lsn{}), changes_noticed_at_);
  if (!options_.until_caught_up) return std::optional(until);
  ASSIGN_OR_RETURN(const Lsn now, source_->CurrentLsn());
  return std::optional(std::max(now, until));
}

Result<PipelineEnd> Pipeline::Stream(const ResumePlan& plan, std::stop_token stop) {
  if (stop.stop_requested()) return PipelineEnd::kDone;
  ASSIGN_OR_RETURN(const std::optional<Lsn> until, Until());
  ASSIGN_OR_RETURN(const std::optional<SlotState> slot, source_->FindSlot());
  ASSIGN_OR_RETURN(const SourceLog source_log, source_->ReadLog());
  ASSIGN_OR_RETURN(Lsn resume_from, ResumeFrom(source_log, slot, SinkStates()));
  // The sinks skip what they have.
  const Lsn interrupted_from = InterruptedFrom();
  if (interrupted_from.valid()) resume_from = std::min(resume_from, interrupted_from);
  TouchedKeys touched(interrupted_);
  const auto started_at = std::chrono::steady_clock::now();
  Streaming streaming;
  ASSIGN_OR_RETURN(streaming.stream, source_->OpenStream(resume_from));
  SLUICE_FAILPOINT("pipeline.stream_opened");
  std::vector<SinkThread*> threads;
  for (AttachedSink& attached : *sinks_) {
    if (!attached.sink->bookmark()) continue;  // It joins once its tables are copied.
    streaming.sinks.push_back(std::make_unique<SinkThread>(
        *attached.sink, source_->identity(), attached.commit, options_.queue_bytes_max, board_,
        [&streaming, name = std::string(attached.sink->name())](Error error) {
          error.sink = name;
          streaming.Fail(std::move(error));
        }));
    threads.push_back(streaming.sinks.back().get());
  }
  states_ = SinkStates();
  for (SinkThread* thread : threads) thread->Start();
  const std::stop_callback forward(stop, [&streaming] { streaming.end.request_stop(); });
  board_.Phase(PipelineState::kStreaming);
  log::Info("pipeline", "stream.started", "streaming", {{"lsn", ToString(resume_from)}});

  ChangeReader reader(*streaming.stream, threads, cuts_, resume_from, until, interrupted_from.valid() ? &touched : nullptr);
  cuts_.Attach(threads.size(), sinks_);
  std::optional<CopyBeside> copying;
  if (std::vector<MissingTables> missing = Missing(plan); !missing.empty() && options_.may_copy) {
    reader.KeepFrom(Lsn{});  // Before the reader could end at `until`.
    copying.emplace(connector_, options_, std::move(missing), CopyBeside::Interrupted{interrupted_from, &touched}, board_.copy_progress(),
                    CopyBeside::Hooks{[&reader](Lsn lsn) { reader.KeepFrom(lsn); },
                                      [&streaming](Status ended) {
                                        if (ended.ok()) return streaming.BeginAnew();
                                        if (ended.error().kind != ErrorKind::kCancelled) streaming.Fail(std::move(ended).error());
                                      }});
  }
  std::thread reading([&] {
    Status read = reader.Run(streaming.end.get_token());
    if (!read.ok()) streaming.Fail(std::move(read).error());
    const std::lock_guard lock(streaming.mutex);
    streaming.reader_done = true;
    streaming.changed.notify_all();
  });
  Watch(streaming, reader);
  reading.join();
  copying.reset();
  for (SinkThread* thread : threads) thread->Finish();
  for (SinkThread* thread : threads) thread->Join();
  // What the sinks committed last; if the stream is broken the next start says it.
  Status last = reader.Acknowledge();
  if (!last.ok() && streaming.error.status().ok()) streaming.Fail(std::move(last).error());
  const bool reached = streaming.error.status().ok() && until && !stop.stop_requested() && !streaming.again;
  if (reached && options_.may_copy && (TablesChanged(reader.acknowledged()) || changes_.waiting())) streaming.again = true;
  const CopyProgressSnapshot copied = board_.copy_progress().Snapshot();
  made_progress_ |= reader.acknowledged() > resume_from || streaming.again || (copied.advanced && copied.started_at >= started_at);
  if (!streaming.error.status().ok()) return streaming.error.status().error();
  return streaming.again && !stop.stop_requested() ? PipelineEnd::kAgain : PipelineEnd::kDone;
}

// Production's disk comes before what we hold: without the slot the tables have to be copied again.
bool Pipeline::BeyondBudget(const SlotState& slot) const {
  const uint64_t budget = board_.slot_budget().give_up_bytes;
  return budget > 0 && !slot.lost && slot.retained_bytes > budget;
}

Error Pipeline::GiveUpSlot(const SlotState& slot) {
  Status dropped = source_->DropSlot();
  if (!dropped.ok()) return std::move(dropped).error();
  return Error{ErrorKind::kSourceLost,
               fmt::format("replication slot \"{}\" kept {} bytes of the source's log, more than slot_budget.give_up allows, and was dropped",
                           slot.name, slot.retained_bytes),
               slu::kSlotGivenUp};
}

void Pipeline::Watch(Streaming& streaming, const ChangeReader& reader) {
  auto tables_looked_at = std::chrono::steady_clock::now();
  for (;;) {
    LookAtSource();
    if (slot_to_give_up_) streaming.end.request_stop();
    {
      const auto until = std::chrono::steady_clock::now() + kWatchInterval;
      std::unique_lock lock(streaming.mutex);
      while (std::chrono::steady_clock::now() < until) {
        if (streaming.changed.wait_for(lock, kRequestPoll, [&] { return streaming.reader_done; })) return;
        if (requests_.pending()) streaming.BeginAnew();
      }
    }
    if (std::chrono::steady_clock::now() - tables_looked_at < options_.table_watch_interval) continue;
    tables_looked_at = std::chrono::steady_clock::now();
    if (options_.may_copy && TablesChanged(reader.acknowledged())) streaming.BeginAnew();
  }
}

// A change that rows carry is followed with the rows; this finds what no row has told.
bool Pipeline::TablesChanged(Lsn acknowledged) {
  const auto tables = source_->ReadTables();
  const auto read_at = source_->CurrentLsn();
  if (!tables.ok() || !read_at.ok()) return false;  // The stream says it if the source is gone.
  std::vector<TableRequest> due = changes_.Due(states_, *tables, *read_at, acknowledged);
  if (!due.empty()) {
    requests_.AskDue(std::move(due));
    return true;
  }
  std::vector<SourceTable> before = Identities(tables_), now = Identities(*tables);
  const auto by_name = [](const SourceTable& a, const SourceTable& b) { return a.name < b.name; };
  std::sort(before.begin(), before.end(), by_name);
  std::sort(now.begin(), now.end(), by_name);
  return !std::equal(before.begin(), before.end(), now.begin(), now.end(),
                     [](const SourceTable& a, const SourceTable& b) { return a.name == b.name && a.oid == b.oid; });
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
  const SlotBudget& budget = board_.slot_budget();
  const bool over = budget.warn_bytes > 0 && (*slot)->retained_bytes > budget.warn_bytes;
  if (over && !over_budget_)
    log::Warn("source", "slot.over_budget", "the slot retains more log than its budget",
              {{"slot", (*slot)->name}, {"retained_bytes", std::to_string((*slot)->retained_bytes)},
               {"budget_bytes", std::to_string(budget.warn_bytes)}});
  over_budget_ = over;
  const auto lost_in = board_.slot_lost_in();
  const bool soon_lost = lost_in && *lost_in < kLostSoon;
  if (soon_lost && !soon_lost_)
    log::Error("source", "slot.soon_lost", "at this speed the slot is lost soon, and all tables would have to be copied again",
               {{"slot", (*slot)->name}, {"seconds", std::to_string(lost_in->count())}, {"retained_bytes", std::to_string((*slot)->retained_bytes)}});
  soon_lost_ = soon_lost;
  if (BeyondBudget(**slot)) slot_to_give_up_ = **slot;
}

std::vector<SinkState> Pipeline::SinkStates() const {
  std::vector<SinkState> states;
  for (const AttachedSink& attached : *sinks_)
    states.push_back({std::string(attached.sink->name()), attached.sink->bookmark(), attached.sink->copied_tables(),
                      attached.sink->held_tables()});
  return states;
}

}  // namespace sluice

#include "pipeline/copy_beside.h"

#include <algorithm>

#include "base/failpoint.h"
#include "base/pause.h"
#include "observability/errors/source_codes.h"
#include "observability/log.h"

namespace sluice {
namespace {

// An open transaction may keep the snapshot from being taken for long; the others stream meanwhile.
constexpr std::chrono::seconds kExportRetry{5};
// A table that is emptied or rewritten between the snapshot and its first row.
constexpr std::chrono::milliseconds kRewrittenRetry{200};
constexpr int kRewrittenAttempts = 50;
// After so many of them it is held from the snapshot on, if it is small: who wants to empty it waits for that moment.
constexpr int kAttemptsBeforeHold = 5;

}  // namespace

InitialCopyRun PlanCopy(const std::vector<TableDefinition>& tables, const std::vector<MissingTables>& missing,
                        const PipelineOptions& options) {
  InitialCopyRun run;
  run.parallel = options.copy.parallel;
  run.range_bytes_target = options.copy.range_bytes_target;
  for (const MissingTables& of_sink : missing) {
    CopyTarget& target = run.targets.emplace_back();
    target.sink = of_sink.sink;
    for (const SourceTable& wanted : of_sink.tables) {
      const auto same = [&](const TableDefinition& table) { return table.schema->name == wanted.name && table.schema->oid == wanted.oid; };
      const auto known = std::find_if(run.tables.begin(), run.tables.end(), same);
      target.tables.push_back(static_cast<size_t>(known - run.tables.begin()));
      if (known != run.tables.end()) continue;
      const auto table = std::find_if(tables.begin(), tables.end(), same);
      if (table == tables.end()) target.tables.pop_back();  // Dropped meanwhile.
      else run.tables.push_back(*table);
    }
  }
  return run;
}

CopyGuard GuardOf(const CopyConfig& copy, Source& source) {
  return CopyGuard({copy.bytes_per_second_max, copy.standby_lag_max}, [&source] { return source.StandbyLag(); });
}

CopyBeside::CopyBeside(const Connector& connector, const PipelineOptions& options, std::vector<MissingTables> missing,
                       Interrupted interrupted, CopyProgress& progress, Hooks hooks)
    : connector_(connector), options_(options), missing_(std::move(missing)), interrupted_(interrupted), progress_(progress), hooks_(std::move(hooks)),
      thread_([this](const std::stop_token& stop) { hooks_.ended(Run(stop)); }) {}

Result<std::unique_ptr<InitialCopy>> CopyBeside::Export(Source& source, const std::stop_token& stop) {
  for (;;) {
    auto copy = source.ExportSnapshot(kSnapshotWaitMax);
    if (copy.ok() || copy.error().kind != ErrorKind::kUnavailable || stop.stop_requested()) return copy;
    log::Warn("pipeline", "copy.waits", copy.error().message + ", trying again", {{"evidence", copy.error().evidence}});
    Pause(kExportRetry, stop);
    if (stop.stop_requested()) return Error{ErrorKind::kCancelled, "copy stopped on request"};
  }
}

Status CopyBeside::Run(const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, connector_.open_source());
  std::vector<std::unique_ptr<Sink>> beside;
  std::vector<MissingTables> missing = missing_;
  std::vector<Sink*> without_bookmark;
  for (MissingTables& of_sink : missing) {
    ASSIGN_OR_RETURN(auto sink, of_sink.sink->OpenBeside());
    of_sink.sink = sink.get();
    if (!sink->bookmark()) without_bookmark.push_back(sink.get());
    beside.push_back(std::move(sink));
  }
  hooks_.keep_from(Lsn{});
  for (int attempt = 1;; ++attempt) {
    // The keys of what was interrupted are told once; and a table that is emptied meanwhile starts again anyway.
    const bool goes_on = attempt == 1 && interrupted_.from.valid();
    if (attempt > 1)
      for (const MissingTables& of_sink : missing) RETURN_IF_ERROR(of_sink.sink->KeepCopies({}));
    Status copied = CopyOnce(*source, missing, goes_on, attempt > kAttemptsBeforeHold, stop);
    if (copied.ok() || copied.error().code != slu::kCopiedTableRewritten) return copied;
    // A sink that has got its first bookmark from this snapshot must not see a later one acknowledged.
    const bool some = std::any_of(missing.begin(), missing.end(), [](const MissingTables& of_sink) { return !of_sink.sink->copied_tables().empty(); }) ||
                      std::any_of(without_bookmark.begin(), without_bookmark.end(), [](const Sink* sink) { return sink->bookmark().has_value(); });
    log::Info("pipeline", "copy.again", copied.error().message + ", trying again");
    // Those that are complete need not wait for one that is emptied all the time.
    if (some || attempt == kRewrittenAttempts) return Ok();
    Pause(kRewrittenRetry, stop);
  }
}

Result<std::vector<TableDefinition>> CopyBeside::ToHold(Source& source, const std::vector<MissingTables>& missing) const {
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> tables, source.ReadTables());
  std::vector<TableDefinition> held = PlanCopy(tables, missing, options_).tables;
  uint64_t bytes = 0;
  for (const TableDefinition& table : held) bytes += table.size_bytes();
  if (bytes > options_.copy.range_bytes_target) held.clear();
  return held;
}

Status CopyBeside::CopyOnce(Source& source, const std::vector<MissingTables>& missing, bool goes_on, bool hold, const std::stop_token& stop) {
  SLUICE_FAILPOINT("pipeline.before_beside");
  std::vector<TableDefinition> to_hold;
  if (hold) {
    ASSIGN_OR_RETURN(to_hold, ToHold(source, missing));
  }
  ASSIGN_OR_RETURN(const Timestamp source_time, source.Now());
  ASSIGN_OR_RETURN(const auto copy, Export(source, stop));
  std::unique_ptr<InitialCopy::Reader> holder;
  if (!to_hold.empty()) {
    ASSIGN_OR_RETURN(holder, copy->Open());
  }
  for (const TableDefinition& table : to_hold)
    for (size_t leaf = 0; leaf < table.leaves.size(); ++leaf) RETURN_IF_ERROR(holder->Hold(table, leaf));
  hooks_.keep_from(goes_on ? std::min(interrupted_.from, copy->snapshot_lsn()) : copy->snapshot_lsn());
  TouchedTables touched;
  if (goes_on) {
    ASSIGN_OR_RETURN(touched, interrupted_.touched->TakeUpTo(copy->snapshot_lsn(), stop));
    SLUICE_FAILPOINT("pipeline.touched_keys_beside");
  }
  // Read after the snapshot: what was rewritten between the two is noticed by its files.
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> tables, source.ReadTables());
  InitialCopyRun run = PlanCopy(tables, missing, options_);
  run.touched = std::move(touched);
  run.position = {source.identity(), copy->snapshot_lsn()};
  run.source_time = source_time;
  CopyGuard guard = GuardOf(options_.copy, source);
  run.guard = &guard;
  run.reader = holder.get();
  log::Info("pipeline", "copy.started", "copying tables while the others stream",
            {{"tables", std::to_string(run.tables.size())}, {"lsn", ToString(run.position.lsn)}});
  RETURN_IF_ERROR(RunInitialCopy(run, *copy, progress_, stop));
  SLUICE_FAILPOINT("pipeline.after_beside");
  log::Info("pipeline", "copy.finished", "tables are copied and catch up", {{"tables", std::to_string(run.tables.size())}});
  return Ok();
}

}  // namespace sluice

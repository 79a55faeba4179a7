#include "pipeline/initial_copy_run.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "base/failpoint.h"
#include "change/table_error.h"
#include "observability/errors/source_codes.h"
#include "pipeline/first_error.h"
#include "pipeline/table_finisher.h"

namespace sluice {
namespace {

// Progress is shown a few times a second; telling it every row would make its lock hot.
constexpr uint64_t kProgressRows = 8192, kProgressBytes = 1 << 20;

Error OfSink(Error error, const Sink& sink) {
  error.sink = sink.name();
  return error;
}

/// Hands rows to every sink that needs the table.
class FanOut final : public RowReceiver {
 public:
  FanOut(size_t table, CopyProgress& progress, const std::stop_token& stop)
      : table_(table), progress_(progress), stop_(stop) {}

  Status Open(const InitialCopyRun& run) {
    for (const CopyTarget& target : run.targets) {
      if (std::find(target.tables.begin(), target.tables.end(), table_) == target.tables.end()) continue;
      auto writer = target.sink->OpenCopyWriter(run.tables[table_]);
      if (!writer.ok()) return OfSink(std::move(writer).error(), *target.sink);
      writers_.push_back({target.sink, std::move(*writer)});
    }
    return Ok();
  }

  Status Rows(Bytes rows, size_t count) override {
    if (stop_.stop_requested()) return Error{ErrorKind::kCancelled, "initial copy stopped"};
    for (const auto& [sink, writer] : writers_) {
      Status written = writer->Rows(rows, count);
      if (!written.ok()) return OfSink(std::move(written).error(), *sink);
    }
    rows_ += count;
    bytes_ += rows.size();
    if (rows_ >= kProgressRows || bytes_ >= kProgressBytes) Report();
    return Ok();
  }

  Status Finish() {
    Report();
    for (const auto& [sink, writer] : writers_) {
      Status finished = writer->Finish();
      if (!finished.ok()) return OfSink(std::move(finished).error(), *sink);
    }
    return Ok();
  }

 private:
  void Report() {
    progress_.RowsCopied(table_, rows_, bytes_);
    rows_ = bytes_ = 0;
  }

  const size_t table_;
  CopyProgress& progress_;
  const std::stop_token stop_;
  std::vector<std::pair<Sink*, std::unique_ptr<CopyWriter>>> writers_;
  uint64_t rows_ = 0, bytes_ = 0;  // Not yet reported.
};

/// The threads of one copy and what they share.
class Copying {
 public:
  Copying(const InitialCopyRun& run, InitialCopy& copy, CopyProgress& progress)
      : run_(run), copy_(copy), progress_(progress), ranges_(copy.Plan(run.tables, run.range_bytes_target)),
        ranges_left_(run.tables.size()), finishes_left_(run.tables.size()) {
    for (const CopyRange& range : ranges_) ++ranges_left_[range.table];
  }

  Status Run(const std::stop_token& stop) {
    const std::stop_callback forward(stop, [this] {
      Fail(Error{ErrorKind::kCancelled, "initial copy stopped on request"});
    });
    StartFinishers();
    std::vector<std::thread> workers;
    const size_t count = std::min(std::max<size_t>(1, static_cast<size_t>(run_.parallel)), ranges_.size());
    for (size_t i = 0; i < count; ++i) workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
    if (end_.stop_requested()) finishers_.clear();  // Drops what waits; what is being committed may end.
    for (const auto& finisher : finishers_) finisher->NoMore();
    for (const auto& finisher : finishers_) finisher->Join();
    Status ran = first_error_.status();
    if (ran.ok() && postponed_) return *postponed_;
    return ran;
  }

 private:
  void Fail(Error error) {
    first_error_.Offer(std::move(error));
    end_.request_stop();
  }

  void StartFinishers() {
    for (const CopyTarget& target : run_.targets) {
      for (const size_t table : target.tables) ++finishes_left_[table];
      finishers_.push_back(std::make_unique<TableFinisher>(
          *target.sink, copy_, run_.tables, run_.position, run_.source_time,
          [this](const std::vector<size_t>& done) { Finished(done); },
          [this, sink = target.sink](Error error) { Fail(OfSink(std::move(error), *sink)); }));
    }
    for (const auto& finisher : finishers_) finisher->Start();
    for (size_t table = 0; table < run_.tables.size(); ++table)
      if (ranges_left_[table] == 0) Complete(table);  // Nothing to read: no leaf, or no page.
  }

  void Work() {
    Status worked = WorkUntilDone();
    if (!worked.ok()) Fail(std::move(worked).error());
  }

  Status WorkUntilDone() {
    ASSIGN_OR_RETURN(const auto reader, copy_.Open());
    while (!end_.stop_requested()) {
      const size_t next = next_range_.fetch_add(1);
      if (next >= ranges_.size()) return Ok();
      if (run_.guard != nullptr) run_.guard->Admit(ranges_[next].size_bytes, end_.get_token());
      if (end_.stop_requested()) return Ok();
      RETURN_IF_ERROR(CopyOne(*reader, ranges_[next]));
    }
    return Ok();
  }

  Status CopyOne(InitialCopy::Reader& reader, const CopyRange& range) {
    progress_.RangeStarted(range.table);
    FanOut rows(range.table, progress_, end_.get_token());
    RETURN_IF_ERROR(rows.Open(run_));
    const Status read = reader.Read(run_.tables[range.table], range, rows);
    if (!read.ok() && read.error().code == slu::kCopiedTableRewritten) {
      Postpone(read.error());
      return Ok();
    }
    if (!read.ok()) {
      // Values that a sink cannot read: a column has another type by now than the catalog said.
      const bool of_table = read.error().sink.empty() || read.error().kind == ErrorKind::kCorrupt;
      return of_table ? About(run_.tables[range.table].schema->name, read.error()) : read.error();
    }
    SLUICE_FAILPOINT("pipeline.range_read");
    RETURN_IF_ERROR(rows.Finish());
    SLUICE_FAILPOINT("pipeline.range_written");
    progress_.RangeDone(range.table, range.size_bytes);
    bool complete;
    {
      const std::lock_guard lock(mutex_);
      complete = --ranges_left_[range.table] == 0;
    }
    if (complete) Complete(range.table);
    return Ok();
  }

  // The other tables go on; this one never becomes complete, and is copied again by the next run.
  void Postpone(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!postponed_) postponed_ = error;
  }

  // All rows of the table are with the sinks.
  void Complete(size_t table) {
    progress_.TableState(table, CopyState::kFinishing);
    for (size_t i = 0; i < run_.targets.size(); ++i) {
      const std::vector<size_t>& tables = run_.targets[i].tables;
      if (std::find(tables.begin(), tables.end(), table) != tables.end()) finishers_[i]->Add(table);
    }
  }

  void Finished(const std::vector<size_t>& tables) {
    const std::lock_guard lock(mutex_);
    for (const size_t table : tables)
      if (--finishes_left_[table] == 0) progress_.TableState(table, CopyState::kDone);
  }

  const InitialCopyRun& run_;
  InitialCopy& copy_;
  CopyProgress& progress_;
  const std::vector<CopyRange> ranges_;
  std::atomic<size_t> next_range_{0};
  std::stop_source end_;
  FirstError first_error_;

  std::mutex mutex_;  // Guards the three below.
  std::vector<size_t> ranges_left_;    // By table.
  std::vector<size_t> finishes_left_;  // By table: sinks that have not made it complete.
  std::optional<Error> postponed_;     // The first table that must be copied again.

  std::vector<std::unique_ptr<TableFinisher>> finishers_;  // One per target; last: ends first.
};

}  // namespace

Status RunInitialCopy(const InitialCopyRun& run, InitialCopy& copy, CopyProgress& progress, std::stop_token stop) {
  std::vector<const TableDefinition*> tables;
  for (const TableDefinition& table : run.tables) tables.push_back(&table);
  progress.Begin(run.position.lsn, tables);
  for (const CopyTarget& target : run.targets) {
    std::vector<TableDefinition> needed;
    for (const size_t table : target.tables) needed.push_back(run.tables[table]);
    Status prepared = target.sink->PrepareTables(needed, {run.position, run.source_time});
    if (!prepared.ok()) return OfSink(std::move(prepared).error(), *target.sink);
  }
  SLUICE_FAILPOINT("pipeline.tables_prepared");
  RETURN_IF_ERROR(Copying(run, copy, progress).Run(stop));
  progress.End();
  return Ok();
}

}  // namespace sluice

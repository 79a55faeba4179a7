#include "pipeline/initial_copy_run.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/failpoint.h"
#include "change/table_error.h"
#include "observability/errors/source_codes.h"
#include "observability/log.h"
#include "pipeline/first_error.h"
#include "pipeline/resumed_copies.h"
#include "pipeline/table_finisher.h"

namespace sluice {
namespace {

// Progress is shown a few times a second; telling it every row would make its lock hot.
constexpr uint64_t kProgressRows = 8192, kProgressBytes = 1 << 20;

Error OfSink(Error error, const Sink& sink) {
  error.sink = sink.name();
  return error;
}

/// Hands rows to the sinks that lack them.
class FanOut final : public RowReceiver {
 public:
  FanOut(size_t table, CopyProgress& progress, const std::stop_token& stop)
      : table_(table), progress_(progress), stop_(stop) {}

  Status Open(const InitialCopyRun& run, const std::vector<size_t>& targets, const std::optional<BlockRange>& range) {
    for (const size_t i : targets) {
      Sink* const sink = run.targets[i].sink;
      auto writer = sink->OpenCopyWriter(run.tables[table_], range);
      if (!writer.ok()) return OfSink(std::move(writer).error(), *sink);
      writers_.push_back({sink, std::move(*writer)});
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

/// Holds rows in memory: keys, which are bounded.
class HeldRows final : public RowReceiver {
 public:
  Status Rows(Bytes rows, size_t count) override {
    bytes_.insert(bytes_.end(), rows.begin(), rows.end());
    count_ += count;
    return Ok();
  }
  Bytes bytes() const { return bytes_; }
  size_t count() const { return count_; }

 private:
  std::vector<std::byte> bytes_;
  size_t count_ = 0;
};

/// The threads of one copy and what they share.
class Copying {
 public:
  Copying(const InitialCopyRun& run, InitialCopy& copy, CopyProgress& progress)
      : run_(run), copy_(copy), progress_(progress), reading_(PlanReading(copy.Plan(run.tables, run.range_bytes_target), run)),
        ranges_left_(run.tables.size()), finishes_left_(run.tables.size()) {
    for (const RangeToRead& range : reading_.ranges) ++ranges_left_[range.range.table];
    for (size_t table = 0; table < run.tables.size(); ++table) TellKept(table);
  }

  Status Run(const std::stop_token& stop) {
    const std::stop_callback forward(stop, [this] {
      Fail(Error{ErrorKind::kCancelled, "initial copy stopped on request"});
    });
    StartFinishers();
    std::vector<std::thread> workers;
    const size_t readers = run_.reader != nullptr ? 1 : std::max<size_t>(1, static_cast<size_t>(run_.parallel));
    const size_t count = std::min(readers, whole_.size() + reading_.ranges.size());
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
    for (size_t table = 0; table < run_.tables.size(); ++table) {
      if (ranges_left_[table] != 0) continue;
      // Either all its ranges are kept, or there is nothing to read: no leaf, or no page.
      if (Resumed(table).empty()) Complete(table); else whole_.push_back(table);
    }
  }

  void TellKept(size_t table) {
    const RangesToRead::Kept& kept = reading_.kept[table];
    if (Resumed(table).empty()) return;
    progress_.RangesKept(table, kept.ranges, kept.ranges + ranges_left_[table], kept.bytes);
    log::Info("pipeline", "copy.resumed", "an interrupted copy of a table goes on: ranges that were finished are not read again",
              {{"table", ToString(run_.tables[table].schema->name)}, {"ranges_kept", std::to_string(kept.ranges)},
               {"ranges_left", std::to_string(ranges_left_[table])}, {"bytes_kept", std::to_string(kept.bytes)}});
  }

  /// The targets that keep something of the table.
  std::vector<size_t> Resumed(size_t table) const {
    std::vector<size_t> targets;
    for (size_t i = 0; i < run_.targets.size(); ++i) {
      const std::vector<size_t>& tables = run_.targets[i].tables;
      if (std::find(tables.begin(), tables.end(), table) == tables.end()) continue;
      if (run_.targets[i].sink->kept_copies().contains(run_.tables[table].schema->name)) targets.push_back(i);
    }
    return targets;
  }

  void Work() {
    Status worked = WorkUntilDone();
    if (!worked.ok()) Fail(std::move(worked).error());
  }

  Status WorkUntilDone() {
    std::unique_ptr<InitialCopy::Reader> own;
    if (run_.reader == nullptr) {
      ASSIGN_OR_RETURN(own, copy_.Open());
    }
    InitialCopy::Reader& reader = run_.reader != nullptr ? *run_.reader : *own;
    while (!end_.stop_requested()) {
      const size_t next = next_.fetch_add(1);
      if (next >= whole_.size() + reading_.ranges.size()) return Ok();
      if (next < whole_.size()) {
        RETURN_IF_ERROR(BringUp(reader, whole_[next]));
        continue;
      }
      const RangeToRead& next_range = reading_.ranges[next - whole_.size()];
      if (run_.guard != nullptr) run_.guard->Admit(next_range.range.size_bytes, end_.get_token());
      if (end_.stop_requested()) return Ok();
      RETURN_IF_ERROR(CopyOne(reader, next_range));
    }
    return Ok();
  }

  // What is to be done about a table that cannot be read.
  Status Unreadable(size_t table, Error error) {
    if (error.code == slu::kCopiedTableRewritten) {
      Postpone(error);
      return Ok();
    }
    // Values that a sink cannot read: a column has another type by now than the catalog said.
    const bool of_table = error.sink.empty() || error.kind == ErrorKind::kCorrupt;
    return of_table ? About(run_.tables[table].schema->name, std::move(error)) : error;
  }

  Status CopyOne(InitialCopy::Reader& reader, const RangeToRead& to_read) {
    const CopyRange& range = to_read.range;
    progress_.RangeStarted(range.table);
    FanOut rows(range.table, progress_, end_.get_token());
    RETURN_IF_ERROR(rows.Open(run_, to_read.targets, BlockRange{run_.tables[range.table].leaves[range.leaf].oid, range.first_block, range.end_block}));
    Status read = reader.Read(run_.tables[range.table], range, rows);
    if (!read.ok()) return Unreadable(range.table, std::move(read).error());
    SLUICE_FAILPOINT("pipeline.range_read");
    RETURN_IF_ERROR(rows.Finish());
    SLUICE_FAILPOINT("pipeline.range_written");
    progress_.RangeDone(range.table, range.size_bytes);
    bool complete;
    {
      const std::lock_guard lock(mutex_);
      complete = --ranges_left_[range.table] == 0;
    }
    return complete ? BringUp(reader, range.table) : Ok();
  }

  // All ranges of the table are with the sinks. Those that were read under an earlier snapshot are brought to this one.
  Status BringUp(InitialCopy::Reader& reader, size_t table) {
    const TableName& name = run_.tables[table].schema->name;
    std::map<Lsn, std::vector<size_t>> begun;  // By the snapshot that a sink's copy began under.
    for (const size_t i : Resumed(table)) begun[run_.targets[i].sink->kept_copies().at(name).lsn].push_back(i);
    for (const auto& [since, targets] : begun) {
      const auto touched = run_.touched.find({name, since});
      if (touched == run_.touched.end() || touched->second.keys.empty()) continue;
      ASSIGN_OR_RETURN(const bool read, ReadAgain(reader, table, touched->second.keys, targets));
      if (!read) return Ok();
    }
    Complete(table);
    return Ok();
  }

  /// False: the table is postponed.
  Result<bool> ReadAgain(InitialCopy::Reader& reader, size_t table, const StreamedKeys& touched, const std::vector<size_t>& targets) {
    HeldRows keys;
    Status read = reader.ReadKeys(run_.tables[table], touched, end_.get_token(), keys);
    if (read.ok()) {
      for (const size_t i : targets) {
        Status removed = run_.targets[i].sink->RemoveCopied(run_.tables[table], keys.bytes(), keys.count());
        if (!removed.ok()) return OfSink(std::move(removed).error(), *run_.targets[i].sink);
      }
      SLUICE_FAILPOINT("pipeline.touched_rows_removed");
      FanOut rows(table, progress_, end_.get_token());
      RETURN_IF_ERROR(rows.Open(run_, targets, std::nullopt));
      read = reader.ReadRowsOf(run_.tables[table], touched, end_.get_token(), rows);
      if (read.ok()) RETURN_IF_ERROR(rows.Finish());
    }
    if (!read.ok()) {
      RETURN_IF_ERROR(Unreadable(table, std::move(read).error()));
      return false;
    }
    SLUICE_FAILPOINT("pipeline.touched_rows_written");
    log::Info("pipeline", "copy.rows_read_again", "rows that changed while the copy was interrupted were read again by their keys",
              {{"table", ToString(run_.tables[table].schema->name)}, {"keys", std::to_string(keys.count())}});
    return true;
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
  const RangesToRead reading_;
  std::vector<size_t> whole_;      // Tables all of whose ranges are kept; come before the ranges.
  std::atomic<size_t> next_{0};
  std::stop_source end_;
  FirstError first_error_;

  std::mutex mutex_;  // Guards the three below.
  std::vector<size_t> ranges_left_;    // By table.
  std::vector<size_t> finishes_left_;  // By table: sinks that have not made it complete.
  std::optional<Error> postponed_;     // The first table that must be copied again.

  std::vector<std::unique_ptr<TableFinisher>> finishers_;  // One per target; last: ends first.
};

// Without the keys that were touched, what is kept of a table is of no use; and the table may be another by now.
Status KeepWhatFits(const InitialCopyRun& run, Sink& sink) {
  std::set<TableName> kept;
  for (const auto& [name, copy] : sink.kept_copies()) {
    const auto table = std::find_if(run.tables.begin(), run.tables.end(), [&](const TableDefinition& one) { return one.schema->name == name; });
    const auto touched = run.touched.find({name, copy.lsn});
    const bool same = table != run.tables.end() && copy.oid == table->schema->oid && copy.fingerprint == CopyFingerprint(*table);
    if (same && touched != run.touched.end() && touched->second.unknown.empty()) {
      kept.insert(name);
      continue;
    }
    const std::string reason = same && touched != run.touched.end() ? touched->second.unknown : "it was changed, truncated or rewritten meanwhile";
    log::Info("pipeline", "copy.from_the_start", "an interrupted copy of a table can't go on, so it starts again",
              {{"table", ToString(name)}, {"sink", std::string(sink.name())}, {"reason", reason}});
  }
  return sink.KeepCopies(kept);
}

}  // namespace

Status RunInitialCopy(const InitialCopyRun& run, InitialCopy& copy, CopyProgress& progress, std::stop_token stop) {
  std::vector<const TableDefinition*> tables;
  for (const TableDefinition& table : run.tables) tables.push_back(&table);
  progress.Begin(run.position.lsn, tables);
  for (const CopyTarget& target : run.targets) {
    std::vector<TableDefinition> needed;
    for (const size_t table : target.tables) needed.push_back(run.tables[table]);
    Status kept = KeepWhatFits(run, *target.sink);
    if (!kept.ok()) return OfSink(std::move(kept).error(), *target.sink);
    Status prepared = target.sink->PrepareTables(needed, {run.position, run.source_time});
    if (!prepared.ok()) return OfSink(std::move(prepared).error(), *target.sink);
  }
  SLUICE_FAILPOINT("pipeline.tables_prepared");
  RETURN_IF_ERROR(Copying(run, copy, progress).Run(stop));
  progress.End();
  return Ok();
}

}  // namespace sluice

#pragma once
// A source and destinations in memory. What is durable lives in FakeLog and FakeDestination and survives the
// pipelines, streams and sinks of a test, as servers do.
//
// A row is an int64; tables have one column. Changes are carried as TupleData, copies as binary COPY tuples, so
// the pipeline sees the real forms.

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "pipeline/pipeline.h"
#include "sink/sink.h"
#include "source/source.h"

namespace sluice::testing {

using RowSet = std::multiset<int64_t>;

struct FakeChange {
  TableName table;
  Operation operation = Operation::kInsert;
  int64_t row = 0;
};

struct FakeTransaction {
  Lsn commit_lsn, end_lsn;
  std::vector<FakeChange> changes;
};

TableName Named(const std::string& name);

/// As StoredRows.
void SumUp(const RowSet& rows, const Buckets& buckets, BucketSums& sums);
void FetchFrom(const RowSet& rows, const Buckets& buckets, std::vector<FetchedRow>& fetched);

/// What a test does at a step, e.g. fail. May be set while the pipeline runs.
class Hook {
 public:
  using Function = std::function<Status(const std::string& step)>;
  Hook& operator=(Function function) {
    const std::lock_guard lock(mutex_);
    function_ = std::move(function);
    return *this;
  }
  Status operator()(const std::string& step) const {
    Function function;
    {
      const std::lock_guard lock(mutex_);
      function = function_;
    }
    return function ? function(step) : Ok();
  }

 private:
  mutable std::mutex mutex_;  // Guards the function, not its call.
  Function function_;
};

/// The source server: its log, its slot, its tables. Thread-safe.
class FakeLog {
 public:
  explicit FakeLog(std::vector<std::string> tables);

  /// Commits one transaction and returns where it ends.
  Lsn Commit(std::vector<FakeChange> changes);
  Lsn Insert(const std::string& table, int64_t first, int64_t count = 1);
  /// The log moves on without changes for us.
  Lsn Idle();

  Lsn end() const;
  Lsn EndLocked() const { return end_; }  ///< With `mutex` held.
  RowSet RowsAt(const TableName& table, Lsn before) const;  ///< Commits with commit_lsn < before.
  RowSet Rows(const TableName& table) const { return RowsAt(table, Lsn{UINT64_MAX}); }
  std::vector<TableDefinition> definitions() const;
  std::vector<TableDefinition> DefinitionsLocked() const;  ///< With `mutex` held.
  void AddTable(const std::string& name);

  LogIdentity identity{7001, 1, "shop", "sluice"};
  std::vector<TimelineSwitch> timelines_left;

  mutable std::mutex mutex;  // Guards everything below.
  std::condition_variable changed;
  std::vector<FakeTransaction> transactions;
  std::vector<std::string> tables;
  std::map<std::string, Oid> made_anew;       ///< Another OID than their place in the list gives them.
  uint64_t columns = 0;                       ///< Of every table's fingerprint.
  std::optional<SlotState> slot;
  std::vector<Lsn> acknowledged;              ///< Every acknowledgement in the order it came.
  size_t changes_per_part = SIZE_MAX;         ///< Larger transactions come in parts.
  size_t transactions_per_batch = 1;
  std::set<std::string> not_published;
  int streams_opened = 0;
  int snapshots_exported = 0;
  /// Called with "open_source", "find_slot", "create_slot", "before_export", "export", "open_reader", "read",
  /// "open_stream", "next", "acknowledge" before that step.
  Hook fail;

 private:
  Lsn end_{1000};
};

class FakeSource final : public Source {
 public:
  explicit FakeSource(FakeLog& log) : log_(log) {}
  const LogIdentity& identity() const override { return log_.identity; }
  Result<std::vector<TableDefinition>> ReadTables() override { return log_.definitions(); }
  Status EnsurePublication(const std::vector<TableDefinition>&) override { return Ok(); }
  Result<std::set<TableName>> PublishedTables() override;
  Result<std::optional<SlotState>> FindSlot() override;
  Result<std::unique_ptr<InitialCopy>> CreateSlotWithSnapshot() override;
  Result<std::unique_ptr<InitialCopy>> ExportSnapshot(std::chrono::milliseconds wait_max) override;
  Result<std::unique_ptr<ChangeStream>> OpenStream(Lsn resume_from) override;
  Result<Lsn> CurrentLsn() override { return log_.end(); }
  Result<Timestamp> Now() override { return SystemClock().Now(); }
  Result<SourceLog> ReadLog() override { return SourceLog{log_.identity, log_.end(), log_.timelines_left}; }
  Result<std::optional<std::chrono::milliseconds>> StandbyLag() override { return std::optional<std::chrono::milliseconds>(); }
  Status DropSlot() override;
  Status DropSlotAndPublication() override { return Ok(); }

 private:
  FakeLog& log_;
};

/// What a destination holds durably, and how it behaves. Thread-safe.
class FakeDestination {
 public:
  explicit FakeDestination(std::string sink_name) : name(std::move(sink_name)) {}

  RowSet Rows(const TableName& table) const;
  HeldTables holds() const;
  Lsn bookmark_lsn() const;
  size_t commits() const;
  /// Until all tables are at or beyond `lsn`; false after 10 s.
  bool WaitFor(Lsn lsn) const;
  /// Until the table is copied and not held; false after 10 s.
  bool WaitUntilCopied(const TableName& table) const;
  void Block();    ///< Write waits from now on.
  void Unblock();

  const std::string name;

  mutable std::mutex mutex;  // Guards everything below.
  mutable std::condition_variable changed;
  std::map<TableName, RowSet> rows;
  CopiedTables copied;
  HeldTables held;
  std::optional<Bookmark> bookmark;
  uint64_t epoch = 0;
  std::vector<Lsn> commit_lsns;
  std::vector<std::vector<std::string>> finished_groups;
  std::vector<std::string> prepared;
  CopyPoint prepared_at;
  std::map<TableName, RowSet> staged;         ///< Of copies that are not complete.
  KeptCopies kept;                            ///< Whose ranges those are.
  std::vector<std::string> ranges_written;    ///< "shot 0" and "shot 5", by their first block.
  size_t writes = 0;
  bool blocked = false;
  /// Called with "prepare", "copy", "copying", "copied", "remove", "finish", "follow", "write", "write TABLE", "commit", "repair", "view" before that step,
  /// "commit.after" after it.
  Hook fail;
};

class FakeSink final : public Sink {
 public:
  explicit FakeSink(FakeDestination& destination);
  FakeSink(FakeDestination& destination, uint64_t epoch);  ///< Beside the one that took the epoch.
  std::string_view name() const override { return destination_.name; }
  const std::optional<Bookmark>& bookmark() const override { return bookmark_; }
  const CopiedTables& copied_tables() const override { return copied_; }
  const HeldTables& held_tables() const override { return held_; }
  const KeptCopies& kept_copies() const override { return kept_; }
  Status KeepCopies(const std::set<TableName>& tables) override;
  Status Hold(const TableName& table, const HeldTable& why) override;
  Status Forget(const TableName& table) override;
  Status ForgetBookmark() override;
  Status Follow(const TableDefinition& table, FollowExtent extent) override;
  Result<std::unique_ptr<Sink>> OpenBeside() override;
  Status PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) override;
  Result<std::unique_ptr<CopyWriter>> OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) override;
  Status RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) override;
  Status FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position,
                      Timestamp source_time) override;
  Status Write(ChangeBatchPtr batch) override;
  Status Commit(const Position& position, Timestamp source_time) override;
  Status Repair(std::span<const RowRepair> repairs) override;
  Result<std::unique_ptr<SinkView>> View() override;
  size_t uncommitted_bytes() const override { return uncommitted_bytes_; }

  /// Rows of a range that is complete, or of none.
  void Stage(const TableName& table, const std::vector<int64_t>& rows, const std::optional<BlockRange>& range);
  FakeDestination& destination() { return destination_; }

 private:
  Status CheckEpoch() const;
  void Apply(const FakeChange& change);
  bool Wants(const Transaction& transaction, const TableName& table) const;

  FakeDestination& destination_;
  uint64_t epoch_ = 0;
  std::optional<Bookmark> bookmark_;
  CopiedTables copied_;
  HeldTables held_;
  KeptCopies kept_;                         // As they were when it was opened.
  std::map<TableName, RowSet> working_;     // The stream's.
  size_t uncommitted_bytes_ = 0;
};

/// A log with destinations and the connector over them.
class FakeWorld {
 public:
  FakeWorld(std::vector<std::string> tables, std::vector<std::string> sinks);

  FakeDestination& sink(size_t index) { return *destinations[index]; }
  Connector connector();
  /// Every destination holds what the log holds, but for tables that it says it holds.
  bool Equal() const;

  FakeLog log;
  std::vector<std::unique_ptr<FakeDestination>> destinations;
  CommitPolicy commit;
  std::map<std::string, CommitPolicy> commit_of;
};

}  // namespace sluice::testing

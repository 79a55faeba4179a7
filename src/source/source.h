#pragma once
// One place that rows come from: its facts, its slot, its copy and its stream.

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "change/position.h"
#include "change/table_definition.h"
#include "source/change_stream.h"
#include "source/initial_copy.h"

namespace sluice {

/// The replication slot as the source shows it.
struct SlotState {
  std::string name;
  Lsn confirmed_flush_lsn;          ///< Commits that end at or before it will never be sent again.
  Lsn restart_lsn;                  ///< Unset when the slot is lost.
  bool active = false;
  int active_pid = 0;
  bool lost = false;                ///< Invalidated: WAL it needed is gone.
  std::string wal_status;           ///< reserved, extended, unreserved, lost.
  uint64_t behind_bytes = 0;        ///< confirmed_flush_lsn to the end of the log.
  uint64_t retained_bytes = 0;      ///< restart_lsn to the end of the log: what it costs the source's disk.
  std::optional<uint64_t> bytes_until_lost;  ///< How much more log until PostgreSQL invalidates it; unset: it never does.
};

/// Where the log left a timeline for the next one.
struct TimelineSwitch {
  uint32_t timeline = 0;
  Lsn end;
};

/// What there is to read.
struct SourceLog {
  LogIdentity identity;
  Lsn end;                           ///< Of now.
  std::vector<TimelineSwitch> left;  ///< The timelines that its own has come from.
};

/// How long a snapshot for a copy may wait for transactions that are open.
inline constexpr std::chrono::seconds kSnapshotWaitMax{60};

/// Not thread-safe, except that InitialCopy::Open and the stream work on connections of their own.
class Source {
 public:
  virtual ~Source() = default;

  /// Which log; the slot's name as configured.
  virtual const LogIdentity& identity() const = 0;

  /// Where it ends, and which timelines are behind it.
  virtual Result<SourceLog> ReadLog() = 0;

  /// The tables that the configuration names, with all their facts.
  virtual Result<std::vector<TableDefinition>> ReadTables() = 0;

  /// Makes the publication hold exactly these tables. Error: kNeedsOperator (2117) for a table whose UPDATE and
  /// DELETE would fail once published.
  virtual Status EnsurePublication(const std::vector<TableDefinition>& tables) = 0;

  /// What is published now. Of other tables the latest changes are in no stream.
  virtual Result<std::set<TableName>> PublishedTables() = 0;

  virtual Result<std::optional<SlotState>> FindSlot() = 0;

  /// Makes the permanent slot; the copy reads the snapshot it exported and keeps its session open.
  virtual Result<std::unique_ptr<InitialCopy>> CreateSlotWithSnapshot() = 0;

  /// A snapshot of now, through a temporary slot that lives as long as the result.
  /// Error: kUnavailable (2202) naming the open transaction that PostgreSQL waits for, after `wait_max`.
  virtual Result<std::unique_ptr<InitialCopy>> ExportSnapshot(std::chrono::milliseconds wait_max) = 0;

  /// Starts to stream after `resume_from`. Error: kConflict (slot in use), kSourceLost, kNeedsOperator.
  virtual Result<std::unique_ptr<ChangeStream>> OpenStream(Lsn resume_from) = 0;

  /// Where the log ends now.
  virtual Result<Lsn> CurrentLsn() = 0;

  /// The source's clock.
  virtual Result<Timestamp> Now() = 0;

  /// How far the slowest physical standby is behind; nullopt: there is none, or we may not know.
  virtual Result<std::optional<std::chrono::milliseconds>> StandbyLag() = 0;

  /// Drops the slot if it is there. Error: kUnavailable while somebody reads it.
  virtual Status DropSlot() = 0;

  /// Drops both if they are there, and looks whether they are gone.
  virtual Status DropSlotAndPublication() = 0;
};

}  // namespace sluice

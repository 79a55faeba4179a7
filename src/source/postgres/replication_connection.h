#pragma once
// A walsender session: the replication commands, and the stream of CopyData behind START_REPLICATION.
//
// CopyData from the server:  'w' start: int64 | end of log: int64 | clock: int64 | pgoutput message
//                            'k' end of log: int64 | clock: int64 | reply now: int8
// CopyData to the server:    'r' written: int64 | flushed: int64 | applied: int64 | clock: int64 | reply now: int8
// Source: PostgreSQL manual, "Streaming Replication Protocol".

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "change/lsn.h"
#include "postgres/connection.h"
#include "source/source.h"

namespace sluice {

struct SystemIdentity {
  uint64_t system_identifier = 0;
  uint32_t timeline = 0;
  std::string database;
};

struct CreatedSlot {
  Lsn consistent_point;
  std::string snapshot;  ///< Name of the exported snapshot; holds while this session does nothing else.
};

struct StreamOptions {
  std::string slot;
  std::vector<std::string> publications;
  Lsn start;
  bool binary = true;
};

struct Keepalive {
  Lsn wal_end;
  bool reply_now = false;
};

/// The CopyData of a stream that has started, both ways.
class CopyDataStream {
 public:
  virtual ~CopyDataStream() = default;

  /// The next CopyData without waiting; nullopt: nothing is there now. Valid until the next call.
  /// Error: kUnavailable (connection lost), kSourceLost, kNeedsOperator (2131).
  virtual Result<std::optional<Bytes>> Receive() = 0;

  virtual Status SendStatus(Lsn received, Lsn durable, Timestamp now, bool reply_now) = 0;

  /// Who has not called Receive for a while calls this first: the silence was our own.
  virtual void BeginWaiting() = 0;
  /// Nothing has come for so long that the other side should be asked for a sign of life.
  virtual bool IsSilent() const = 0;

  /// Until there may be something to receive or `other_socket` (-1: none) is readable, at most `wait_max`.
  virtual void Wait(std::chrono::milliseconds wait_max, int other_socket) = 0;
};

class ReplicationConnection final : public CopyDataStream {
 public:
  static Result<ReplicationConnection> Connect(const std::string& dsn, const std::string& application_name);

  Result<SystemIdentity> Identify();

  /// The timelines behind this one, oldest first. Error: kUnavailable, kCorrupt.
  Result<std::vector<TimelineSwitch>> ReadTimelinesLeft(uint32_t timeline);

  /// Makes a logical slot with pgoutput and exports its snapshot. PostgreSQL waits until every transaction that is
  /// open now has ended; after `wait_max` this gives up and leaves no slot behind.
  /// Error: kUnavailable (2202, names the blocker), kNeedsOperator (2103, 2102).
  Result<CreatedSlot> CreateSlot(const std::string& name, bool temporary, PgConnection& observer, std::chrono::milliseconds wait_max);

  /// Error: kConflict (2203) if somebody reads the slot, kSourceLost (2204, 2201), kNeedsOperator.
  Status Start(const StreamOptions& options);

  Result<std::optional<Bytes>> Receive() override;
  Status SendStatus(Lsn received, Lsn durable, Timestamp now, bool reply_now) override;
  void Wait(std::chrono::milliseconds wait_max, int other_socket) override;
  void BeginWaiting() override { connection_.BeginWaiting(); }
  bool IsSilent() const override { return connection_.IsSilent(); }

  PgConnection& connection() { return connection_; }

 private:
  explicit ReplicationConnection(PgConnection connection) : connection_(std::move(connection)) {}
  Result<std::optional<Bytes>> EndOfStream();

  PgConnection connection_;
  std::unique_ptr<char, FreeWith<PQfreemem>> received_;
};

/// Of a timeline history file: lines of timeline, where it was left, and why, divided by tabs. Error: kCorrupt.
Result<std::vector<TimelineSwitch>> ParseTimelineHistory(std::string_view text);

/// Error: kCorrupt.
Result<Keepalive> ParseKeepalive(Bytes copy_data);

/// What the server said about a slot or publication, sorted by SQLSTATE and text into 2103, 2131, 2201, 2203, 2204.
Error SlotError(Error error, const std::string& slot);

}  // namespace sluice

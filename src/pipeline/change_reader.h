#pragma once
// The one reader: pulls batches from the stream, gives each to every sink's queue, acknowledges.

#include <atomic>
#include <optional>
#include <stop_token>
#include <vector>

#include "pipeline/cut_requests.h"
#include "pipeline/sink_thread.h"
#include "pipeline/touched_keys.h"
#include "source/change_stream.h"

namespace sluice {

class ChangeReader {
 public:
  /// `until`: end once everything that commits before it was handed to the sinks. `touched`: told every batch, before
  /// the sinks are, which may make it wait; may be null.
  ChangeReader(ChangeStream& stream, std::vector<SinkThread*> sinks, CutRequests& cuts, Lsn resume_from,
               std::optional<Lsn> until, TouchedKeys* touched = nullptr);

  /// Until `until`, a request to stop, a sink that takes no more (its error is told elsewhere), or an error of the
  /// stream. Only in the second and third case it may end inside a transaction.
  Status Run(std::stop_token stop);

  /// Tells the slot what all sinks have made durable. Also a sign of life.
  Status Acknowledge();

  /// From any thread: what was acknowledged last.
  Lsn acknowledged() const { return acknowledged_.load(); }

  /// From any thread: acknowledges nothing beyond `lsn` and does not end at `until`, since a copy is under way from
  /// there. Called before the copy's snapshot is taken with a position that is not beyond it, e.g. 0.
  void KeepFrom(Lsn lsn) { keep_from_ = lsn.value; }

 private:
  Status Forward(const ChangeBatchPtr& batch, const std::stop_token& stop);
  /// False: a stop or a sink that takes no more came before all had it.
  Result<bool> PushToAll(const SinkItem& item, size_t size_bytes, const std::stop_token& stop);

  ChangeStream& stream_;
  const std::vector<SinkThread*> sinks_;
  CutRequests& cuts_;
  const std::optional<Lsn> until_;
  TouchedKeys* const touched_;
  std::atomic<uint64_t> keep_from_{UINT64_MAX};
  Lsn received_;
  std::atomic<Lsn> acknowledged_{Lsn{}};
  bool in_transaction_ = false;
  bool sink_closed_ = false;
  std::shared_ptr<Barrier> barrier_;  // To be put before the first transaction at or after its LSN.
};

}  // namespace sluice

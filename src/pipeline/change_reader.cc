#include "pipeline/change_reader.h"

#include <algorithm>

#include "base/failpoint.h"
#include "pipeline/acknowledgement.h"
#include "pipeline/batch_cut.h"

namespace sluice {
namespace {

// How soon a request to stop, to compare, or a new bookmark is noticed while nothing comes.
constexpr std::chrono::milliseconds kStreamWait{100};
// How soon while a queue is full; the stream is kept alive that often.
constexpr std::chrono::milliseconds kPushWait{100};

}  // namespace

ChangeReader::ChangeReader(ChangeStream& stream, std::vector<SinkThread*> sinks, CutRequests& cuts, Lsn resume_from,
                           std::optional<Lsn> until, TouchedKeys* touched)
    : stream_(stream), sinks_(std::move(sinks)), cuts_(cuts), until_(until), touched_(touched), received_(resume_from) {}

Status ChangeReader::Run(std::stop_token stop) {
  while (!stop.stop_requested() && !sink_closed_) {
    const bool copying = keep_from_ != UINT64_MAX;
    if (until_ && received_ >= *until_ && !in_transaction_ && !copying) return Ok();
    if (!barrier_) {
      ASSIGN_OR_RETURN(barrier_, cuts_.PauseIfAsked([this] { return Acknowledge(); }, stop));
    }
    ASSIGN_OR_RETURN(const ChangeBatchPtr batch, stream_.Next(kStreamWait));
    if (batch && touched_ != nullptr) touched_->Add(*batch);
    if (batch) RETURN_IF_ERROR(Forward(batch, stop));
    RETURN_IF_ERROR(Acknowledge());
  }
  return Ok();
}

Status ChangeReader::Forward(const ChangeBatchPtr& batch, const std::stop_token& stop) {
  bool all = true;  // What every sink was given counts as received, also if a stop came meanwhile.
  const auto push = [&](const SinkItem& item, size_t size_bytes) -> Status {
    if (!all) return Ok();
    ASSIGN_OR_RETURN(all, PushToAll(item, size_bytes, stop));
    return Ok();
  };
  if (!barrier_) {
    RETURN_IF_ERROR(push(batch, batch->size_bytes()));
  } else {
    const BatchCut cut = CutAt(batch, barrier_->lsn());
    if (cut.before) RETURN_IF_ERROR(push(cut.before, cut.before->size_bytes()));
    if (cut.barrier_here) RETURN_IF_ERROR(push(std::exchange(barrier_, nullptr), 0));
    if (cut.after) RETURN_IF_ERROR(push(cut.after, cut.after->size_bytes()));
  }
  if (!all) return Ok();
  in_transaction_ = !batch->transactions.empty() ? !batch->ends_transaction() : in_transaction_;
  if (!in_transaction_) received_ = std::max(received_, batch->end_lsn);
  return Ok();
}

Result<bool> ChangeReader::PushToAll(const SinkItem& item, size_t size_bytes, const std::stop_token& stop) {
  std::vector<SinkThread*> waiting = sinks_;
  std::chrono::milliseconds wait{0};  // Whoever has room gets it at once; only then wait for the others.
  while (!waiting.empty() && !stop.stop_requested()) {
    for (auto sink = waiting.begin(); sink != waiting.end();) {
      SinkItem copy = item;
      const QueueState pushed = (*sink)->Push(copy, size_bytes, wait);
      if (pushed == QueueState::kClosed) {
        sink_closed_ = true;
        return false;
      }
      sink = pushed == QueueState::kDone ? waiting.erase(sink) : sink + 1;
    }
    if (!waiting.empty() && wait.count() > 0) RETURN_IF_ERROR(Acknowledge());
    wait = kPushWait;
  }
  return waiting.empty();
}

Status ChangeReader::Acknowledge() {
  std::vector<Lsn> durable{Lsn{keep_from_}};
  for (const SinkThread* sink : sinks_) durable.push_back(sink->durable());
  const Lsn before = acknowledged_.load();
  const Lsn next = NextAcknowledged(before, received_, durable);
  if (next > before) SLUICE_FAILPOINT("pipeline.before_acknowledge");
  RETURN_IF_ERROR(stream_.Acknowledge(next));
  acknowledged_ = next;
  return Ok();
}

}  // namespace sluice

#include "pipeline/cut_requests.h"

#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kKeepAliveInterval{500};
constexpr int kTakeAttempts = 10;
constexpr std::chrono::seconds kTakeWait{5};

Error NotStreaming() {
  return Error{ErrorKind::kUnavailable, "the stream does not run, so there is no moment to compare at",
               slu::kVerifyNotStreaming};
}

}  // namespace

Status CutRequests::WaitUntilStreaming() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return attached_ || !ended_.ok(); });
  return attached_ ? Ok() : ended_;
}

void CutRequests::WaitUntilStreaming(std::chrono::milliseconds wait_max) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait_max, [&] { return attached_; });
}

// Tables that join or are copied again end a pipeline, and the next one streams soon.
Result<ConsistentCut> CutRequests::Take(const Export& export_snapshot, const std::string& held_sink) {
  for (int attempt = 1;; ++attempt) {
    Result<ConsistentCut> cut = TakeOnce(export_snapshot, held_sink);
    if (cut.ok() || cut.error().code != slu::kVerifyNotStreaming || attempt == kTakeAttempts) return cut;
    std::unique_lock lock(mutex_);
    if (!another_follows_) return cut;
    if (!changed_.wait_for(lock, kTakeWait, [&] { return attached_ || !ended_.ok(); })) return cut;
  }
}

Result<ConsistentCut> CutRequests::TakeOnce(const Export& export_snapshot, const std::string& held_sink) {
  std::unique_lock lock(mutex_);
  if (!attached_) return NotStreaming();
  changed_.wait_for(lock, kTakeWait, [&] { return !busy_ || !attached_; });
  if (!attached_) return NotStreaming();
  if (busy_) return Error{ErrorKind::kConflict, "another verification is being prepared", slu::kVerifyBusy};
  busy_ = true;
  state_ = State::kAsked;
  asked_ = true;
  const auto give_up = [&](Error error) {
    busy_ = false;
    asked_ = false;
    state_ = State::kIdle;
    barrier_ = nullptr;
    changed_.notify_all();
    return error;
  };
  changed_.wait(lock, [&] { return state_ != State::kAsked; });
  if (state_ != State::kPaused) return give_up(NotStreaming());

  lock.unlock();
  Result<std::unique_ptr<InitialCopy>> exported = export_snapshot();
  lock.lock();
  if (!exported.ok()) return give_up(std::move(exported).error());
  if (state_ == State::kExpired)
    return give_up(Error{ErrorKind::kUnavailable,
                         "the source did not export a snapshot within the 5 s for which the stream may stand still",
                         slu::kVerifySnapshotLate});
  if (state_ != State::kPaused) return give_up(NotStreaming());  // Another pipeline may stream by now: not held.
  const auto barrier = std::make_shared<Barrier>((*exported)->snapshot_lsn(), sinks_, held_sink);
  const std::shared_ptr<void> owner = owner_;
  barrier_ = barrier;
  state_ = State::kReady;
  changed_.notify_all();

  lock.unlock();
  Result<std::vector<SinkCut>> cuts = barrier->Wait();
  lock.lock();
  if (!cuts.ok()) {
    if (barrier->hold() != nullptr) barrier->hold()->Release();
    return give_up(std::move(cuts).error());
  }
  busy_ = false;
  barrier_ = nullptr;
  changed_.notify_all();
  return ConsistentCut{owner, std::move(exported).value(), std::move(cuts).value(), barrier};
}

void CutRequests::Attach(size_t sinks, std::shared_ptr<void> owner) {
  const std::lock_guard lock(mutex_);
  attached_ = true;
  another_follows_ = false;
  ended_ = Ok();
  sinks_ = sinks;
  owner_ = std::move(owner);
  changed_.notify_all();
}

void CutRequests::Detach(const Error& reason, bool another_follows) {
  std::shared_ptr<void> last_owner;  // The sinks may die here, but not under the lock.
  const std::lock_guard lock(mutex_);
  attached_ = false;
  asked_ = false;
  state_ = State::kIdle;  // Whoever is being served finds that its reader is gone.
  another_follows_ = another_follows;
  if (!another_follows) ended_ = reason;
  last_owner = std::move(owner_);
  if (barrier_) barrier_->Fail(reason);
  changed_.notify_all();
}

Result<std::shared_ptr<Barrier>> CutRequests::PauseIfAsked(const std::function<Status()>& keep_alive,
                                                           std::stop_token stop) {
  if (!asked_.load(std::memory_order_relaxed)) return std::shared_ptr<Barrier>();
  std::unique_lock lock(mutex_);
  if (state_ != State::kAsked) return std::shared_ptr<Barrier>();
  state_ = State::kPaused;
  asked_ = false;
  changed_.notify_all();
  const auto deadline = std::chrono::steady_clock::now() + kReaderPauseMax;
  while (state_ == State::kPaused && !stop.stop_requested()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      state_ = State::kExpired;  // The stream goes on; a snapshot that comes now is of no use.
      changed_.notify_all();
      break;
    }
    const auto wait = std::min<std::chrono::steady_clock::duration>(kKeepAliveInterval, deadline - now);
    changed_.wait_for(lock, stop, wait, [&] { return state_ != State::kPaused; });
    lock.unlock();
    RETURN_IF_ERROR(keep_alive());
    lock.lock();
  }
  if (state_ != State::kReady) return std::shared_ptr<Barrier>();
  state_ = State::kIdle;
  return barrier_;
}

}  // namespace sluice

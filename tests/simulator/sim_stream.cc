#include "sim_stream.h"

#include <algorithm>

#include "coverage.h"
#include "observability/errors/source_codes.h"

namespace sluice::simulator {
namespace {

constexpr Nanoseconds kHeartbeatInterval = 10 * kSecond;
constexpr std::chrono::nanoseconds kLooksAgain = std::chrono::milliseconds(5);  // A log that grows is noticed so soon.

}  // namespace

Result<std::unique_ptr<CopyDataStream>> SimStream::Start(World& world, LifePtr life, Lsn from) {
  FakeServer& server = world.server;
  server.Settle(world.scheduler.now());
  if (!server.slot) return Error{ErrorKind::kSourceLost, "there is no replication slot", slu::kSlotMissing};
  if (server.slot->lost) return Error{ErrorKind::kSourceLost, "the slot was invalidated", slu::kSlotLost};
  if (server.slot->reader != 0) return Error{ErrorKind::kConflict, "the slot is being read by someone else", slu::kSlotInUse};
  if (world.other_log) Fail("a stream of another log than the sinks follow was opened");
  const uint64_t session = ++server.last_session;
  server.slot->reader = session;
  server.slot->released_at = kNever;
  WalSenderOptions options;
  options.start = std::max(from, server.slot->confirmed);
  options.major = server.major;
  options.binary = world.binary;
  options.changes_in_memory = server.changes_in_memory;
  return std::unique_ptr<CopyDataStream>(new SimStream(world, std::move(life), session, options));
}

SimStream::SimStream(World& world, LifePtr life, uint64_t session, const WalSenderOptions& options)
    : world_(world), life_(std::move(life)), session_(session), incarnation_(world.server.incarnation), sender_(world.server.database, options),
      keepalive_(sender_.Keepalive(false)), asking_keepalive_(sender_.Keepalive(true)), last_keepalive_(options.start) {
  if (!options.binary) Count(Event::kTextTuples);
}

SimStream::~SimStream() {
  FakeServer& server = world_.server;
  if (!server.slot || server.slot->reader != session_ || server.incarnation != incarnation_) return;
  const Nanoseconds now = world_.scheduler.now();
  const bool clean = life_->alive && !cut_;
  if (clean) {
    for (FakeServer::Slot::Status& status : server.slot->under_way) status.arrives = now;  // A socket that is closed is read to its end.
    server.Settle(now);
  }
  // A reader whose machine vanished is noticed late.
  const bool late = !clean && world_.random.Chance(0.2);
  if (late) Count(Event::kSlotLingers);
  server.slot->released_at = now + (late ? world_.random.Between(1000, 8000) : world_.random.Between(0, 50)) * kMillisecond;
}

Status SimStream::CheckAlive() {
  if (!life_->alive) return Error{ErrorKind::kCancelled, "the process is dead"};
  const bool read_by_us = world_.server.slot && world_.server.slot->reader == session_;
  if (!cut_ && read_by_us && world_.server.incarnation == incarnation_ && world_.server.up(world_.scheduler.now())) return Ok();
  cut_ = true;
  return Cut("the replication stream broke off");
}

void SimStream::Carry(std::string message) {
  const Nanoseconds last = under_way_.empty() ? 0 : under_way_.back().arrives;
  // Often together with the one before, as the network pleases.
  const Nanoseconds delay = world_.random.Chance(0.7) ? 0 : world_.random.Between(0, world_.latency_max);
  under_way_.push_back({std::max(last, world_.scheduler.now() + delay), std::move(message)});
}

// In the program a session of its own sends it (Heartbeat).
void SimStream::Beat() {
  const Nanoseconds now = world_.scheduler.now();
  if (now < next_heartbeat_) return;
  next_heartbeat_ = now + kHeartbeatInterval;
  world_.server.database.Message(0, false, "sluice", std::to_string(SystemClock().Now().time_since_epoch().count()));
}

void SimStream::Fill() {
  Beat();
  bool at_end = false;
  while (under_way_.size() < world_.server.window && !at_end) {
    // Anywhere, also inside of a transaction, the server may tell how far it is, which is where it was before it.
    if (world_.random.Chance(0.01)) Carry(world_.random.Chance(0.3) ? asking_keepalive_ : keepalive_);
    if (produced_.empty()) {
      keepalive_ = sender_.Keepalive(false);
      asking_keepalive_ = sender_.Keepalive(true);
      at_end = !sender_.Step(produced_);
    } else {
      Carry(std::move(produced_.front()));
      produced_.pop_front();
    }
  }
  if (!at_end || !produced_.empty() || sender_.sent() <= last_keepalive_) return;
  last_keepalive_ = sender_.sent();
  Count(Event::kKeepalive);
  const auto& log = world_.server.database.log();
  if (!log.empty() && log.back().kind == Record::Kind::kOther) Count(Event::kKeepaliveBeyond);
  Carry(sender_.Keepalive(false));
}

Result<std::optional<Bytes>> SimStream::Receive() {
  world_.scheduler.MaybePreempt();
  RETURN_IF_ERROR(CheckAlive());
  world_.server.Settle(world_.scheduler.now());
  Fill();
  if (under_way_.empty() || under_way_.front().arrives > world_.scheduler.now()) return std::optional<Bytes>();
  if (world_.faults.Strikes(Fault::kStreamCut)) {
    Count(Event::kStreamCut);
    cut_ = true;
    return CheckAlive().error();
  }
  received_ = std::move(under_way_.front().bytes);
  under_way_.pop_front();
  return std::optional(AsBytes(received_));
}

Status SimStream::SendStatus(Lsn, Lsn durable, Timestamp, bool) {
  world_.scheduler.MaybePreempt();
  RETURN_IF_ERROR(CheckAlive());
  world_.checker.Acknowledged(acknowledged_, durable);
  acknowledged_ = durable;
  auto& under_way = world_.server.slot->under_way;
  const Nanoseconds last = under_way.empty() ? 0 : under_way.back().arrives;
  under_way.push_back({std::max(last, world_.scheduler.now() + world_.random.Between(0, world_.latency_max)), durable});
  return Ok();
}

void SimStream::Wait(std::chrono::milliseconds wait_max, int) {
  const Nanoseconds now = world_.scheduler.now();
  Nanoseconds until = now + std::min(std::chrono::nanoseconds(wait_max), kLooksAgain).count();
  if (!under_way_.empty()) until = std::min(until, under_way_.front().arrives);
  world_.scheduler.SleepUntil(std::max(until, now + kMicrosecond));
}

}  // namespace sluice::simulator

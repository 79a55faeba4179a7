#include "nemesis.h"

#include <algorithm>
#include <utility>

#include "coverage.h"
#include "observability/error_catalog.h"

namespace sluice::simulator {

Nemesis::Nemesis(World& world) : world_(world), random_(world.seed, 5) {
  const std::pair<Deed, double> all[] = {
      {&Nemesis::Kill, 0.08},         {&Nemesis::StopIt, 0.04},     {&Nemesis::CrashServer, 0.03}, {&Nemesis::ServerDown, 0.04},
      {&Nemesis::BlockSink, 0.06},    {&Nemesis::FailOverSink, 0.02}, {&Nemesis::StealEpoch, 0.03},  {&Nemesis::AskResync, 0.06},
      {&Nemesis::AskSkip, 0.03},      {&Nemesis::AskVerify, 0.1},
  };
  for (const auto& [deed, rate] : all)
    if (random_.Chance(0.4)) deeds_.emplace_back(deed, rate * (random_.Chance(0.3) ? 4 : 1));
  deeds_.emplace_back(&Nemesis::Checkpoint, 0.2);
  ruins_ = random_.Chance(0.12);
  interrupts_copies_ = random_.Pick(std::vector<double>{0, 0, 0.05, 0.2, 0.4});
}

void Nemesis::Strike(SimProcess* process) {
  for (const auto& destination : world_.destinations)
    if (random_.Chance(0.1)) destination->Remember();
  for (const auto& [deed, rate] : deeds_)
    if (random_.Chance(rate)) (this->*deed)(process);
  if (ruins_ && random_.Chance(0.03)) {
    ruins_ = false;
    Ruin();
  }
}

void Nemesis::End() {
  condemned_ = nullptr;
  interrupts_copies_ = 0;
  world_.server.down_until = 0;
  for (const auto& destination : world_.destinations) destination->blocked_until = 0;
}

void Nemesis::OnStep(SimProcess* process) {
  uint64_t ranges_copied = 0;
  for (const auto& destination : world_.destinations) ranges_copied += destination->ranges_copied;
  if (std::exchange(ranges_copied_, ranges_copied) < ranges_copied) InCopy(process);
  if (condemned_ == nullptr || --steps_to_live_ > 0) return;
  Trace("process {} is killed", condemned_->number);
  condemned_->alive = false;
  condemned_ = nullptr;
}

void Nemesis::InCopy(SimProcess* process) {
  for (const auto& destination : world_.destinations)
    if (random_.Chance(0.05)) destination->Remember();
  if (!random_.Chance(interrupts_copies_) || !CanKill(process)) return;
  Count(Event::kKillInCopy);
  Condemn(process, uint64_t{1} << random_.Below(10));
}

bool Nemesis::CanKill(SimProcess* process) const { return process != nullptr && process->alive() && condemned_ == nullptr; }

void Nemesis::Condemn(SimProcess* process, uint64_t steps_max) {
  condemned_ = process->life();
  steps_to_live_ = 1 + random_.Below(steps_max);
}

// At any step from now on, often a near one.
void Nemesis::Kill(SimProcess* process) {
  if (!CanKill(process)) return;
  Count(Event::kKill);
  Condemn(process, uint64_t{1} << random_.Below(12));
}

void Nemesis::StopIt(SimProcess* process) {
  if (process == nullptr) return;
  Count(Event::kStop);
  process->Stop();
}

void Nemesis::CrashServer(SimProcess*) {
  Count(Event::kServerCrash);
  Trace("the source crashes");
  world_.server.Crash(world_.scheduler.now() + random_.Between(0, 5000) * kMillisecond);
}

void Nemesis::ServerDown(SimProcess*) {
  Count(Event::kSourceDown);
  world_.server.down_until = std::max(world_.server.down_until, world_.scheduler.now() + random_.Between(10, 20'000) * kMillisecond);
}

void Nemesis::Checkpoint(SimProcess*) {
  world_.server.Settle(world_.scheduler.now());
  if (world_.server.slot) world_.server.slot->on_disk = world_.server.slot->confirmed;
}

void Nemesis::BlockSink(SimProcess*) {
  Count(Event::kSinkBlocked);
  AnyDestination().blocked_until = world_.scheduler.now() + random_.Between(100, 30'000) * kMillisecond;
}

void Nemesis::FailOverSink(SimProcess*) {
  Destination& destination = AnyDestination();
  if (destination.earlier.empty() || must_stop_) return;  // Sinks that know of nothing any more may begin anew.
  Count(Event::kSinkFailover);
  destination.durable = random_.Pick(std::vector(destination.earlier.begin(), destination.earlier.end()));
  destination.earlier.clear();
  destination.late.clear();
  ++destination.incarnation;
  Trace("{} goes back to {}", destination.name, destination.durable.bookmark ? ToString(destination.durable.bookmark->position.lsn) : "nothing");
  world_.checker.WentBack(destination);
  world_.expected_stops.insert(slu::kSlotAhead);
}

void Nemesis::StealEpoch(SimProcess*) {
  Count(Event::kEpochStolen);
  ++AnyDestination().durable.epoch;
}

const FakeDatabase::Table* Nemesis::AnyTable() {
  std::vector<const FakeDatabase::Table*> tables;
  for (const auto& [oid, table] : world_.server.database.tables())
    if (IsFollowed(*table.shape)) tables.push_back(&table);
  return tables.empty() ? nullptr : random_.Pick(tables);
}

void Nemesis::AskResync(SimProcess* process) {
  const FakeDatabase::Table* const table = AnyTable();
  if (process == nullptr || table == nullptr) return;
  Count(Event::kResync);
  process->requests().Ask({TableRequest::Kind::kCopyAgain, table->shape->name, random_.Chance(0.5) ? "" : AnyDestination().name});
}

void Nemesis::AskSkip(SimProcess* process) {
  const FakeDatabase::Table* const table = AnyTable();
  if (process == nullptr || table == nullptr) return;
  Count(Event::kSkip);
  for (const auto& destination : world_.destinations) world_.checker.MayBeHeld(destination->name, table->shape->name);
  process->requests().Ask({TableRequest::Kind::kHold, table->shape->name, "", {0, slu::kTableHeldByHand, "sluice skip was asked for", {}}});
}

void Nemesis::AskVerify(SimProcess* process) {
  if (process != nullptr && process->alive()) process->VerifyBeside();
}

bool Nemesis::AnyBookmark() const {
  return std::any_of(world_.destinations.begin(), world_.destinations.end(), [](const auto& destination) { return destination->durable.bookmark.has_value(); });
}

void Nemesis::Ruin() {
  FakeServer& server = world_.server;
  if (!server.slot || !AnyBookmark()) return;
  std::set<int>& expected = world_.expected_stops;
  must_stop_ = true;
  switch (random_.Below(5)) {
    case 0:
      Count(Event::kSlotDropped);
      server.slot.reset();
      expected.insert(slu::kSlotMissing);
      break;
    case 1:
      Count(Event::kSlotRecreated);
      server.slot.emplace();
      server.slot->confirmed = server.slot->on_disk = server.database.OtherTraffic(64);
      expected.insert({slu::kSlotMissing, slu::kSlotAhead});
      break;
    case 2:
      Count(Event::kSlotInvalidated);
      server.slot->lost = true;
      server.slot->reader = 0;
      expected.insert(slu::kSlotLost);
      break;
    case 3:
      Count(Event::kOtherSystem);
      ++server.identity.system_identifier;
      server.Crash(world_.scheduler.now());
      world_.other_log = true;
      expected.insert(slu::kOtherServer);
      break;
    case 4:
      Count(Event::kFailover);
      ++server.identity.timeline;
      server.Crash(world_.scheduler.now() + kSecond);
      world_.other_log = true;
      expected.insert(slu::kOtherTimeline);
      break;
  }
  Trace("ruin");
}

}  // namespace sluice::simulator

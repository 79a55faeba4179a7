#include "simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "clients.h"
#include "coverage.h"
#include "nemesis.h"
#include "sim_process.h"

namespace sluice::simulator {
namespace {

constexpr Nanoseconds kStrikeInterval = 500 * kMillisecond;
// Longer than the longest delay between two attempts, and all that may be due by then.
constexpr Nanoseconds kRecoveryMax = 600 * kSecond;
constexpr int kStartsByHandMax = 3;

class Simulation {
 public:
  Simulation(uint64_t seed, Scheduler& scheduler) : scheduler_(scheduler), world_(seed, scheduler), random_(seed, 6), clients_(world_), nemesis_(world_) {
    options_.copy.parallel = static_cast<int>(random_.Between(1, 3));
    options_.queue_bytes_max = world_.queue_bytes_max = random_.Pick(std::vector<uint64_t>{600, 5000, 1 << 20});
    options_.table_watch_interval = std::chrono::milliseconds(random_.Between(500, 20'000));
    for (size_t i = 0; i < world_.destinations.size(); ++i)
      policies_.push_back({std::chrono::milliseconds(i == 0 ? 0 : random_.Between(200, 20'000)), random_.Pick(std::vector<uint64_t>{800, 32 << 20})});
    fault_seconds_ = random_.Between(5, 120);
  }

  void Run() {
    scheduler_.OnStep([this] { nemesis_.OnStep(process_.get()); });
    clients_.Fill();
    StartProcess();
    clients_.Start();
    const Nanoseconds end = scheduler_.now() + fault_seconds_ * kSecond;
    while (scheduler_.now() < end && !stopped_rightly_) {
      scheduler_.SleepUntil(scheduler_.now() + random_.Between(1, kStrikeInterval));
      LandLate();
      nemesis_.Strike(process_.get());
      Attend();
    }
    world_.faults.End();
    nemesis_.End();
    clients_.Finish();
    Trace("all faults have ended");
    Recover();
    if (process_) process_->Stop();
    process_.reset();
    dead_.clear();
    scheduler_.OnStep(nullptr);
  }

 private:
  void StartProcess() {
    Count(Event::kRestart);
    process_ = std::make_unique<SimProcess>(world_, ++processes_, options_, policies_);
  }

  void LandLate() {
    for (const auto& destination : world_.destinations) {
      if (destination->late.empty()) continue;
      destination->LandLate(scheduler_.now());
      world_.checker.Durable(*destination);
    }
  }

  // Starts what has ended, unless it was right to stop for good.
  void Attend() {
    if (!process_) {
      if (!stopped_rightly_ && scheduler_.now() >= start_at_) StartProcess();
      return;
    }
    if (!process_->alive()) {
      process_->Die();
      dead_.push_back(std::move(process_));
      start_at_ = scheduler_.now() + random_.Between(0, 3000) * kMillisecond;
      return;
    }
    if (!process_->ended()) return;
    if (!process_->status().ok()) Judge(process_->status().error());
    process_.reset();
    start_at_ = scheduler_.now() + random_.Between(0, 3000) * kMillisecond;
  }

  void Judge(const Error& error) {
    const bool passes = error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kOutcomeUnknown || error.kind == ErrorKind::kConflict;
    if (world_.expected_stops.contains(error.code)) {
      Count(Event::kGuardStop);
      stopped_rightly_ = true;
      return;
    }
    if (!passes) Fail(fmt::format("the process stopped, but nothing was done that called for it: {} (code {}, {})", error.message, error.code, error.evidence));
    Count(Event::kGaveUp);
    if (!world_.faults.on() && ++starts_by_hand_ > kStartsByHandMax) Fail(fmt::format("the process gives up although all faults have ended: {}", error.message));
  }

  std::string Missing() const {
    if (nemesis_.must_stop()) return "the process goes on, although it cannot without a gap";
    for (const auto& destination : world_.destinations)
      if (std::string missing = world_.checker.Missing(*destination); !missing.empty()) return fmt::format("{}: {}", destination->name, missing);
    return "";
  }

  // Safety held all the time; now also everything has to arrive.
  void Recover() {
    const Nanoseconds end = scheduler_.now() + kRecoveryMax;
    bool asked = false;
    while (!stopped_rightly_) {
      LandLate();
      Attend();
      if (process_ && !asked) {
        asked = true;
        AskForHeldTables();
      }
      const std::string missing = Missing();
      if (missing.empty()) return VerifyAtTheEnd();
      if (scheduler_.now() > end) Fail(fmt::format("{} s after all faults have ended: {}\n{}", kRecoveryMax / kSecond, missing, scheduler_.DescribeFibers()));
      scheduler_.SleepUntil(scheduler_.now() + 100 * kMillisecond);
    }
  }

  void VerifyAtTheEnd() {
    if (!process_ || random_.Chance(0.7)) return;
    process_->VerifyBeside();
    scheduler_.SleepUntil(scheduler_.now() + 15 * kSecond);
  }

  void AskForHeldTables() {
    for (const auto& destination : world_.destinations) {
      const HeldTables held = destination->durable.held;  // As of now: whoever asks may wait.
      for (const auto& [table, why] : held)
        if (random_.Chance(0.7)) process_->requests().Ask({TableRequest::Kind::kCopyAgain, table, destination->name});
    }
  }

  Scheduler& scheduler_;
  World world_;
  Random random_;
  Clients clients_;
  Nemesis nemesis_;
  PipelineOptions options_;
  std::vector<CommitPolicy> policies_;
  int64_t fault_seconds_ = 0;
  std::unique_ptr<SimProcess> process_;
  std::vector<std::unique_ptr<SimProcess>> dead_;
  uint64_t processes_ = 0;
  Nanoseconds start_at_ = 0;
  bool stopped_rightly_ = false;
  int starts_by_hand_ = 0;
};

}  // namespace

Outcome Simulate(uint64_t seed, uint64_t schedule) {
  Scheduler scheduler(schedule);
  const Nanoseconds begin = scheduler.now();
  scheduler.Run([&] {
    Simulation simulation(seed, scheduler);
    simulation.Run();
  });
  return {scheduler.trace_hash(), scheduler.steps(), static_cast<double>(scheduler.now() - begin) / kSecond};
}

}  // namespace sluice::simulator

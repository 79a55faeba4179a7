#pragma once
// What befalls servers, network, process and people's patience in a seed: some kinds of trouble, at some rate each.

#include <memory>
#include <vector>

#include "sim_process.h"
#include "world.h"

namespace sluice::simulator {

class Nemesis {
 public:
  explicit Nemesis(World& world);

  /// Does something, or nothing. `process`: null while none runs.
  void Strike(SimProcess* process);
  /// After the last strike: what ends by itself has ended.
  void End();
  /// Called on every step: the moment of a kill may have come, or a range was copied. `process`: null while none runs.
  void OnStep(SimProcess* process);
  /// Something was done after which the process has to stop by a guard.
  bool must_stop() const { return must_stop_; }

 private:
  using Deed = void (Nemesis::*)(SimProcess*);

  void InCopy(SimProcess* process);
  void Kill(SimProcess* process);
  void StopIt(SimProcess* process);
  void CrashServer(SimProcess* process);
  void ServerDown(SimProcess* process);
  void Checkpoint(SimProcess* process);
  void BlockSink(SimProcess* process);
  void FailOverSink(SimProcess* process);
  void StealEpoch(SimProcess* process);
  void AskResync(SimProcess* process);
  void AskSkip(SimProcess* process);
  void AskVerify(SimProcess* process);
  /// What nothing goes on after; once in a seed.
  void Ruin();

  bool CanKill(SimProcess* process) const;
  void Condemn(SimProcess* process, uint64_t steps_max);
  bool AnyBookmark() const;
  const FakeDatabase::Table* AnyTable();
  Destination& AnyDestination() { return *world_.destinations[random_.Below(world_.destinations.size())]; }

  World& world_;
  Random random_;
  std::vector<std::pair<Deed, double>> deeds_;  // By how likely at each strike.
  bool ruins_ = false;
  bool must_stop_ = false;
  LifePtr condemned_;
  uint64_t steps_to_live_ = 0;
  double interrupts_copies_ = 0;  // How likely a range is followed by a kill.
  uint64_t ranges_copied_ = 0;    // As of the last step.
};

}  // namespace sluice::simulator

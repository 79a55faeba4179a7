#pragma once
// The program as `sluice run` has it, from the supervisor down, over the simulated world.

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "pipeline/pipeline.h"
#include "pipeline/supervisor.h"
#include "world.h"

namespace sluice::simulator {

class SimProcess {
 public:
  SimProcess(World& world, uint64_t number, const PipelineOptions& options, std::vector<CommitPolicy> policies);
  ~SimProcess();

  void Stop() { stop_.request_stop(); }
  /// What it still does has no effect; it then only has to come to its end.
  void Die();
  bool ended() const { return ended_; }
  bool alive() const { return life_->alive; }
  const Status& status() const { return status_; }
  const LifePtr& life() const { return life_; }

  TableRequests& requests() { return requests_; }
  /// Compares all tables; a difference is a failure of the simulation.
  void VerifyBeside();

 private:
  RunOutcome RunOnce(std::stop_token stop);

  World& world_;
  const LifePtr life_;
  const PipelineOptions options_;
  const std::vector<CommitPolicy> policies_;
  const SystemClock clock_;
  Connector connector_;
  StatusBoard board_;
  CutRequests cuts_;
  TableRequests requests_;
  std::stop_source stop_;
  Status status_;
  bool ended_ = false;
  std::vector<std::thread> verifications_;
  std::thread thread_;
};

}  // namespace sluice::simulator

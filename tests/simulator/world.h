#pragma once
// Everything outside of the process, in one place: what survives its death.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "checker.h"
#include "destination.h"
#include "fake_server.h"
#include "faults.h"
#include "scheduler.h"
#include "source/postgres/transaction_assembler.h"
#include "trace.h"

namespace sluice::simulator {

/// One life of the process. Its connections act only while it lives, so what it does after its death has no effect.
struct Life {
  uint64_t number = 0;
  bool alive = true;
};
using LifePtr = std::shared_ptr<Life>;

struct World {
  explicit World(uint64_t seed_of_all, Scheduler& scheduler_of_all);

  /// The way of every call from the process to the outside: time passes, and others may come first.
  /// Error: kCancelled once the process is dead.
  Status Travel(const Life& life);

  const uint64_t seed;
  Scheduler& scheduler;
  Faults faults;
  Random random;               ///< Of the network and the servers.
  FakeServer server;
  std::vector<std::unique_ptr<Destination>> destinations;
  Checker checker;
  Nanoseconds latency_max = kMillisecond;
  bool binary = true;
  AssemblerLimits assembler_limits;
  uint64_t queue_bytes_max = 1 << 20;
  bool other_log = false;        ///< The source is another one than the sinks follow: nobody may stream from it.
  std::set<int> expected_stops;  ///< Codes by which the process may stop for good, after what was done to it.
};

Error Cut(const char* what);

}  // namespace sluice::simulator

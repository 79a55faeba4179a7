#include "world.h"

namespace sluice::simulator {

World::World(uint64_t seed_of_all, Scheduler& scheduler_of_all)
    : seed(seed_of_all), scheduler(scheduler_of_all), faults(seed_of_all), random(seed_of_all, 3), checker(server, destinations) {
  const std::vector<Keeping> keeping{Keeping::kAll, Keeping::kAll, Keeping::kSome, Keeping::kSome, Keeping::kNone};
  for (const char* const name : {"replica", "lake"}) destinations.push_back(std::make_unique<Destination>(name, random.Pick(keeping)));
  if (random.Chance(0.2)) destinations.pop_back();
  server.major = static_cast<int>(random.Between(14, 18));
  server.changes_in_memory = random.Pick(std::vector<size_t>{8, 20, 64, 1000});
  server.window = random.Pick(std::vector<size_t>{1, 4, 32, 200});
  latency_max = random.Pick(std::vector<Nanoseconds>{10 * kMicrosecond, kMillisecond, 40 * kMillisecond});
  binary = random.Chance(0.8);
  assembler_limits.batch_bytes_target = random.Pick(std::vector<size_t>{300, 3000, 1 << 20});
  assembler_limits.batch_changes_target = random.Pick(std::vector<size_t>{3, 100, 50'000});
  assembler_limits.part_bytes_max = random.Pick(std::vector<size_t>{400, 4000, 1 << 20});
  assembler_limits.spill_after_bytes = random.Pick(std::vector<uint64_t>{500, 5000, 64 << 20});
}

Status World::Travel(const Life& life) {
  scheduler.MaybePreempt();
  if (life.alive && random.Chance(0.3)) scheduler.SleepUntil(scheduler.now() + random.Between(1, latency_max));
  if (!life.alive) return Error{ErrorKind::kCancelled, "the process is dead"};
  return Ok();
}

Error Cut(const char* what) { return Error{ErrorKind::kUnavailable, what}; }

}  // namespace sluice::simulator

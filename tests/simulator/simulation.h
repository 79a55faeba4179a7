#pragma once
// One seed, from the first table to the moment when everything has arrived, or the process has rightly stopped.

#include <cstdint>

namespace sluice::simulator {

struct Outcome {
  uint64_t trace_hash = 0;
  uint64_t steps = 0;
  double virtual_seconds = 0;
};

/// A failure ends the program (Fail). `schedule`: the seed of who runs when; another one lets the same world go another way.
Outcome Simulate(uint64_t seed, uint64_t schedule);

}  // namespace sluice::simulator

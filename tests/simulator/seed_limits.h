#pragma once
// What one seed may take. One that never ends is a finding like any other: it fails and says how to repeat it, instead of
// running for ever or taking all memory.

#include <cstdint>
#include <string>

#include "scheduler.h"

namespace sluice::simulator {

/// Twenty times what any of 9,000 seeds took. A step: a switch between threads, or a look at the clock.
inline constexpr uint64_t kStepsMax = 2'500'000;
inline constexpr Nanoseconds kVirtualTimeMax = 3'600 * kSecond;

/// Memory without end, and memory that is not there, are failures of the seed from now on.
void LimitProgram();
/// A seed begins, with as much of the processor's time as none needs: for what never waits and never looks at the clock.
/// `repeat`: the line that says how to repeat it.
void BeginSeed(uint64_t seed, std::string repeat);

}  // namespace sluice::simulator

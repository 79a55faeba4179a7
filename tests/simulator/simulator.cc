// The simulator: the program's supervisor, pipeline, reader, sink threads, copies, requests and guards, with the real
// pgoutput decoder and transaction assembler, over a source server, a network, destinations and a clock that are all
// made up from one seed.
//
// How it works:
//   interpose.cc, scheduler.cc   threads become fibers, locks and clocks virtual; the seed chooses who runs
//   fake_database.cc             tables, transactions, log, and what every table was at every position
//   wal_sender.cc                that log as pgoutput bytes, held against real servers by wal_sender_test.cc
//   fake_server.cc, sim_*.cc     slot, sessions, snapshots, network; sinks with durable and volatile state
//   clients.cc, nemesis.cc       what applications do, and what goes wrong
//   checker.cc                   what must be true after every step
//
//   sluice_simulator --seeds 1-2000        as the tests do; fails too if some kind of event never came up
//   sluice_simulator --seed 17 --trace     one seed again, step by step; --schedule 4: its threads run in another order
//   sluice_simulator --minutes 30          seeds that nobody has tried, until the time is up

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "coverage.h"
#include "observability/log.h"
#include "scheduler.h"
#include "seed_limits.h"
#include "simulation.h"
#include "trace.h"

namespace sluice::simulator {
namespace {

struct Arguments {
  uint64_t first = 1, last = 1;
  double minutes = 0;
  std::optional<uint64_t> schedule;
  bool one = false;
};

constexpr uint64_t kRepeatedOneIn = 50;

uint64_t running_seed = 0, running_schedule = 0;
const char* program = "sluice_simulator";

bool Parse(std::string_view text, auto& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

bool ParseArguments(int count, char** words, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--trace") {
      tracing = true;
      continue;
    }
    if (++i == count) return false;
    const std::string_view value = words[i];
    if (word == "--seed") {
      if (!Parse(value, arguments.first)) return false;
      arguments.last = arguments.first;
      arguments.one = true;
    } else if (word == "--seeds") {
      const size_t dash = value.find('-');
      if (dash == std::string_view::npos || !Parse(value.substr(0, dash), arguments.first) || !Parse(value.substr(dash + 1), arguments.last)) return false;
    } else if (word == "--schedule") {
      if (!Parse(value, arguments.schedule.emplace())) return false;
    } else if (word != "--minutes" || !Parse(value, arguments.minutes)) {
      return false;
    }
  }
  return true;
}

std::string HowToRepeat() {
  const std::string schedule = running_schedule == running_seed ? "" : fmt::format(" --schedule {}", running_schedule);
  return fmt::format("again with: {} --seed {}{} --trace\n", program, running_seed, schedule);
}

void Report(const std::string& what) {
  fmt::print("\nFAILED: seed {}: {}\n", running_seed, what);
  if (!tracing) fmt::print("last log lines:\n{}", LastLogLines());
  fmt::print("{}", HowToRepeat());
  std::fflush(stdout);
}

Outcome Run(uint64_t schedule) {
  running_schedule = schedule;
  BeginSeed(running_seed, HowToRepeat());
  return Simulate(running_seed, schedule);
}

void PrintCoverage() {
  for (size_t i = 0; i < Counts().size(); ++i)
    fmt::print("{:>10}  {}\n", Counts()[i], NameOf(static_cast<Event>(i)));
}

void RequireSameAgain(const Outcome& outcome) {
  const std::vector<uint64_t> counts = Counts();
  const uint64_t again = Run(running_seed).trace_hash;
  if (again != outcome.trace_hash) Fail(fmt::format("the same seed went another way: hash {:016x}, then {:016x}", outcome.trace_hash, again));
  const uint64_t other = Run(~running_seed).trace_hash;
  if (other == outcome.trace_hash) Fail("another schedule went the same way");
  RestoreCounts(counts);
}

int RunSeeds(const Arguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  const bool timed = arguments.minutes > 0;
  uint64_t seeds = 0, steps = 0, most_steps = 0;
  double virtual_seconds = 0, most_seconds = 0;
  std::unordered_set<uint64_t> hashes;
  const uint64_t first = timed ? static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) / 1'000'000 : arguments.first;
  for (running_seed = first; timed ? seconds() < arguments.minutes * 60 : running_seed <= arguments.last; ++running_seed, ++seeds) {
    const Outcome outcome = Run(arguments.schedule.value_or(running_seed));
    steps += outcome.steps;
    most_steps = std::max(most_steps, outcome.steps);
    most_seconds = std::max(most_seconds, outcome.virtual_seconds);
    virtual_seconds += outcome.virtual_seconds;
    if (!hashes.insert(outcome.trace_hash).second) Fail("two seeds went the same way");
    if (running_seed % kRepeatedOneIn == 0) RequireSameAgain(outcome);
    if (arguments.one) fmt::print("seed {}: hash {:016x}\n", running_seed, outcome.trace_hash);
  }
  if (!arguments.one) PrintCoverage();
  fmt::print("{} seeds, {} steps, {:.1f} hours of virtual time in {:.1f} s\n", seeds, steps, virtual_seconds / 3600, seconds());
  fmt::print("at most in one seed: {} steps, {:.0f} s of virtual time\n", most_steps, most_seconds);
  bool complete = true;
  if (!timed && seeds >= 1000) {
    for (const Event event : NeverHappened()) {
      fmt::print("FAILED: never happened: {}\n", NameOf(event));
      complete = false;
    }
  }
  return complete ? 0 : 1;
}

}  // namespace
}  // namespace sluice::simulator

int main(int count, char** words) {
  using namespace sluice::simulator;
  program = words[0];
  Arguments arguments;
  if (!ParseArguments(count, words, arguments)) {
    fmt::print(stderr, "usage: {} [--seed N [--schedule N] | --seeds FROM-TO | --minutes N] [--trace]\n", words[0]);
    return 2;
  }
  CollectLog();
  OnFailure(Report);
  LimitProgram();
  return RunSeeds(arguments);
}

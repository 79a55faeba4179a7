#include "seed_limits.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <new>
#include <string_view>

namespace sluice::simulator {
namespace {

constexpr rlim_t kMemoryBytesMax = rlim_t{1} << 30;
constexpr size_t kReserveBytes = 16 << 20;
constexpr time_t kProcessorSecondsMax = 60;

std::unique_ptr<char[]> reserve;  // What the report of a failure may take.
std::string seed_failed, how_to_repeat;

void OutOfMemory() {
  std::set_new_handler(nullptr);
  reserve.reset();
  Fail("out of memory: something grows without end");
}

// The program may stand anywhere, also inside of malloc: nothing but what was prepared is written.
void Struck(int signal) {
  const std::string_view what = signal == SIGVTALRM ? "a thread computes without end\n" : "memory was touched that is not there, perhaps beyond the end of a stack\n";
  for (const std::string_view text : {std::string_view(seed_failed), what, std::string_view(how_to_repeat)})
    if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) break;
  ::_exit(1);
}

}  // namespace

void LimitProgram() {
  const rlimit limit{kMemoryBytesMax, kMemoryBytesMax};
  ::setrlimit(RLIMIT_AS, &limit);
  reserve = std::make_unique<char[]>(kReserveBytes);
  std::set_new_handler(OutOfMemory);
  static char stack[64 << 10];
  const stack_t own{stack, 0, sizeof stack};
  ::sigaltstack(&own, nullptr);
  struct sigaction action {};
  action.sa_handler = Struck;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGVTALRM, SIGSEGV, SIGBUS}) ::sigaction(signal, &action, nullptr);
}

void BeginSeed(uint64_t seed, std::string repeat) {
  const itimerval never{}, later{{0, 0}, {kProcessorSecondsMax, 0}};
  ::setitimer(ITIMER_VIRTUAL, &never, nullptr);
  seed_failed = fmt::format("\nFAILED: seed {}: ", seed);
  how_to_repeat = std::move(repeat);
  ::setitimer(ITIMER_VIRTUAL, &later, nullptr);
}

}  // namespace sluice::simulator

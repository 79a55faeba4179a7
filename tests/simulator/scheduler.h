#pragma once
// Threads of a simulation as fibers of one real thread, under a virtual clock. interpose.cc leads pthread_create, locks,
// condition variables, futexes and clocks here, so production code runs unchanged and unaware: exactly one fiber runs,
// the seed chooses the next one, and when all wait the clock jumps to the nearest deadline.

#include <ucontext.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "random.h"

namespace sluice::simulator {

using Nanoseconds = int64_t;
inline constexpr Nanoseconds kNever = INT64_MAX;
inline constexpr Nanoseconds kMicrosecond = 1000, kMillisecond = 1'000'000, kSecond = 1'000'000'000;

class Scheduler {
 public:
  explicit Scheduler(uint64_t seed);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// The one whose simulation the caller is part of; null outside of any, e.g. before main.
  static Scheduler* Current();

  /// Runs `root` as the first fiber, and all that it starts, until it has returned and every other fiber has ended.
  void Run(const std::function<void()>& root);

  // ── threads ──
  uint64_t Create(void* (*start)(void*), void* argument);
  void* Join(uint64_t id);
  void Detach(uint64_t id);
  uint64_t self() const { return running_->id; }
  /// What a report calls the running fiber.
  void NameSelf(std::string name) { running_->name = std::move(name); }

  // ── waiting ──
  /// Blocks until Wake of the same key, or `deadline`. False: the deadline passed. `why`: for reports.
  bool Wait(const void* key, Nanoseconds deadline, const char* why);
  /// Makes up to `count` who wait for `key` runnable, chosen by the seed. Returns how many.
  size_t Wake(const void* key, size_t count);
  /// Lets others run, if any can. The caller comes last for a while: it spins.
  void Yield();
  /// A place where another fiber may go first: at the rate of this seed it does.
  void MaybePreempt();
  void SleepUntil(Nanoseconds deadline);

  // ── time ──
  /// Goes on a little with each question, so that a loop which polls the clock ends.
  Nanoseconds ReadClock();
  Nanoseconds now() const { return now_; }
  /// Switches and looks at the clock.
  uint64_t steps() const { return steps_; }
  uint64_t trace_hash() const { return hash_; }
  /// Mixes what happened into the hash by which two runs are compared.
  void Note(uint64_t what) { hash_ = Random::Mix(hash_ ^ what); }
  /// Called on every step, between two fibers.
  void OnStep(std::function<void()> on_step) { on_step_ = std::move(on_step); }

  std::string DescribeFibers() const;

 private:
  struct Fiber {
    uint64_t id = 0;
    std::string name;
    ucontext_t context{};
    void* stack = nullptr;
    void* (*start)(void*) = nullptr;
    void* argument = nullptr;
    void* result = nullptr;
    enum class State { kRunnable, kWaiting, kEnded } state = State::kRunnable;
    const void* key = nullptr;
    Nanoseconds deadline = kNever;
    const char* why = "";
    bool timed_out = false;
    bool detached = false;
    uint64_t priority = 0;
    void* caught_exceptions = nullptr;       // What __cxa_get_globals holds for a thread.
    unsigned uncaught_exceptions = 0;
  };

  static void Enter();
  [[noreturn]] void Finish();
  void Switch();
  Fiber* ChooseNext();
  void WakeDue();
  void RunFiber(Fiber* next);
  void BuryDead();
  void Step(Nanoseconds takes);
  Fiber* Find(uint64_t id);

  static constexpr Nanoseconds kBegin = 1'000 * kSecond;

  Random random_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> runnable_;  // Of one choice; kept for its memory.
  Fiber* running_ = nullptr;
  Fiber* dead_ = nullptr;  // Its stack is given back once another one runs.
  uint64_t last_id_ = 0;
  Nanoseconds now_ = kBegin;
  Nanoseconds next_deadline_ = kNever;
  uint64_t steps_ = 0;
  uint64_t hash_ = 0;
  double preempt_rate_ = 0;
  double shuffle_rate_ = 0;
  uint64_t stall_one_in_ = 0;
  std::function<void()> on_step_;
};

/// Ends the program with a report of the running seed: the line that repeats it, each fiber's state, the last log lines.
[[noreturn]] void Fail(const std::string& what);

/// The hook by which main makes that report.
void OnFailure(std::function<void(const std::string&)> report);

}  // namespace sluice::simulator

#include "scheduler.h"

#include <cxxabi.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "coverage.h"
#include "seed_limits.h"

namespace sluice::simulator {
namespace {

constexpr size_t kStackBytes = 256 << 10;
constexpr size_t kGuardBytes = 4096;

Scheduler* current = nullptr;
std::function<void(const std::string&)> failure_report;

// Pages of ended fibers are used again by later seeds: mapping them costs more than a seed may take.
std::vector<void*>& StackPool() {
  static std::vector<void*> pool;
  return pool;
}

void* TakeStack() {
  std::vector<void*>& pool = StackPool();
  if (!pool.empty()) {
    void* stack = pool.back();
    pool.pop_back();
    return stack;
  }
  void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  SLUICE_CHECK(stack != MAP_FAILED);
  ::mprotect(stack, kGuardBytes, PROT_NONE);  // An overflow is a crash, not another fiber's madness.
  return stack;
}

struct ExceptionGlobals {
  void* caught;
  unsigned uncaught;
};

ExceptionGlobals& Exceptions() { return *reinterpret_cast<ExceptionGlobals*>(abi::__cxa_get_globals()); }

}  // namespace

void OnFailure(std::function<void(const std::string&)> report) { failure_report = std::move(report); }

void Fail(const std::string& what) {
  if (failure_report) failure_report(what);
  ::_exit(1);
}

Scheduler::Scheduler(uint64_t seed) : random_(seed, 1) {
  // Some schedules are nearly sequential, some change at every lock: bugs live in both.
  preempt_rate_ = random_.Pick(std::vector<double>{0, 0.005, 0.02, 0.1, 0.3});
  shuffle_rate_ = random_.Pick(std::vector<double>{1, 1, 0.3, 0.05});
  stall_one_in_ = random_.Pick(std::vector<uint64_t>{0, 0, 5000, 1000});
}

Scheduler::~Scheduler() {
  for (const auto& fiber : fibers_)
    if (fiber->stack != nullptr) StackPool().push_back(fiber->stack);
}

Scheduler* Scheduler::Current() { return current; }

void Scheduler::Run(const std::function<void()>& root) {
  running_ = fibers_.emplace_back(std::make_unique<Fiber>()).get();  // The only one on the real stack.
  running_->id = ++last_id_;
  running_->name = "root";
  running_->priority = random_.Next();
  current = this;
  __libc_single_threaded = 0;  // libstdc++ saves itself the wake-ups of a process that never made a thread.
  root();
  while (std::any_of(fibers_.begin(), fibers_.end(), [&](const auto& fiber) { return fiber.get() != running_ && fiber->state != Fiber::State::kEnded; }))
    SleepUntil(now_ + 10 * kMillisecond);
  current = nullptr;
}

uint64_t Scheduler::Create(void* (*start)(void*), void* argument) {
  auto fiber = std::make_unique<Fiber>();
  fiber->id = ++last_id_;
  fiber->name = fmt::format("thread {}", fiber->id);
  fiber->start = start;
  fiber->argument = argument;
  fiber->priority = random_.Next();
  fiber->stack = TakeStack();
  ::getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = static_cast<char*>(fiber->stack) + kGuardBytes;
  fiber->context.uc_stack.ss_size = kStackBytes - kGuardBytes;
  fiber->context.uc_link = nullptr;
  ::makecontext(&fiber->context, &Scheduler::Enter, 0);
  const uint64_t id = fiber->id;
  fibers_.push_back(std::move(fiber));
  MaybePreempt();
  return id;
}

void Scheduler::Enter() {
  Fiber* const self = current->running_;
  current->BuryDead();
  self->result = self->start(self->argument);
  current->Finish();
}

void Scheduler::Finish() {
  running_->state = Fiber::State::kEnded;
  Wake(running_, SIZE_MAX);
  Switch();
  ::abort();  // Nobody runs what has ended.
}

Scheduler::Fiber* Scheduler::Find(uint64_t id) {
  const auto found = std::find_if(fibers_.begin(), fibers_.end(), [&](const auto& fiber) { return fiber->id == id; });
  return found == fibers_.end() ? nullptr : found->get();
}

void* Scheduler::Join(uint64_t id) {
  Fiber* const other = Find(id);
  SLUICE_CHECK(other != nullptr);
  while (other->state != Fiber::State::kEnded) Wait(other, kNever, "join");
  void* const result = other->result;
  other->detached = true;  // Taken off the list by the next step.
  return result;
}

void Scheduler::Detach(uint64_t id) {
  if (Fiber* const fiber = Find(id)) fiber->detached = true;
}

bool Scheduler::Wait(const void* key, Nanoseconds deadline, const char* why) {
  if (deadline <= now_) {
    MaybePreempt();
    return false;
  }
  running_->state = Fiber::State::kWaiting;
  running_->key = key;
  running_->deadline = deadline;
  running_->why = why;
  running_->timed_out = false;
  next_deadline_ = std::min(next_deadline_, deadline);
  Switch();
  return !running_->timed_out;
}

size_t Scheduler::Wake(const void* key, size_t count) {
  std::vector<Fiber*> waiting;
  for (const auto& fiber : fibers_)
    if (fiber->state == Fiber::State::kWaiting && fiber->key == key) waiting.push_back(fiber.get());
  size_t woken = 0;
  for (; woken < count && !waiting.empty(); ++woken) {
    const size_t at = waiting.size() > count ? random_.Below(waiting.size()) : 0;
    waiting[at]->state = Fiber::State::kRunnable;
    waiting[at]->deadline = kNever;
    waiting.erase(waiting.begin() + static_cast<ptrdiff_t>(at));
  }
  return woken;
}

void Scheduler::Yield() {
  running_->priority = 0;
  Switch();
}

void Scheduler::MaybePreempt() {
  if (!random_.Chance(preempt_rate_)) return;
  // As on a busy machine: a thread stands still wherever it happens to be.
  if (stall_one_in_ > 0 && random_.Below(stall_one_in_) == 0) {
    Count(Event::kStall);
    SleepUntil(now_ + random_.Between(kMillisecond, 800 * kMillisecond));
    return;
  }
  Switch();
}

void Scheduler::SleepUntil(Nanoseconds deadline) { Wait(&now_, deadline, "sleep"); }

void Scheduler::WakeDue() {
  if (next_deadline_ > now_) return;
  next_deadline_ = kNever;
  for (const auto& fiber : fibers_) {
    if (fiber->state != Fiber::State::kWaiting) continue;
    if (fiber->deadline > now_) {
      next_deadline_ = std::min(next_deadline_, fiber->deadline);
      continue;
    }
    fiber->state = Fiber::State::kRunnable;
    fiber->timed_out = true;
    fiber->deadline = kNever;
  }
}

Scheduler::Fiber* Scheduler::ChooseNext() {
  for (;;) {
    WakeDue();
    Fiber* by_priority = nullptr;
    runnable_.clear();
    for (const auto& fiber : fibers_) {
      if (fiber->state != Fiber::State::kRunnable) continue;
      runnable_.push_back(fiber.get());
      if (by_priority == nullptr || fiber->priority > by_priority->priority) by_priority = fiber.get();
    }
    if (!runnable_.empty()) {
      if (!random_.Chance(shuffle_rate_)) return by_priority;
      Fiber* const chosen = runnable_[random_.Below(runnable_.size())];
      chosen->priority = random_.Next();
      return chosen;
    }
    if (next_deadline_ == kNever) Fail("deadlock: every thread waits for another\n" + DescribeFibers());
    now_ = std::max(now_, next_deadline_);
  }
}

void Scheduler::Step(Nanoseconds takes) {
  now_ += takes;
  if (++steps_ <= kStepsMax && now_ - kBegin <= kVirtualTimeMax) return;
  Fail(fmt::format("no end after {} steps and {} s of virtual time\n{}", steps_, (now_ - kBegin) / kSecond, DescribeFibers()));
}

Nanoseconds Scheduler::ReadClock() {
  Step(200);
  return now_;
}

void Scheduler::Switch() {
  Step(500);
  if (on_step_) on_step_();
  Fiber* const next = ChooseNext();
  Note(next->id * 1'000'003 + static_cast<uint64_t>(now_));
  if (next != running_) RunFiber(next);
}

void Scheduler::RunFiber(Fiber* next) {
  Fiber* const before = running_;
  before->caught_exceptions = Exceptions().caught;
  before->uncaught_exceptions = Exceptions().uncaught;
  if (before->state == Fiber::State::kEnded) dead_ = before;
  running_ = next;
  Exceptions() = {next->caught_exceptions, next->uncaught_exceptions};
  ::swapcontext(&before->context, &next->context);
  BuryDead();  // Here runs whoever was chosen, perhaps long after.
}

// Only on another stack than theirs.
void Scheduler::BuryDead() {
  if (dead_ != nullptr && dead_->stack != nullptr) {
    StackPool().push_back(dead_->stack);
    dead_->stack = nullptr;
  }
  dead_ = nullptr;
  std::erase_if(fibers_, [&](const auto& fiber) {
    return fiber.get() != running_ && fiber->detached && fiber->state == Fiber::State::kEnded && fiber->stack == nullptr;
  });
}

std::string Scheduler::DescribeFibers() const {
  std::string text;
  for (const auto& fiber : fibers_) {
    if (fiber->state == Fiber::State::kEnded) continue;
    text += fmt::format("  {}{}: ", fiber.get() == running_ ? "> " : "  ", fiber->name);
    if (fiber->state == Fiber::State::kRunnable) text += "can run\n";
    else if (fiber->deadline == kNever) text += fmt::format("waits ({})\n", fiber->why);
    else text += fmt::format("waits ({}) for {:.3f} s more\n", fiber->why, static_cast<double>(fiber->deadline - now_) / kSecond);
  }
  return text;
}

}  // namespace sluice::simulator

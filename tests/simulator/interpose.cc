// The symbols by which C++ reaches threads and clocks. Defined in the executable they take precedence over libc's, for
// its own code and for libstdc++'s: inside of a simulation they lead to its scheduler, outside to libc.
//
// Other libraries (libcrypto) keep the real ones: they hold their locks for a moment and never call us, so no other
// fiber can want them meanwhile, and how often they lock differs between the first use and later ones.

#include <dlfcn.h>
#include <linux/futex.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "scheduler.h"

namespace {

using sluice::simulator::kNever;
using sluice::simulator::kSecond;
using sluice::simulator::Nanoseconds;
using sluice::simulator::Scheduler;

// CLOCK_REALTIME of a simulation: a day in 2026, when its monotonic clock is at zero.
constexpr Nanoseconds kRealtimeAhead = 1'790'000'000 * kSecond;

template <class Function>
Function Real(const char* name, const char* version = nullptr) {
  void* found = version != nullptr ? ::dlvsym(RTLD_NEXT, name, version) : nullptr;
  if (found == nullptr) found = ::dlsym(RTLD_NEXT, name);
  return reinterpret_cast<Function>(found);
}

#define REAL(name, ...) static const auto real = Real<decltype(&name)>(#name __VA_OPT__(, ) __VA_ARGS__)

struct CodeRange {
  uintptr_t begin = 0, end = 0;
  bool Contains(const void* address) const { return reinterpret_cast<uintptr_t>(address) - begin < end - begin; }
};

/// Our own code and libstdc++'s.
struct OurCode {
  CodeRange ranges[2];

  OurCode() {
    ::dl_iterate_phdr([](dl_phdr_info* info, size_t, void* self) {
      auto* const our = static_cast<OurCode*>(self);
      const bool executable = our->ranges[0].end == 0;  // The first one listed.
      if (!executable && std::strstr(info->dlpi_name, "libstdc++") == nullptr) return 0;
      CodeRange& range = our->ranges[executable ? 0 : 1];
      range.begin = UINTPTR_MAX;
      for (int i = 0; i < info->dlpi_phnum; ++i) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
        const uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        range.begin = std::min(range.begin, at);
        range.end = std::max(range.end, at + info->dlpi_phdr[i].p_memsz);
      }
      return 0;
    }, this);
  }
};

bool IsOurs(const void* caller) {
  static const OurCode code;
  return code.ranges[0].Contains(caller) || code.ranges[1].Contains(caller);
}

Scheduler* SimulationOf(const void* caller) {
  Scheduler* const scheduler = Scheduler::Current();
  return scheduler != nullptr && IsOurs(caller) ? scheduler : nullptr;
}
#define SIMULATION() SimulationOf(__builtin_return_address(0))

Nanoseconds ToNanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }
timespec ToTimespec(Nanoseconds time) { return {time / kSecond, time % kSecond}; }

Nanoseconds DeadlineOf(clockid_t clock, const timespec& time) { return ToNanoseconds(time) - (clock == CLOCK_REALTIME ? kRealtimeAhead : 0); }

// A mutex holds who has it in its own memory, all zero when free, as libc's does.
int& Locked(pthread_mutex_t* mutex) { return mutex->__data.__lock; }
int& Owner(pthread_mutex_t* mutex) { return mutex->__data.__owner; }

bool TakeIfFree(Scheduler& scheduler, pthread_mutex_t* mutex) {
  if (Locked(mutex) != 0) return false;
  Locked(mutex) = 1;
  Owner(mutex) = static_cast<int>(scheduler.self());
  return true;
}

void Lock(Scheduler& scheduler, pthread_mutex_t* mutex) {
  while (!TakeIfFree(scheduler, mutex)) {
    if (Owner(mutex) == static_cast<int>(scheduler.self())) sluice::simulator::Fail("a thread locks a mutex that it holds");
    scheduler.Wait(mutex, kNever, "mutex");
  }
}

void Unlock(Scheduler& scheduler, pthread_mutex_t* mutex) {
  if (Owner(mutex) != static_cast<int>(scheduler.self())) sluice::simulator::Fail("a thread unlocks a mutex that it does not hold");
  Locked(mutex) = Owner(mutex) = 0;
  scheduler.Wake(mutex, SIZE_MAX);
}

int WaitOn(Scheduler& scheduler, pthread_cond_t* condition, pthread_mutex_t* mutex, Nanoseconds deadline) {
  Unlock(scheduler, mutex);
  const bool woken = scheduler.Wait(condition, deadline, "condition");
  Lock(scheduler, mutex);
  return woken ? 0 : ETIMEDOUT;
}

long Futex(Scheduler& scheduler, int* word, int operation, int value, const timespec* time) {
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET: {
      if (*word != value) {
        errno = EAGAIN;
        return -1;
      }
      const bool relative = (operation & FUTEX_CMD_MASK) == FUTEX_WAIT;
      const clockid_t clock = (operation & FUTEX_CLOCK_REALTIME) != 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
      Nanoseconds deadline = kNever;
      if (time != nullptr) deadline = relative ? scheduler.now() + ToNanoseconds(*time) : DeadlineOf(clock, *time);
      if (scheduler.Wait(word, deadline, "futex")) return 0;
      errno = ETIMEDOUT;
      return -1;
    }
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET: return static_cast<long>(scheduler.Wake(word, static_cast<size_t>(value)));
    default: sluice::simulator::Fail("a futex operation that the simulation does not know");
  }
}

}  // namespace

extern "C" {

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  if (Scheduler* const scheduler = SIMULATION()) {
    *thread = scheduler->Create(start, argument);
    return 0;
  }
  REAL(pthread_create);
  return real(thread, attributes, start, argument);
}

int pthread_join(pthread_t thread, void** result) {
  if (Scheduler* const scheduler = SIMULATION()) {
    void* const returned = scheduler->Join(thread);
    if (result != nullptr) *result = returned;
    return 0;
  }
  REAL(pthread_join);
  return real(thread, result);
}

int pthread_detach(pthread_t thread) {
  if (Scheduler* const scheduler = SIMULATION()) {
    scheduler->Detach(thread);
    return 0;
  }
  REAL(pthread_detach);
  return real(thread);
}

pthread_t pthread_self() {
  if (Scheduler* const scheduler = SIMULATION()) return scheduler->self();
  REAL(pthread_self);
  return real();
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (Scheduler* const scheduler = SIMULATION()) {
    scheduler->MaybePreempt();
    Lock(*scheduler, mutex);
    return 0;
  }
  REAL(pthread_mutex_lock);
  return real(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  if (Scheduler* const scheduler = SIMULATION()) return TakeIfFree(*scheduler, mutex) ? 0 : EBUSY;
  REAL(pthread_mutex_trylock);
  return real(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
  if (Scheduler* const scheduler = SIMULATION()) {
    Unlock(*scheduler, mutex);
    scheduler->MaybePreempt();
    return 0;
  }
  REAL(pthread_mutex_unlock);
  return real(mutex);
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  if (Scheduler* const scheduler = SIMULATION()) return WaitOn(*scheduler, condition, mutex, kNever);
  REAL(pthread_cond_wait, "GLIBC_2.3.2");
  return real(condition, mutex);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* time) {
  if (Scheduler* const scheduler = SIMULATION()) return WaitOn(*scheduler, condition, mutex, DeadlineOf(CLOCK_REALTIME, *time));
  REAL(pthread_cond_timedwait, "GLIBC_2.3.2");
  return real(condition, mutex, time);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* time) {
  if (Scheduler* const scheduler = SIMULATION()) return WaitOn(*scheduler, condition, mutex, DeadlineOf(clock, *time));
  REAL(pthread_cond_clockwait);
  return real(condition, mutex, clock, time);
}

int pthread_cond_signal(pthread_cond_t* condition) {
  if (Scheduler* const scheduler = SIMULATION()) {
    scheduler->Wake(condition, 1);
    scheduler->MaybePreempt();
    return 0;
  }
  REAL(pthread_cond_signal, "GLIBC_2.3.2");
  return real(condition);
}

int pthread_cond_broadcast(pthread_cond_t* condition) {
  if (Scheduler* const scheduler = SIMULATION()) {
    scheduler->Wake(condition, SIZE_MAX);
    scheduler->MaybePreempt();
    return 0;
  }
  REAL(pthread_cond_broadcast, "GLIBC_2.3.2");
  return real(condition);
}

// libc's would look for waiters that its own wait never saw.
int pthread_cond_destroy(pthread_cond_t* condition) {
  if (SIMULATION() != nullptr) return 0;
  REAL(pthread_cond_destroy, "GLIBC_2.3.2");
  return real(condition);
}

int sched_yield() {
  if (Scheduler* const scheduler = SIMULATION()) {
    scheduler->Yield();
    return 0;
  }
  REAL(sched_yield);
  return real();
}

int clock_gettime(clockid_t clock, timespec* time) {
  if (Scheduler* const scheduler = SIMULATION()) {
    *time = ToTimespec(scheduler->ReadClock() + (clock == CLOCK_REALTIME ? kRealtimeAhead : 0));
    return 0;
  }
  REAL(clock_gettime);
  return real(clock, time);
}

int nanosleep(const timespec* time, timespec* left) {
  if (Scheduler* const scheduler = SIMULATION()) {
    scheduler->SleepUntil(scheduler->now() + ToNanoseconds(*time));
    return 0;
  }
  REAL(nanosleep);
  return real(time, left);
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
  if (Scheduler* const scheduler = SIMULATION()) {
    scheduler->SleepUntil((flags & TIMER_ABSTIME) != 0 ? DeadlineOf(clock, *time) : scheduler->now() + ToNanoseconds(*time));
    return 0;
  }
  REAL(clock_nanosleep);
  return real(clock, flags, time, left);
}

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_futex) {
    if (Scheduler* const scheduler = SIMULATION())
      return Futex(*scheduler, reinterpret_cast<int*>(arguments[0]), static_cast<int>(arguments[1]), static_cast<int>(arguments[2]),
                   reinterpret_cast<const timespec*>(arguments[3]));
  }
  REAL(syscall);
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

// A check that fails, or an exception that nobody catches, is a finding of the seed.
void abort() {
  if (Scheduler::Current() != nullptr) sluice::simulator::Fail("the process aborted");
  ::_exit(134);
}

}  // extern "C"

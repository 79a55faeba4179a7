#include "cli/sql/query_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "base/check.h"

namespace sluice::cli {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

constexpr int kAgainMs = 50;

sigset_t Set() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kSignals) sigaddset(&set, signal);
  return set;
}

/// With the one that ends a read() when another came too early for that.
sigset_t SetWithAlarm() {
  sigset_t set = Set();
  sigaddset(&set, SIGALRM);
  return set;
}

volatile std::sig_atomic_t seen_by_handler = 0;
timer_t again;

// A signal that comes just before a read() would end none. So one follows after the other from then on.
void Note(int signal) {
  seen_by_handler = signal;
  constexpr timespec kAgain{0, kAgainMs * 1'000'000L};
  const itimerspec often{kAgain, kAgain};
  timer_settime(again, 0, &often, nullptr);
}
void EndRead(int) {}

}  // namespace

QuerySignals::QuerySignals() {
  const sigset_t set = SetWithAlarm();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // A pager that was left is an error of writing, so that the session ends in order.
}

bool QuerySignals::ends_all() const { return came_ != 0 && came_ != SIGINT; }

ExitCode QuerySignals::exit_code() const { return came_ == SIGINT ? ExitCode::kInterrupted : ExitCode::kTerminated; }

QuerySignals::During::During(QuerySignals& signals, DuckDbSession& session) : end_(eventfd(0, EFD_CLOEXEC)) {
  SLUICE_CHECK(end_.valid());
  session.Resume();
  thread_ = std::jthread([&signals, &session, end = end_.get()] {
    const sigset_t set = Set();
    const FileDescriptor arrived(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    std::array<pollfd, 2> either = {{{arrived.get(), POLLIN, 0}, {end, POLLIN, 0}}};
    bool interrupts = false;
    while (poll(either.data(), either.size(), interrupts ? kAgainMs : -1) >= 0 || errno == EINTR) {
      signalfd_siginfo info{};
      if (read(arrived.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        signals.came_ = static_cast<int>(info.ssi_signo);
        interrupts = true;
      }
      if (interrupts) session.Interrupt();
      if ((either[1].revents & POLLIN) != 0) return;
    }
  });
}

QuerySignals::During::~During() {
  eventfd_write(end_.get(), 1);
  thread_.join();
}

QuerySignals::ComeThrough::ComeThrough(QuerySignals& signals) : signals_(signals) {
  seen_by_handler = 0;
  SLUICE_CHECK(timer_create(CLOCK_MONOTONIC, nullptr, &again) == 0);  // It sends SIGALRM, which no other thread takes.
  struct sigaction end_read {};
  end_read.sa_handler = EndRead;
  sigaction(SIGALRM, &end_read, nullptr);
  struct sigaction note {};
  note.sa_handler = Note;  // Without SA_RESTART: the read() that waits for a key is what shall end.
  for (const int signal : kSignals) sigaction(signal, &note, nullptr);
  const sigset_t set = SetWithAlarm();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

QuerySignals::ComeThrough::~ComeThrough() {
  const sigset_t set = SetWithAlarm();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
  timer_delete(again);
  if (seen_by_handler != 0) signals_.came_ = seen_by_handler;
}

}  // namespace sluice::cli

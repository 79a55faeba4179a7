#include "cli/signals.h"

#include <unistd.h>

#include <csignal>
#include <ctime>

#include "observability/log.h"

namespace sluice::cli {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

constexpr timespec kLookEvery{0, 100'000'000};  // sigtimedwait cannot be woken otherwise.

}  // namespace

SignalStop::SignalStop() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // A peer that goes away is an error of write(), not our end.
  thread_ = std::jthread([this](const std::stop_token& end) { Wait(end); });
}

SignalStop::~SignalStop() {
  thread_.request_stop();
  thread_.join();
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

ExitCode SignalStop::exit_code() const {
  const int signal = signal_.load();
  if (signal == 0) return ExitCode::kOk;
  return signal == SIGINT ? ExitCode::kInterrupted : ExitCode::kTerminated;
}

void SignalStop::Wait(const std::stop_token& end) {
  const sigset_t signals = StopSignals();
  while (!end.stop_requested()) {
    const int signal = sigtimedwait(&signals, nullptr, &kLookEvery);
    if (signal <= 0) continue;
    if (signal_.load() != 0) _exit(128 + signal);
    signal_.store(signal);
    log::Info("cli", "stopping", "stopping at the next transaction end; a second signal stops at once");
    stop_.request_stop();
  }
}

}  // namespace sluice::cli

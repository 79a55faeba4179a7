#pragma once
// SIGINT and SIGTERM as a request to stop.

#include <atomic>
#include <stop_token>
#include <thread>

#include "observability/error_catalog.h"

namespace sluice::cli {

/// While it lives, the first signal asks for a graceful stop and the second ends the process at once, as kill -9
/// would: both are safe. Make it before any other thread, which then inherits that signals go here.
class SignalStop {
 public:
  SignalStop();
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  /// kOk while no signal came, then kInterrupted or kTerminated.
  ExitCode exit_code() const;

 private:
  void Wait(const std::stop_token& end);

  std::stop_source stop_;
  std::atomic<int> signal_{0};
  std::jthread thread_;
};

}  // namespace sluice::cli

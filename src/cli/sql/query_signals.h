#pragma once
// Ctrl-C ends the query, not the shell.

#include <atomic>
#include <thread>

#include "base/file_descriptor.h"
#include "duckdb/session.h"
#include "observability/error_catalog.h"

namespace sluice::cli {

/// Holds SIGINT, SIGTERM and SIGHUP back in every thread. Make it before any other thread.
class QuerySignals {
 public:
  QuerySignals();

  /// While it lives a signal interrupts the session.
  class During {
   public:
    During(QuerySignals& signals, DuckDbSession& session);
    ~During();
    During(const During&) = delete;
    During& operator=(const During&) = delete;

   private:
    FileDescriptor end_;
    std::jthread thread_;
  };

  /// While it lives they come through to this thread, so that a read() ends with EINTR.
  class ComeThrough {
   public:
    explicit ComeThrough(QuerySignals& signals);
    ~ComeThrough();
    ComeThrough(const ComeThrough&) = delete;
    ComeThrough& operator=(const ComeThrough&) = delete;

   private:
    QuerySignals& signals_;
  };

  bool came() const { return came_ != 0; }
  /// Whether it was not Ctrl-C but the end of the process that was asked for.
  bool ends_all() const;
  /// kInterrupted or kTerminated.
  ExitCode exit_code() const;
  void Forget() { came_ = 0; }

 private:
  std::atomic<int> came_ = 0;
};

}  // namespace sluice::cli

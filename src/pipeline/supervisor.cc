#include "pipeline/supervisor.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/pause.h"
#include "observability/error_catalog.h"
#include "observability/log.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

void LogRetry(const Error& error, int attempt, int attempts_max, milliseconds delay) {
  log::Warn("pipeline", "pipeline.retry",
            fmt::format("{}, retrying {}/{} in {:.1f}s", error.message, attempt, attempts_max,
                        static_cast<double>(delay.count()) / 1000),
            {{"code", fmt::format("SLU-{}", EntryOf(error).code)},
             {"attempt", std::to_string(attempt)},
             {"max", std::to_string(attempts_max)},
             {"evidence", error.evidence}});
}

}  // namespace

RetryPolicy PolicyFor(ErrorKind kind) {
  switch (kind) {
    // Outages end by themselves: about eight minutes of patience, then a human should know.
    case ErrorKind::kUnavailable: return {20, milliseconds(500), milliseconds(30'000)};
    // Opening the sinks again is how we look whether the commit took effect.
    case ErrorKind::kOutcomeUnknown: return {20, milliseconds(500), milliseconds(30'000)};
    // Longer than wal_sender_timeout (60 s) keeps a dead reader's slot; two live ones must not fight for ever.
    case ErrorKind::kConflict: return {8, milliseconds(1000), milliseconds(15'000)};
    case ErrorKind::kNeedsOperator: return {};
    case ErrorKind::kSourceLost: return {};
    case ErrorKind::kCorrupt: return {};
    case ErrorKind::kCancelled: return {};
  }
  return {};
}

milliseconds RetryDelay(const RetryPolicy& policy, int attempt) {
  milliseconds delay = policy.first_delay;
  for (int i = 1; i < attempt && delay < policy.delay_max; ++i) delay *= 2;
  return std::min(delay, policy.delay_max);
}

Supervisor::Supervisor(StatusBoard& board, Wait wait) : board_(board), wait_(wait ? std::move(wait) : Wait(Pause)) {}

Status Supervisor::Run(const std::function<RunOutcome(std::stop_token)>& run_once, std::stop_token stop) {
  int attempt = 0;
  for (;;) {
    RunOutcome outcome = run_once(stop);
    const bool stopped = stop.stop_requested() &&
                         (outcome.status.ok() || outcome.status.error().kind == ErrorKind::kCancelled);
    if (outcome.status.ok() && outcome.again && !stop.stop_requested()) {
      attempt = 0;
      continue;
    }
    if (outcome.status.ok() || stopped) {
      board_.Phase(PipelineState::kStopped);
      return Ok();
    }
    const Error& error = outcome.status.error();
    const RetryPolicy policy = PolicyFor(error.kind);
    if (outcome.made_progress) attempt = 0;
    // Whoever asked to stop should not wait for the other side to come back.
    if (++attempt > policy.attempts_max || stop.stop_requested()) {
      board_.Failed(error);
      return outcome.status;
    }
    const milliseconds delay = RetryDelay(policy, attempt);
    LogRetry(error, attempt, policy.attempts_max, delay);
    board_.Retrying(error, {attempt, policy.attempts_max, static_cast<double>(delay.count()) / 1000});
    wait_(delay, stop);
    if (stop.stop_requested()) {
      board_.Phase(PipelineState::kStopped);
      return Ok();
    }
  }
}

}  // namespace sluice

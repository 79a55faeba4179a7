#include "pipeline/supervisor.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

using std::chrono::milliseconds;

Error Of(ErrorKind kind) { return Error{kind, "replica: connection reset"}; }

class SupervisorTest : public ::testing::Test {
 protected:
  /// Runs with the given outcomes one after the other; the last one repeats.
  Status Run(std::vector<RunOutcome> outcomes) {
    Supervisor supervisor(board_, [this](milliseconds time, std::stop_token) {
      waits_.push_back(time);
      if (waits_.size() == stop_at_wait_) stop_.request_stop();
    });
    return supervisor.Run(
        [&](std::stop_token) {
          const size_t index = std::min(runs_++, outcomes.size() - 1);
          return outcomes[index];
        },
        stop_.get_token());
  }

  SystemClock clock_;
  StatusBoard board_{"test", "source", {}, clock_};
  std::stop_source stop_;
  std::vector<milliseconds> waits_;
  size_t stop_at_wait_ = 0;
  size_t runs_ = 0;
};

TEST_F(SupervisorTest, AnOutageIsWaitedOutWithGrowingPauses) {
  const Status ran = Run({{Of(ErrorKind::kUnavailable)}, {Of(ErrorKind::kOutcomeUnknown)}, {Of(ErrorKind::kUnavailable)}, {Ok()}});
  EXPECT_TRUE(ran.ok());
  EXPECT_EQ(waits_, (std::vector<milliseconds>{milliseconds(500), milliseconds(1000), milliseconds(2000)}));
}

TEST_F(SupervisorTest, AnOutageWithoutEndIsToldAtLast) {
  const Status ran = Run({{Of(ErrorKind::kUnavailable)}});
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(runs_, static_cast<size_t>(PolicyFor(ErrorKind::kUnavailable).attempts_max) + 1);
  EXPECT_EQ(waits_.back(), PolicyFor(ErrorKind::kUnavailable).delay_max);
  EXPECT_EQ(board_.Snapshot().state, PipelineState::kFailed);
}

TEST_F(SupervisorTest, AConflictIsRetriedLongerThanADeadReaderKeepsTheSlotButNotForEver) {
  EXPECT_FALSE(Run({{Of(ErrorKind::kConflict)}}).ok());
  milliseconds all{0};
  for (const milliseconds wait : waits_) all += wait;
  EXPECT_GT(all, std::chrono::seconds(60));
  EXPECT_LT(all, std::chrono::minutes(3));
}

TEST_F(SupervisorTest, WhatRetryingDoesNotMendStopsAtOnce) {
  for (const ErrorKind kind : {ErrorKind::kNeedsOperator, ErrorKind::kSourceLost, ErrorKind::kCorrupt}) {
    runs_ = 0;
    EXPECT_FALSE(Run({{Of(kind)}}).ok());
    EXPECT_EQ(runs_, 1u);
    EXPECT_TRUE(waits_.empty());
  }
}

TEST_F(SupervisorTest, ProgressStartsTheCountAgain) {
  std::vector<RunOutcome> outcomes(50, {Of(ErrorKind::kUnavailable), true});
  outcomes.push_back({Ok()});
  EXPECT_TRUE(Run(outcomes).ok());
  for (const milliseconds wait : waits_) EXPECT_EQ(wait, milliseconds(500));
}

TEST_F(SupervisorTest, ARequestToStopEndsTheWaiting) {
  stop_at_wait_ = 2;
  EXPECT_TRUE(Run({{Of(ErrorKind::kUnavailable)}}).ok());
  EXPECT_EQ(runs_, 2u);
  EXPECT_EQ(board_.Snapshot().state, PipelineState::kStopped);
}

TEST_F(SupervisorTest, ACancelledRunIsNoFailureWhenAStopWasAskedFor) {
  stop_.request_stop();
  EXPECT_TRUE(Run({{Of(ErrorKind::kCancelled)}}).ok());
}

TEST_F(SupervisorTest, AFailureWhileStoppingIsStillTold) {
  stop_.request_stop();
  EXPECT_FALSE(Run({{Of(ErrorKind::kUnavailable)}}).ok());
  EXPECT_EQ(runs_, 1u);
}

TEST_F(SupervisorTest, TheBoardShowsTheRetryWithItsReason) {
  stop_at_wait_ = 1;
  Supervisor supervisor(board_, [&](milliseconds, std::stop_token) {
    const PipelineStatus status = board_.Snapshot();
    EXPECT_EQ(status.state, PipelineState::kRetrying);
    ASSERT_TRUE(status.retry.has_value());
    EXPECT_EQ(status.retry->attempt, 1);
    ASSERT_TRUE(status.last_error.has_value());
    EXPECT_EQ(status.last_error->message, "replica: connection reset");
    stop_.request_stop();
  });
  EXPECT_TRUE(supervisor.Run([](std::stop_token) { return RunOutcome{Of(ErrorKind::kUnavailable)}; }, stop_.get_token()).ok());
}

}  // namespace
}  // namespace sluice

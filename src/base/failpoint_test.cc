#include "base/failpoint.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

int steps = 0;

Status TwoSteps() {
  SLUICE_FAILPOINT("test.before");
  ++steps;
  SLUICE_FAILPOINT("test.after");
  return Ok();
}

class FailpointTest : public ::testing::Test {
 protected:
  FailpointTest() { steps = 0; }
  ~FailpointTest() override { EXPECT_TRUE(failpoint::Arm("").ok()); }
};

TEST_F(FailpointTest, DoesNothingUnlessArmed) {
  EXPECT_TRUE(TwoSteps().ok());
  EXPECT_EQ(steps, 1);
  EXPECT_FALSE(failpoint::armed);
}

TEST_F(FailpointTest, ListsEveryNameOnceAndSorted) {
  const auto all = failpoint::All();
  EXPECT_EQ(std::count(all.begin(), all.end(), "test.before"), 1);
  EXPECT_EQ(std::count(all.begin(), all.end(), "test.after"), 1);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_F(FailpointTest, AnErrorComesBeforeTheStepItGuards) {
  ASSERT_TRUE(failpoint::Arm("test.before=error").ok());
  const Status status = TwoSteps();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(steps, 0);
}

TEST_F(FailpointTest, UnknownIsAnOutcomeNobodyKnows) {
  ASSERT_TRUE(failpoint::Arm("test.after=unknown").ok());
  const Status status = TwoSteps();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_EQ(steps, 1);
}

TEST_F(FailpointTest, ActsAtTheHitThatWasNamedAndAtNoOther) {
  ASSERT_TRUE(failpoint::Arm("test.before=error:3").ok());
  EXPECT_TRUE(TwoSteps().ok());
  EXPECT_TRUE(TwoSteps().ok());
  EXPECT_FALSE(TwoSteps().ok());
  EXPECT_TRUE(TwoSteps().ok());
}

TEST_F(FailpointTest, SeveralAreArmedAtOnceAndReplaceTheOldOnes) {
  ASSERT_TRUE(failpoint::Arm("test.before=error").ok());
  ASSERT_TRUE(failpoint::Arm("test.before=error:2,test.after=error").ok());
  EXPECT_FALSE(TwoSteps().ok());
  EXPECT_EQ(steps, 1) << "the old arming of test.before would have come first";
}

TEST_F(FailpointTest, KillEndsTheProcess) {
  ASSERT_TRUE(failpoint::Arm("test.before=kill").ok());
  EXPECT_EXIT(static_cast<void>(TwoSteps()), ::testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointTest, MisspellingsAreRefusedAndArmNothing) {
  for (const char* wrong : {"test.before", "test.before=", "test.before=explode", "no.such=kill", "test.before=error:0",
                            "test.before=error:x", "test.before=error:1x", "=kill", "test.after=error,test.before"}) {
    SCOPED_TRACE(wrong);
    EXPECT_FALSE(failpoint::Arm(wrong).ok());
    EXPECT_TRUE(TwoSteps().ok());
  }
}

}  // namespace
}  // namespace sluice

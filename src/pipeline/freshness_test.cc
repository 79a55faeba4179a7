#include "pipeline/freshness.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::seconds;

class StoppedClock final : public Clock {
 public:
  Timestamp Now() const override { return now; }
  Timestamp now{seconds(1000)};
};

TEST(Freshness, IsUnknownBeforeAnythingIsVisible) {
  EXPECT_FALSE(Freshness().Age(StoppedClock()).has_value());
}

TEST(Freshness, GrowsByItselfWhenNothingComes) {
  StoppedClock clock;
  Freshness freshness;
  freshness.Visible(Timestamp(seconds(990)));
  EXPECT_EQ(freshness.Age(clock), seconds(10));
  clock.now += seconds(3600);
  EXPECT_EQ(freshness.Age(clock), seconds(3610));
}

TEST(Freshness, AHeartbeatMakesAnIdleSourceFresh) {
  StoppedClock clock;
  Freshness freshness;
  freshness.Visible(Timestamp(seconds(900)));
  freshness.Visible(Timestamp(seconds(999)));
  EXPECT_EQ(freshness.Age(clock), seconds(1));
}

TEST(Freshness, NeverGoesBackAndAnUnknownTimeTellsNothing) {
  StoppedClock clock;
  Freshness freshness;
  freshness.Visible(Timestamp(seconds(990)));
  freshness.Visible(Timestamp(seconds(900)));
  freshness.Visible(Timestamp{});
  EXPECT_EQ(freshness.Age(clock), seconds(10));
}

TEST(Freshness, IsMeasuredByTheSourcesClock) {
  StoppedClock clock;
  Freshness freshness;
  freshness.SourceClockAhead(seconds(30));
  freshness.Visible(Timestamp(seconds(1020)));
  EXPECT_EQ(freshness.Age(clock), seconds(10));
}

TEST(Freshness, IsNeverBelowZero) {
  StoppedClock clock;
  Freshness freshness;
  freshness.Visible(Timestamp(seconds(2000)));
  EXPECT_EQ(freshness.Age(clock), seconds(0));
}

TEST(Rate, CountsTheLastTenSecondsAndThenForgets) {
  Rate rate;
  rate.Add(Timestamp(seconds(100)), 50);
  rate.Add(Timestamp(seconds(105)), 50);
  EXPECT_DOUBLE_EQ(rate.PerSecond(Timestamp(seconds(106))), 10);
  EXPECT_DOUBLE_EQ(rate.PerSecond(Timestamp(seconds(112))), 5);
  EXPECT_DOUBLE_EQ(rate.PerSecond(Timestamp(seconds(200))), 0);
}

TEST(Rate, AFloodOfCommitsLosesNoCount) {
  Rate rate;
  for (int i = 0; i < 5000; ++i) rate.Add(Timestamp(std::chrono::milliseconds(100'000 + i)), 2);
  EXPECT_DOUBLE_EQ(rate.PerSecond(Timestamp(std::chrono::milliseconds(105'000))), 1000);
}

}  // namespace
}  // namespace sluice

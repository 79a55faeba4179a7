#include "pipeline/slot_forecast.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::seconds;

SlotForecast::SteadyTime At(int second) { return SlotForecast::SteadyTime(seconds(1'000'000 + second)); }

TEST(SlotForecast, AKnownSpeedSaysWhen) {
  SlotForecast forecast;
  for (int second = 0; second <= 120; second += 3) forecast.Add(At(second), 1000 + 10u * static_cast<unsigned>(second));
  const auto until = forecast.Until(1000 + 1200 + 10 * 600);
  ASSERT_TRUE(until);
  EXPECT_NEAR(static_cast<double>(until->count()), 600, 60);
}

TEST(SlotForecast, ASawtoothDoesNotGrow) {
  SlotForecast forecast;
  for (int second = 0; second <= 300; second += 3) forecast.Add(At(second), 1000 + static_cast<unsigned>(second % 30) * 100);
  EXPECT_FALSE(forecast.Until(1 << 20));
}

TEST(SlotForecast, AMinuteHasToBeSeenFirst) {
  SlotForecast forecast;
  for (int second = 0; second < 60; second += 3) forecast.Add(At(second), static_cast<unsigned>(second) * 1000);
  EXPECT_FALSE(forecast.Until(1 << 30));
}

TEST(SlotForecast, WhatIsPassedAlreadyIsNow) {
  SlotForecast forecast;
  EXPECT_FALSE(forecast.Until(10));
  forecast.Add(At(0), 10);
  EXPECT_EQ(forecast.Until(10), seconds(0));
}

TEST(SlotForecast, WhatWasLongAgoIsForgotten) {
  SlotForecast forecast;
  for (int second = 0; second <= 60; second += 3) forecast.Add(At(second), static_cast<unsigned>(second) * 1000);
  for (int second = 700; second <= 900; second += 3) forecast.Add(At(second), 60'000);
  EXPECT_FALSE(forecast.Until(1 << 30));
}

}  // namespace
}  // namespace sluice

#include "config/units.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;

TEST(Units, ReadsEveryUnitOfDuration) {
  EXPECT_EQ(ParseDuration("500ms"), milliseconds(500));
  EXPECT_EQ(ParseDuration("30s"), milliseconds(30'000));
  EXPECT_EQ(ParseDuration("1.5m"), milliseconds(90'000));
  EXPECT_EQ(ParseDuration("24h"), milliseconds(86'400'000));
  EXPECT_EQ(ParseDuration("7d"), milliseconds(604'800'000));
  EXPECT_EQ(ParseDuration("10"), milliseconds(10'000));
  EXPECT_EQ(ParseDuration("0"), milliseconds(0));
}

TEST(Units, ReadsEveryUnitOfSize) {
  EXPECT_EQ(ParseSize("512B"), 512u);
  EXPECT_EQ(ParseSize("1.5KiB"), 1536u);
  EXPECT_EQ(ParseSize("64MiB"), 64u << 20);
  EXPECT_EQ(ParseSize("40GiB"), 40ull << 30);
  EXPECT_EQ(ParseSize("2TiB"), 2ull << 40);
  EXPECT_EQ(ParseSize("3KB"), 3000u);
  EXPECT_EQ(ParseSize("3 MB"), 3'000'000u);
  EXPECT_EQ(ParseSize("3GB"), 3'000'000'000u);
  EXPECT_EQ(ParseSize("3TB"), 3'000'000'000'000u);
  EXPECT_EQ(ParseSize("4096"), 4096u);
}

TEST(Units, RefusesWhatIsNoAmount) {
  for (const char* text : {"", "s", "-1s", "+1s", "1e9s", "0x10s", "inf", "nan", "1..5s", "1.s", ".5s", "5 parsecs", "5S", "1s1", " 1s", "99999999999999999999d"})
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  for (const char* text : {"", "MiB", "-1", "1Mib", "9999999999TiB", "1e3", "5 %"}) EXPECT_FALSE(ParseSize(text).has_value()) << text;
}

TEST(Units, ReadsAPartOfTheDayAlsoOverMidnight) {
  using std::chrono::hours, std::chrono::minutes;
  const auto at = [](int hour, int minute) { return std::chrono::sys_time<std::chrono::microseconds>(hours(24 * 20'000 + hour) + minutes(minute)); };
  const auto night = ParseDailyWindow("22:00-05:30");
  ASSERT_TRUE(night);
  EXPECT_TRUE(night->Contains(at(22, 0)) && night->Contains(at(0, 0)) && night->Contains(at(5, 29)));
  EXPECT_FALSE(night->Contains(at(5, 30)) || night->Contains(at(12, 0)) || night->Contains(at(21, 59)));
  const auto day = ParseDailyWindow("05:30-22:00");
  ASSERT_TRUE(day);
  EXPECT_TRUE(day->Contains(at(5, 30)) && !day->Contains(at(22, 0)) && !day->Contains(at(1, 0)));
  EXPECT_TRUE(DailyWindow{}.Contains(at(3, 3)));
  for (const char* wrong : {"", "22-05", "24:00-05:00", "22:60-05:00", "22:00 05:00", "2a:00-05:00"}) EXPECT_FALSE(ParseDailyWindow(wrong)) << wrong;
}

TEST(Units, PrintsAmountsForPeople) {
  EXPECT_EQ(FormatDuration(milliseconds(1)), "1 ms");
  EXPECT_EQ(FormatDuration(milliseconds(1840)), "1.8 s");
  EXPECT_EQ(FormatDuration(milliseconds(192'000)), "3m 12s");
  EXPECT_EQ(FormatDuration(milliseconds(3'600'000)), "1h 00m");
  EXPECT_EQ(FormatDuration(milliseconds(86'400'000ll * 12 + 4 * 3'600'000)), "12d 4h");
  EXPECT_EQ(FormatSize(0), "0 B");
  EXPECT_EQ(FormatSize(14 << 20), "14 MiB");
  EXPECT_EQ(FormatSize(1610612736), "1.5 GiB");
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(208901133), "208,901,133");
}

}  // namespace
}  // namespace sluice

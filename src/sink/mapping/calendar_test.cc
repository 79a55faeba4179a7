#include "sink/mapping/calendar.h"

#include <gtest/gtest.h>

namespace sluice::mapping {
namespace {

std::string Date(int64_t days) {
  std::string text;
  AppendDate(days, text);
  return text;
}

std::string Stamp(int64_t micros, bool zone = false) {
  std::string text;
  AppendTimestamp(micros, zone, text);
  return text;
}

TEST(Calendar, PrintsDatesAsTheServerDoes) {
  EXPECT_EQ(Date(0), "2000-01-01");
  EXPECT_EQ(Date(59), "2000-02-29");
  EXPECT_EQ(Date(-1), "1999-12-31");
  EXPECT_EQ(Date(-730'119), "0001-01-01");
  EXPECT_EQ(Date(-730'120), "0001-12-31 BC");
  EXPECT_EQ(Date(kInfiniteFuture), "infinity");
}

TEST(Calendar, PrintsTimestampsAsTheServerDoes) {
  EXPECT_EQ(Stamp(0), "2000-01-01 00:00:00");
  EXPECT_EQ(Stamp(-1), "1999-12-31 23:59:59.999999");
  EXPECT_EQ(Stamp(500'000, true), "2000-01-01 00:00:00.5+00");
  EXPECT_EQ(Stamp(kInfinitePast, true), "-infinity");
}

TEST(Calendar, ReadsBackWhatItPrints) {
  for (int64_t days : {0l, 59l, -1l, -730'119l, -730'120l, -2'451'545l, 2'921'939l, 8'000'000l, 1l, 365l, 366l, -36'525l}) {
    EXPECT_EQ(ParseDate(Date(days)), days) << Date(days);
    if (days > 100'000'000 || days < -2'451'545) continue;
    for (int64_t of_day : {0l, 1l, 86'399'999'999l, 3'600'000'000l}) {
      const int64_t micros = days * kDayMicros + of_day;
      EXPECT_EQ(ParseTimestamp(Stamp(micros)), micros) << Stamp(micros);
      EXPECT_EQ(ParseTimestamp(Stamp(micros, true)), micros);
    }
  }
  EXPECT_EQ(ParseTimestamp("2024-05-06"), ParseTimestamp("2024-05-06 00:00:00+00"));
}

TEST(Calendar, RefusesWhatTheServerDoesNotPrint) {
  for (const char* text : {"", "2024", "2024-13-01", "2024-01-32", "01/02/2024", "2024-01-01x", "24-01-01", "2024-1-1"}) EXPECT_FALSE(ParseDate(text)) << text;
  for (const char* text : {"2024-01-01 10", "2024-01-01 10:00:00+02", "2024-01-01 25:00:00", "2024-01-01 "}) EXPECT_FALSE(ParseTimestamp(text)) << text;
}

TEST(Calendar, TruncatesTowardsThePast) {
  EXPECT_EQ(Date(TruncateDate(*ParseDate("1987-06-15"), TimeUnit::kYear)), "1987-01-01");
  EXPECT_EQ(Date(TruncateDate(*ParseDate("1987-06-15"), TimeUnit::kMonth)), "1987-06-01");
  EXPECT_EQ(Date(TruncateDate(*ParseDate("0044-03-15 BC"), TimeUnit::kYear)), "0044-01-01 BC");
  EXPECT_EQ(TruncateDate(kInfinitePast, TimeUnit::kYear), kInfinitePast);
  const int64_t at = *ParseTimestamp("1969-07-20 20:17:40.25");
  EXPECT_EQ(Stamp(TruncateTimestamp(at, TimeUnit::kHour)), "1969-07-20 20:00:00");
  EXPECT_EQ(Stamp(TruncateTimestamp(at, TimeUnit::kDay)), "1969-07-20 00:00:00");
  EXPECT_EQ(Stamp(TruncateTimestamp(at, TimeUnit::kYear)), "1969-01-01 00:00:00");
}

}  // namespace
}  // namespace sluice::mapping

#include "pipeline/acknowledgement.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sluice {
namespace {

Lsn Acknowledged(uint64_t before, uint64_t received, std::vector<uint64_t> durable) {
  std::vector<Lsn> lsns;
  for (const uint64_t lsn : durable) lsns.push_back(Lsn{lsn});
  return NextAcknowledged(Lsn{before}, Lsn{received}, lsns);
}

TEST(Acknowledgement, IsWhatTheSlowestSinkMadeDurable) {
  EXPECT_EQ(Acknowledged(10, 100, {90, 40}), Lsn{40});
  EXPECT_EQ(Acknowledged(40, 100, {90, 95}), Lsn{90});
}

TEST(Acknowledgement, OneSinkThatHasNothingHoldsEverythingBack) {
  EXPECT_EQ(Acknowledged(0, 100, {90, 0}), Lsn{0});
}

TEST(Acknowledgement, NeverGoesBackWhenASinkReportsLess) {
  EXPECT_EQ(Acknowledged(50, 100, {90, 40}), Lsn{50});
}

TEST(Acknowledgement, NeverGoesBeyondWhatWasReceived) {
  EXPECT_EQ(Acknowledged(10, 30, {90, 80}), Lsn{30});
}

TEST(Acknowledgement, HoldsForRandomHistories) {
  std::mt19937_64 random(20260928);
  for (int run = 0; run < 200; ++run) {
    SCOPED_TRACE(run);
    std::vector<Lsn> durable(1 + random() % 3, Lsn{100});
    Lsn received{100}, acknowledged{100};
    for (int step = 0; step < 100; ++step) {
      received.value += random() % 50;
      Lsn& sink = durable[random() % durable.size()];
      sink.value += random() % (received.value - sink.value + 1);
      const Lsn next = NextAcknowledged(acknowledged, received, durable);
      ASSERT_GE(next, acknowledged);
      ASSERT_LE(next, received);
      for (const Lsn lsn : durable) ASSERT_LE(next, lsn);
      acknowledged = next;
    }
  }
}

}  // namespace
}  // namespace sluice

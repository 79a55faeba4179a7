#include "base/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

namespace sluice {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kNow{0}, kLong{10'000};

TEST(BoundedQueue, GivesItemsInTheOrderTheyCame) {
  BoundedQueue<int> queue(100);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.Push(i, 10, kNow), QueueState::kDone);
  for (int i = 0; i < 3; ++i) {
    std::optional<int> item;
    ASSERT_EQ(queue.Pop(item, kNow), QueueState::kDone);
    EXPECT_EQ(*item, i);
  }
}

TEST(BoundedQueue, RefusesWhatWouldPassItsCapacityAndLeavesTheItemToTheCaller) {
  BoundedQueue<std::unique_ptr<int>> queue(100);
  auto first = std::make_unique<int>(1), second = std::make_unique<int>(2);
  EXPECT_EQ(queue.Push(first, 60, kNow), QueueState::kDone);
  EXPECT_EQ(queue.Push(second, 41, milliseconds(1)), QueueState::kTimedOut);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(queue.held_bytes(), 60u);
  EXPECT_EQ(queue.Push(second, 40, kNow), QueueState::kDone);
  EXPECT_EQ(queue.held_bytes(), 100u);
}

TEST(BoundedQueue, AnItemAboveTheCapacityEntersAlone) {
  BoundedQueue<int> queue(100);
  int large = 1, small = 2;
  EXPECT_EQ(queue.Push(large, 1000, kNow), QueueState::kDone);
  EXPECT_EQ(queue.Push(small, 1, kNow), QueueState::kTimedOut);
  std::optional<int> item;
  EXPECT_EQ(queue.Pop(item, kNow), QueueState::kDone);
  EXPECT_EQ(queue.held_bytes(), 0u);
  EXPECT_EQ(queue.Push(small, 1, kNow), QueueState::kDone);
}

TEST(BoundedQueue, ClosingRefusesNewItemsAndLetsTheOldOnesOut) {
  BoundedQueue<int> queue(100);
  int item = 7;
  EXPECT_EQ(queue.Push(item, 1, kNow), QueueState::kDone);
  queue.Close();
  EXPECT_EQ(queue.Push(item, 1, kNow), QueueState::kClosed);
  std::optional<int> popped;
  EXPECT_EQ(queue.Pop(popped, kNow), QueueState::kDone);
  EXPECT_EQ(queue.Pop(popped, kNow), QueueState::kClosed);
}

TEST(BoundedQueue, AnEmptyQueueTimesOut) {
  BoundedQueue<int> queue(100);
  std::optional<int> item;
  EXPECT_EQ(queue.Pop(item, milliseconds(1)), QueueState::kTimedOut);
}

TEST(BoundedQueue, ClosingWakesAWaitingProducerAndAWaitingConsumer) {
  BoundedQueue<int> full(1), empty(1);
  int item = 1;
  ASSERT_EQ(full.Push(item, 1, kNow), QueueState::kDone);
  std::thread producer([&] {
    int other = 2;
    EXPECT_EQ(full.Push(other, 1, kLong), QueueState::kClosed);
  });
  std::thread consumer([&] {
    std::optional<int> popped;
    EXPECT_EQ(empty.Pop(popped, kLong), QueueState::kClosed);
  });
  full.Close();
  empty.Close();
  producer.join();
  consumer.join();
}

TEST(BoundedQueue, BetweenTwoThreadsNothingIsLostAndTheBoundHolds) {
  BoundedQueue<int> queue(64);
  std::atomic<size_t> most{0};
  std::thread producer([&] {
    for (int i = 0; i < 20'000; ++i) {
      int item = i;
      ASSERT_EQ(queue.Push(item, static_cast<size_t>(i % 7 + 1), kLong), QueueState::kDone);
      most = std::max(most.load(), queue.held_bytes());
    }
    queue.Close();
  });
  int next = 0;
  for (std::optional<int> item; queue.Pop(item, kLong) == QueueState::kDone; ++next) ASSERT_EQ(*item, next);
  producer.join();
  EXPECT_EQ(next, 20'000);
  EXPECT_LE(most.load(), 64u);
}

}  // namespace
}  // namespace sluice

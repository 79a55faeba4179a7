#include "sink/lake/key_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sluice {
namespace {

class KeyIndexTest : public ::testing::TestWithParam<bool> {};

TEST_P(KeyIndexTest, EqualsAModelUnderRandomUse) {
  const bool narrow = GetParam();
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  KeyIndex index(narrow);
  std::multimap<uint64_t, RowLocation> model;
  // Few keys, so that runs are long and a key comes several times.
  const auto key_of = [&](uint64_t number) { return narrow ? RowKey{number << 40, 0} : RowKey{number % 7, number}; };
  for (int step = 0; step < 60'000; ++step) {
    const uint64_t number = random() % 3000;
    const RowKey key = key_of(number);
    const auto [from, to] = model.equal_range(number);
    switch (random() % 4) {
      case 0:
      case 1: {
        const RowLocation at{static_cast<uint32_t>(random() % 5), static_cast<uint32_t>(step)};
        index.Insert(key, at);
        model.emplace(number, at);
        break;
      }
      case 2: {
        const RowLocation absent{9, 9};
        EXPECT_FALSE(index.Erase(key, absent));
        if (from == to) break;
        EXPECT_TRUE(index.Erase(key, from->second));
        model.erase(from);
        break;
      }
      default: {
        if (from == to) {
          EXPECT_FALSE(index.Find(key));
          break;
        }
        RowLocation first = from->second;
        for (auto it = from; it != to; ++it) first = std::min(first, it->second);
        EXPECT_EQ(index.Find(key), first);
        const RowLocation moved{kOpenFile, static_cast<uint32_t>(step)};
        EXPECT_TRUE(index.Move(key, from->second, moved));
        from->second = moved;
      }
    }
  }
  EXPECT_EQ(index.size(), model.size());
  for (uint64_t number = 0; number < 3000; ++number) EXPECT_EQ(index.Count(key_of(number)), model.count(number));
  index.Clear();
  EXPECT_EQ(index.size(), 0u);
  EXPECT_FALSE(index.Find(key_of(1)));
}

INSTANTIATE_TEST_SUITE_P(NarrowAndWide, KeyIndexTest, ::testing::Bool());

TEST(KeyIndex, TakesAtMostTwentySixBytesForANarrowKey) {
  KeyIndex index(true);
  for (uint32_t i = 0; i < 300'000; ++i) {
    index.Insert({i, 0}, {0, i});
    if (i % 10'000 == 9'999 && i > 50'000) {
      ASSERT_LT(index.size_bytes() / index.size(), 26u);
    }
  }
}

}  // namespace
}  // namespace sluice

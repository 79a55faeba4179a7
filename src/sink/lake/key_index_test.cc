#include "sink/lake/key_index.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <map>
#include <random>

#include "observability/error_catalog.h"
#include "sink/lake/lake_test_support.h"

namespace sluice {
namespace {

struct Use {
  bool narrow;
  bool settles;  ///< Often, with next to no memory, so that segments come, merge and have erased entries.
};

class KeyIndexTest : public ::testing::TestWithParam<Use> {
 protected:
  static constexpr uint64_t kKeys = 3000;

  RowKey KeyOf(uint64_t number) const { return GetParam().narrow ? RowKey{number << 40, 0} : RowKey{number % 7, number * 0x9E3779B97F4A7C15ull}; }
  RowLocation FirstOf(uint64_t number) const {
    const auto [from, to] = model_.equal_range(number);
    return std::min_element(from, to, [](const auto& a, const auto& b) { return a.second < b.second; })->second;
  }
  void Step(KeyIndex& index, uint32_t step) {
    const uint64_t number = random_() % kKeys;
    const RowKey key = KeyOf(number);
    const auto [from, to] = model_.equal_range(number);
    const RowLocation absent{9, 9};
    switch (random_() % 5) {
      case 0:
      case 1: {
        const RowLocation at{random_() % 8 == 0 ? kOpenFile : static_cast<uint32_t>(random_() % 5), step};
        index.Insert(key, at);
        model_.emplace(number, at);
        return;
      }
      case 2: {
        EXPECT_FALSE(index.Erase(key, absent));
        if (from == to) return;
        EXPECT_TRUE(index.Erase(key, from->second));
        model_.erase(from);
        return;
      }
      case 3: {
        EXPECT_FALSE(index.Move(key, absent, {1, 1}));
        if (from == to) return;
        const RowLocation moved{random_() % 2 == 0 ? kOpenFile : static_cast<uint32_t>(random_() % 1000), step};
        EXPECT_TRUE(index.Move(key, from->second, moved));
        from->second = moved;
        return;
      }
      default:
        EXPECT_EQ(index.Find(key), from == to ? std::nullopt : std::optional(FirstOf(number)));
    }
  }

  const uint64_t seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  std::multimap<uint64_t, RowLocation> model_;
};

TEST_P(KeyIndexTest, EqualsAModelUnderRandomUse) {
  SCOPED_TRACE(::testing::Message() << "seed " << seed_);
  testing::TestFolder folder;
  KeyIndexSpace space(folder.path(), 8 << 10);
  std::unique_ptr<KeyIndex> index;
  if (GetParam().settles) index = std::make_unique<KeyIndex>(GetParam().narrow, space); else index = std::make_unique<KeyIndex>(GetParam().narrow);
  size_t segments_max = 0, merges = 0;
  for (uint32_t step = 0; step < 60'000; ++step) {
    Step(*index, step);
    if (random_() % 500 != 0) continue;
    const size_t before = index->segments();
    ASSERT_TRUE(index->Settle().ok());
    segments_max = std::max(segments_max, index->segments());
    if (index->segments() < before) ++merges;
    EXPECT_EQ(index->size(), model_.size());
  }
  EXPECT_EQ(segments_max >= 2 && merges > 0, GetParam().settles) << segments_max << " segments, " << merges << " merges";
  EXPECT_EQ(index->size(), model_.size());
  for (uint64_t number = 0; number < kKeys; ++number) EXPECT_EQ(index->Count(KeyOf(number)), model_.count(number));
  index->Clear();
  EXPECT_EQ(index->size(), 0u);
  EXPECT_FALSE(index->Find(KeyOf(1)));
}

INSTANTIATE_TEST_SUITE_P(NarrowAndWide, KeyIndexTest, ::testing::Values(Use{true, false}, Use{false, false}, Use{true, true}, Use{false, true}));

TEST(KeyIndex, TakesAtMostTwentySixBytesForANarrowKeyInMemory) {
  KeyIndex index(true);
  for (uint32_t i = 0; i < 300'000; ++i) {
    index.Insert(RowKey{i, 0}, {0, i});
    if (i % 10'000 == 9'999 && i > 50'000) {
      ASSERT_LT(index.size_bytes() / index.size(), 26u);
    }
  }
}

TEST(KeyIndex, TakesAtMostSixteenBytesForAKeyInAFile) {
  for (const bool narrow : {true, false}) {
    KeyIndexSpace space("", 4 << 20);
    KeyIndex index(narrow, space);
    for (uint32_t i = 0; i < 1'000'000; ++i) {
      index.Insert(narrow ? RowKey{i, 0} : HashOf(std::to_string(i)), {i / 2000, i % 2000});
      if (i % 1000 == 0) {
        ASSERT_TRUE(index.Settle().ok());
      }
    }
    EXPECT_LE(index.size_bytes(), 16u * index.size());
    EXPECT_LE(index.memory_bytes(), 512u << 10);
    EXPECT_LE(index.segments(), 6u);
  }
}

TEST(KeyIndex, ErasedEntriesGiveTheirRoomBack) {
  KeyIndexSpace space("", 64 << 10);
  KeyIndex index(true, space);
  const auto settle = [&] { ASSERT_TRUE(index.Settle().ok()); };
  for (uint32_t i = 0; i < 100'000; ++i) {
    index.Insert(RowKey{i, 0}, {0, i});
    if (i % 1000 == 0) settle();
  }
  const size_t full = index.size_bytes();
  for (uint32_t i = 0; i < 99'000; ++i) ASSERT_TRUE(index.Erase(RowKey{i, 0}, {0, i}));
  settle();
  EXPECT_LT(index.size_bytes(), full / 10);
  for (uint32_t i = 98'990; i < 99'010; ++i) EXPECT_EQ(index.Find(RowKey{i, 0}).has_value(), i >= 99'000);
}

TEST(KeyIndex, OpenRowsStayInMemory) {
  KeyIndexSpace space("", 4 << 10);
  KeyIndex index(true, space);
  for (uint32_t i = 0; i < 10'000; ++i) index.Insert(RowKey{i, 0}, {kOpenFile, i});
  ASSERT_TRUE(index.Settle().ok());
  EXPECT_EQ(index.segments(), 0u);
  for (uint32_t i = 0; i < 10'000; ++i) ASSERT_TRUE(index.Move(RowKey{i, 0}, {kOpenFile, i}, {3, i}));
  ASSERT_TRUE(index.Settle().ok());
  EXPECT_EQ(index.segments(), 1u);
  EXPECT_EQ(index.Find(RowKey{77, 0}), (RowLocation{3, 77}));
}

TEST(KeyIndex, IndexesOfAllTablesStayWithinTheLimitTogether) {
  KeyIndexSpace space("", 4 << 20);
  std::vector<std::unique_ptr<KeyIndex>> tables;
  size_t bytes = 0;
  for (int table = 0; table < 50; ++table) {
    KeyIndex& index = *tables.emplace_back(std::make_unique<KeyIndex>(true, space));
    for (uint32_t i = 0; i < 50'000; ++i) {
      index.Insert(RowKey{i, 0}, {0, i});
      if (i % 500 == 0) {
        ASSERT_TRUE(index.Settle().ok());
      }
    }
  }
  for (const auto& index : tables) bytes += index->memory_bytes();
  EXPECT_LE(bytes, 4u << 20);
}

TEST(KeyIndex, AFullDiskIsAnErrorAndLosesNothing) {
  testing::TestFolder folder;
  KeyIndexSpace space(folder.path(), 64 << 10);
  KeyIndex index(true, space);
  for (uint32_t i = 0; i < 50'000; ++i) index.Insert(RowKey{i, 0}, {0, i});
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status refused = index.Settle();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(refused.error().code, slu::kLakeIndexFile);
  EXPECT_EQ(index.size(), 50'000u);
  EXPECT_EQ(index.Find(RowKey{49'999, 0}), (RowLocation{0, 49'999}));
  ASSERT_TRUE(index.Settle().ok());
  EXPECT_EQ(index.segments(), 1u);
  for (uint32_t i = 0; i < 50'000; ++i) ASSERT_EQ(index.Find(RowKey{i, 0}), (RowLocation{0, i}));
}

TEST(KeyIndex, AFolderThatCannotBeMadeNeedsTheOperator) {
  testing::TestFolder folder;
  std::ofstream(folder.path() + "/file") << "in the way";
  KeyIndexSpace space(folder.path() + "/file/index", 4 << 10);
  KeyIndex index(true, space);
  for (uint32_t i = 0; i < 5'000; ++i) index.Insert(RowKey{i, 0}, {0, i});
  const Status refused = index.Settle();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kNeedsOperator);
  EXPECT_EQ(index.Find(RowKey{4'999, 0}), (RowLocation{0, 4'999}));
}

}  // namespace
}  // namespace sluice

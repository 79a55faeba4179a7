#include "sink/lake/key_index_builder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <random>

#include "observability/error_catalog.h"
#include "sink/lake/lake_test_support.h"

namespace sluice {
namespace {

RowKey KeyOf(bool narrow, uint64_t number) { return narrow ? RowKey{number, 0} : HashOf(std::to_string(number)); }

class KeyIndexBuilderTest : public ::testing::TestWithParam<bool> {
 protected:
  // Row i of file f has key f * rows + i; every tenth row is left out.
  void Build(const std::string& folder, uint32_t files, uint32_t rows, uint64_t rows_expected, KeyIndex& index) {
    const auto builder = KeyIndexBuilder::Make(GetParam(), folder, rows_expected);
    KeyIndexBuilder::Lane* const lanes[] = {&builder->OpenLane(), &builder->OpenLane()};
    std::vector<RowKey> keys;
    std::vector<uint32_t> skipped;
    for (uint32_t file = 0; file < files; ++file) {
      for (uint32_t first = 0; first < rows; first += 1000) {
        keys.clear();
        skipped.clear();
        for (uint32_t i = 0; i < std::min(1000u, rows - first); ++i) {
          keys.push_back(KeyOf(GetParam(), uint64_t{file} * rows + first + i));
          if (i % 10 == 0) skipped.push_back(i);
        }
        ASSERT_TRUE(lanes[file % 2]->Add(keys, {file, first}, skipped).ok());
      }
    }
    ASSERT_TRUE(builder->Finish(index).ok());
  }

  void ExpectAll(uint32_t files, uint32_t rows, const KeyIndex& index) {
    EXPECT_EQ(index.size(), uint64_t{files} * rows * 9 / 10);
    for (uint64_t number = 0; number < uint64_t{files} * rows; number += 7) {
      const RowLocation at{static_cast<uint32_t>(number / rows), static_cast<uint32_t>(number % rows)};
      const std::optional<RowLocation> expected = at.row % 10 == 0 ? std::nullopt : std::optional(at);
      ASSERT_EQ(index.Find(KeyOf(GetParam(), number)), expected) << number;
    }
    for (uint64_t number = 0; number < 1000; ++number) ASSERT_FALSE(index.Find(KeyOf(GetParam(), uint64_t{files} * rows + number)));
  }
};

TEST_P(KeyIndexBuilderTest, FindsEveryRowOfAFewAndOfMany) {
  testing::TestFolder folder;
  for (const uint32_t rows : {0u, 10u, 1000u, 5000u, 300'000u}) {
    KeyIndexSpace space(folder.path(), 1 << 20);
    KeyIndex index(GetParam(), space);
    Build(folder.path(), 5, rows, uint64_t{5} * rows, index);
    ExpectAll(5, rows, index);
    EXPECT_EQ(index.segments(), rows >= 1000 ? 1u : 0u);
  }
}

TEST_P(KeyIndexBuilderTest, WithoutFilesThereIsNothingToAdd) {
  KeyIndex index(GetParam());
  EXPECT_TRUE(KeyIndexBuilder::Make(GetParam(), "", 0)->Finish(index).ok());
  EXPECT_EQ(index.size(), 0u);
}

TEST_P(KeyIndexBuilderTest, TheCountThatWasExpectedMayBeWrong) {
  for (const uint64_t expected : {uint64_t{0}, uint64_t{100'000'000}, UINT64_MAX}) {
    KeyIndexSpace space("", 1 << 20);
    KeyIndex index(GetParam(), space);
    Build("", 3, 100'000, expected, index);
    ExpectAll(3, 100'000, index);
  }
}

TEST_P(KeyIndexBuilderTest, SortsMoreRowsOfOneKeyThanMemoryHolds) {
  testing::TestFolder folder;
  KeyIndexSpace space(folder.path(), 1 << 20);
  KeyIndex index(GetParam(), space);
  const auto builder = KeyIndexBuilder::Make(GetParam(), folder.path(), 3'000'000);
  const std::vector<RowKey> keys(1000, KeyOf(GetParam(), 5));
  KeyIndexBuilder::Lane& lane = builder->OpenLane();
  for (uint32_t first = 0; first < 2'500'000; first += 1000) ASSERT_TRUE(lane.Add(keys, {1, first}, {}).ok());
  ASSERT_TRUE(lane.Add(std::vector{KeyOf(GetParam(), 6)}, {2, 0}, {}).ok());
  ASSERT_TRUE(builder->Finish(index).ok());
  EXPECT_EQ(index.Count(KeyOf(GetParam(), 5)), 2'500'000u);
  EXPECT_EQ(index.Find(KeyOf(GetParam(), 6)), (RowLocation{2, 0}));
  for (uint32_t row = 0; row < 100'000; ++row) {
    ASSERT_EQ(index.Find(KeyOf(GetParam(), 5)), (RowLocation{1, row}));
    ASSERT_TRUE(index.Erase(KeyOf(GetParam(), 5), {1, row}));
  }
}

TEST_P(KeyIndexBuilderTest, AFullDiskIsAnError) {
  testing::TestFolder folder;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{1} << 20, rlim_t{5} << 20}) {
    rlimit small = before;
    small.rlim_cur = bytes;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto builder = KeyIndexBuilder::Make(GetParam(), folder.path(), 1'000'000);
    KeyIndexBuilder::Lane& lane = builder->OpenLane();
    Status status;
    std::vector<RowKey> keys(1000);
    for (uint32_t first = 0; first < 1'000'000 && status.ok(); first += 1000) {
      for (uint32_t i = 0; i < 1000; ++i) keys[i] = KeyOf(GetParam(), first + i);
      status = lane.Add(keys, {0, first}, {});
    }
    KeyIndex index(GetParam());
    if (status.ok()) status = builder->Finish(index);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    ASSERT_FALSE(status.ok()) << bytes;
    EXPECT_EQ(status.error().kind, ErrorKind::kUnavailable);
    EXPECT_EQ(status.error().code, slu::kLakeIndexFile);
    EXPECT_EQ(index.size(), 0u);
  }
  std::signal(SIGXFSZ, handler);
}

INSTANTIATE_TEST_SUITE_P(NarrowAndWide, KeyIndexBuilderTest, ::testing::Bool());

}  // namespace
}  // namespace sluice

#include "pipeline/bisection.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "change/server_hash.h"

namespace sluice {
namespace {

// Rows by identity; a value is its version.
using Rows = std::multimap<uint64_t, int>;

BucketSums SumUp(const Rows& rows, const Buckets& buckets) {
  BucketSums sums;
  for (const auto& [id, version] : rows) {
    const uint64_t hash = ServerHash(std::to_string(id), kBucketSeed);
    if (!buckets.Contains(hash)) continue;
    const std::string text = std::to_string(id) + ":" + std::to_string(version);
    sums[buckets.Of(hash)].Add({1, {static_cast<int64_t>(ServerHash(text, 1)), static_cast<int64_t>(ServerHash(text, 2))}});
  }
  return sums;
}

std::set<uint64_t> Fetched(const Rows& rows, const Bisection& bisection) {
  std::set<uint64_t> ids;
  for (const Buckets& fetch : bisection.to_fetch())
    for (const auto& [id, version] : rows)
      if (fetch.Contains(ServerHash(std::to_string(id), kBucketSeed))) ids.insert(id);
  return ids;
}

void RunToEnd(Bisection& bisection, const Rows& source, const Rows& sink) {
  for (int pass = 0; bisection.next(); ++pass) {
    ASSERT_LT(pass, 20);
    const Buckets buckets = *bisection.next();
    bisection.Take(SumUp(source, buckets), SumUp(sink, buckets));
  }
}

Rows Numbers(uint64_t count) {
  Rows rows;
  for (uint64_t id = 0; id < count; ++id) rows.emplace(id, 0);
  return rows;
}

TEST(Bisection, EqualSidesNeedOnePassAndNoRows) {
  const Rows rows = Numbers(5000);
  Bisection bisection(5000);
  RunToEnd(bisection, rows, rows);
  EXPECT_FALSE(bisection.different());
  EXPECT_TRUE(bisection.complete());
  EXPECT_EQ(bisection.passes(), 1u);
  EXPECT_EQ(bisection.rows_source(), 5000u);
  EXPECT_TRUE(bisection.to_fetch().empty());
}

TEST(Bisection, EmptySidesAreEqual) {
  Bisection bisection(0);
  RunToEnd(bisection, {}, {});
  EXPECT_FALSE(bisection.different());
}

TEST(Bisection, ChangedMissingAndExtraRowsAreAmongAFewFetchedOnes) {
  const Rows source = Numbers(100'000);
  Rows sink = source;
  sink.find(77)->second = 1;
  sink.erase(12'345);
  sink.emplace(1'000'000, 0);
  for (const uint64_t estimate : {uint64_t{0}, uint64_t{100'000}, uint64_t{1} << 50}) {  // However wrong.
    Bisection bisection(estimate);
    RunToEnd(bisection, source, sink);
    EXPECT_TRUE(bisection.different());
    EXPECT_TRUE(bisection.complete());
    std::set<uint64_t> fetched = Fetched(source, bisection);
    fetched.merge(Fetched(sink, bisection));
    EXPECT_TRUE(fetched.contains(77) && fetched.contains(12'345) && fetched.contains(1'000'000)) << estimate;
    EXPECT_LE(fetched.size(), 3000u);
  }
}

TEST(Bisection, EqualRowsThatNothingDividesAreFetchedInTheEnd) {
  Rows source, sink;
  for (int i = 0; i < 5000; ++i) source.emplace(1, 0);
  for (int i = 0; i < 4999; ++i) sink.emplace(1, 0);
  Bisection bisection(5000);
  RunToEnd(bisection, source, sink);
  EXPECT_EQ(Fetched(source, bisection), (std::set<uint64_t>{1}));
  EXPECT_TRUE(bisection.complete());
}

TEST(Bisection, WhereEverythingDiffersLittleTravelsAndThatIsSaid) {
  const Rows source = Numbers(200'000);
  BisectionLimits limits;
  limits.rows_fetched_max = 4000;
  for (const uint64_t estimate : {uint64_t{0}, uint64_t{200'000}}) {
    Bisection bisection(estimate, limits);
    RunToEnd(bisection, source, {});
    EXPECT_TRUE(bisection.different());
    EXPECT_FALSE(bisection.complete());
    const size_t fetched = Fetched(source, bisection).size();
    EXPECT_GT(fetched, 0u);
    EXPECT_LE(fetched, 4000u);
    EXPECT_EQ(bisection.rows_sink(), 0u);
  }
}

TEST(Bisection, FindsWhateverIsPlanted) {
  std::mt19937 random(1);
  for (int round = 0; round < 30; ++round) {
    const uint64_t count = 1 + random() % 3000;
    const Rows source = Numbers(count);
    Rows sink = source;
    std::set<uint64_t> planted;
    for (int i = 0; i < 3; ++i) {
      const auto row = sink.find(random() % count);
      if (row == sink.end() || !planted.insert(row->first).second) continue;
      if (random() % 2 == 0) sink.erase(row); else row->second = 1;
    }
    BisectionLimits limits;
    limits.rows_per_bucket = 1 + random() % 50;
    limits.first_bits_max = 1 + static_cast<unsigned>(random() % 6);
    Bisection bisection(random() % 5000, limits);
    RunToEnd(bisection, source, sink);
    const std::set<uint64_t> fetched = Fetched(source, bisection);
    for (const uint64_t id : planted) EXPECT_TRUE(fetched.contains(id)) << round;
    EXPECT_EQ(bisection.different(), !planted.empty());
  }
}

}  // namespace
}  // namespace sluice

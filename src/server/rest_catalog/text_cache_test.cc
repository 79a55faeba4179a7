#include "server/rest_catalog/text_cache.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TextCache::Text Of(size_t bytes) { return std::make_shared<const std::string>(bytes, 'x'); }

TEST(TextCache, ForgetsWhatWasNotUsedForLongest) {
  TextCache cache(100);
  cache.Keep("a", Of(40));
  cache.Keep("b", Of(40));
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Keep("c", Of(40));
  EXPECT_NE(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_NE(cache.Find("c"), nullptr);
}

TEST(TextCache, KeepsNothingLargerThanItself) {
  TextCache cache(100);
  cache.Keep("small", Of(60));
  cache.Keep("large", Of(101));
  EXPECT_EQ(cache.Find("large"), nullptr);
  EXPECT_NE(cache.Find("small"), nullptr);
}

}  // namespace
}  // namespace sluice

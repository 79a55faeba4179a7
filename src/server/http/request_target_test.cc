#include "server/http/request_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(RequestTarget, IsTakenApartBeforeItIsDecoded) {
  const auto target = ParseTarget("/v1/namespaces/a%1Fb/tables/c%2Fd%3f?snapshots=refs&x=1%2B1+2&flag");
  ASSERT_TRUE(target.ok());
  EXPECT_THAT(target->path, ElementsAre("v1", "namespaces", "a\x1f" "b", "tables", "c/d?"));
  EXPECT_THAT(target->query, ElementsAre(Pair("snapshots", "refs"), Pair("x", "1+1 2"), Pair("flag", "")));
  EXPECT_EQ(Find(target->query, "x"), "1+1 2");
  EXPECT_EQ(Find(target->query, "y"), std::nullopt);
}

TEST(RequestTarget, APlusInAPathIsAPlus) { EXPECT_THAT(ParseTarget("/a+b/")->path, ElementsAre("a+b")); }

TEST(RequestTarget, ARootHasNoParts) {
  EXPECT_THAT(ParseTarget("/")->path, IsEmpty());
  EXPECT_THAT(ParseTarget("/?a=b")->query, ElementsAre(Pair("a", "b")));
}

TEST(RequestTarget, WhatIsMalformedIsRefused) {
  for (const char* const bad : {"", "v1", "*", "http://host/v1", "//", "/a//b", "/%", "/%4", "/a%zz", "/%00", "/%ff", "/%c0%af", "/%ed%a0%80", "/%f4%90%80%80", "/a?x=%", "/a?%g0=1"})
    EXPECT_FALSE(ParseTarget(bad).ok()) << bad;
}

TEST(RequestTarget, CharactersOfEveryLengthAreTaken) { EXPECT_EQ(PercentDecode("a%C3%A9%E2%82%AC%F0%9F%90%98").value(), "aé€🐘"); }

}  // namespace
}  // namespace sluice

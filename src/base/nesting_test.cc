#include "base/nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(Nesting, IsCountedAcrossObjectsAndListsAndNotBySiblings) {
  EXPECT_FALSE(NestsDeeperThan(R"({"a": [1, {"b": []}], "c": [[[]]]})", 4));
  EXPECT_TRUE(NestsDeeperThan(R"({"a": [1, {"b": []}], "c": [[[]]]})", 3));
  EXPECT_FALSE(NestsDeeperThan("[][][][]", 1));
}

TEST(Nesting, BracketsInStringsDoNotCount) {
  EXPECT_FALSE(NestsDeeperThan(R"(["[[[[", "\"[[", "\\"])", 1));
  EXPECT_TRUE(NestsDeeperThan(R"(["\\", [[]]])", 2));
}

TEST(Nesting, TextThatIsNoJsonIsAnsweredToo) {
  EXPECT_FALSE(NestsDeeperThan("]]]}}}[", 1));
  EXPECT_FALSE(NestsDeeperThan("\"[[[[\\", 1));
  EXPECT_TRUE(NestsDeeperThan(std::string(1'000'000, '['), 64));
}

}  // namespace
}  // namespace sluice

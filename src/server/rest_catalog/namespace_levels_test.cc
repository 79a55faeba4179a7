#include "server/rest_catalog/namespace_levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/rest_catalog/paging.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NamespaceLevels, AreJoinedByDotsInTheCatalogAndByUnitSeparatorsInPaths) {
  EXPECT_EQ(NamespaceFromPath("a\x1f" "b"), "a.b");
  EXPECT_THAT(LevelsOf("a.b"), ElementsAre("a", "b"));
  EXPECT_THAT(LevelsOf("public"), ElementsAre("public"));
}

TEST(NamespaceLevels, ALevelThatOnlyLeadsToOthersIsThereToo) {
  const std::vector<std::string> all = {"a.b", "a.b.c", "a.d", "public"};
  EXPECT_THAT(Children(all, std::nullopt), ElementsAre("a", "public"));
  EXPECT_THAT(Children(all, "a"), ElementsAre("a.b", "a.d"));
  EXPECT_THAT(Children(all, "public"), IsEmpty());
  EXPECT_TRUE(Contains(all, "a"));
  EXPECT_FALSE(Contains(all, "a.b.x"));
  EXPECT_FALSE(Contains(all, "pub"));
}

TEST(Paging, ComesToEveryNameOnce) {
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  const Page first = PageOf(names, {{"pageSize", "2"}}).value();
  EXPECT_THAT(first.names, ElementsAre("a", "b"));
  const Page second = PageOf(names, {{"pageSize", "2"}, {"pageToken", *first.next}}).value();
  EXPECT_THAT(second.names, ElementsAre("c", "d"));
  const Page last = PageOf(names, {{"pageSize", "2"}, {"pageToken", *second.next}}).value();
  EXPECT_THAT(last.names, ElementsAre("e"));
  EXPECT_EQ(last.next, std::nullopt);
}

TEST(Paging, IsBoundedWhateverIsAsked) {
  std::vector<std::string> names;
  for (size_t i = 0; i < kPageNamesMax + 1; ++i) names.push_back("t" + std::to_string(10'000 + i));
  EXPECT_EQ(PageOf(names, {{"pageSize", "1000000"}})->names.size(), kPageNamesMax);
  EXPECT_TRUE(PageOf(names, {})->next.has_value());
  for (const char* const bad : {"0", "-1", "x", "1x", "99999999999999999999"}) EXPECT_FALSE(PageOf(names, {{"pageSize", bad}}).ok()) << bad;
}

}  // namespace
}  // namespace sluice

#include "change/server_hash.h"

#include <gtest/gtest.h>

#include "change/row_text.h"

namespace sluice {
namespace {

TEST(RowText, QuotesAsTheServerDoes) {
  RowText row;
  EXPECT_EQ(row.Finish(), "()");
  row.Clear();
  for (const std::optional<std::string_view> value :
       {std::optional<std::string_view>("a"), {}, {""}, {"b c"}, {"q\"\\"}, {"(,)"}, {"\v"}, {"\xC3\xA0"}})
    row.Add(value);
  EXPECT_EQ(row.Finish(), "(a,,\"\",\"b c\",\"q\"\"\\\\\",\"(,)\",\"\v\",\xC3\xA0)");
}

// That the server gives the same is shown where there is one: postgres/row_sql_test.cc.
TEST(ServerHash, DependsOnEveryByteTheLengthAndTheSeed) {
  std::string text;
  for (size_t size = 0; size < 40; ++size) {
    text.push_back('\0');
    EXPECT_NE(ServerHash(text, 1), ServerHash(text, 2));
    EXPECT_NE(ServerHash(text, 1), ServerHash(text + '\0', 1));
    for (size_t at = 0; at < text.size(); ++at) {
      std::string other = text;
      other[at] = '\1';
      EXPECT_NE(ServerHash(text, 1), ServerHash(other, 1)) << size << " " << at;
    }
  }
}

}  // namespace
}  // namespace sluice

#include "change/lsn.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Lsn, IsPrintedAsPostgresqlPrintsItAndReadBack) {
  for (const uint64_t value : {uint64_t{0}, uint64_t{0x16B374D8}, uint64_t{0x5C9A01F2E8}, UINT64_MAX}) {
    const auto parsed = ParseLsn(ToString(Lsn{value}));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, Lsn{value});
  }
  EXPECT_EQ(ToString(Lsn{0x5C9A01F2E8}), "5C/9A01F2E8");
  EXPECT_EQ(ToString(Lsn{0xFFFFFFFF}), "0/FFFFFFFF");
}

TEST(Lsn, AnythingElseIsRefused) {
  for (const char* const text : {"", "/", "5C", "5C/", "/9A", "5C/9G", "5C/9A ", " 5C/9A", "-1/0", "100000000/0", "0/100000000", "0x1/0", "1/2/3"}) {
    const auto parsed = ParseLsn(text);
    EXPECT_FALSE(parsed.ok()) << text;
  }
}

TEST(Lsn, TheHighHalfDecidesTheOrder) {
  EXPECT_LT(*ParseLsn("1/FFFFFFFF"), *ParseLsn("2/0"));
  EXPECT_FALSE(Lsn{}.valid());
}

}  // namespace
}  // namespace sluice

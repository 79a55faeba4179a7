#include "audit/bound.h"

#include <gtest/gtest.h>

namespace sluice::audit {
namespace {

Bound Number(int64_t value) { return static_cast<__int128>(value); }

TEST(Bound, DecodesEachTypeByItsLength) {
  EXPECT_EQ(DecodeBound("int", std::string("\xfe\xff\xff\xff", 4)), Number(-2));
  EXPECT_EQ(DecodeBound("long", std::string("\x02\0\0\0\0\0\0\0", 8)), Number(2));
  EXPECT_EQ(DecodeBound("long", std::string("\x02\0\0\0", 4)), Number(2)) << "it was an int once";
  EXPECT_EQ(DecodeBound("double", std::string("\0\0\x80\x3f", 4)), Bound(1.0)) << "it was a float once";
  EXPECT_EQ(DecodeBound("decimal(9, 2)", "\xff"), Number(-1));
  EXPECT_EQ(DecodeBound("decimal(9, 2)", std::string("\x01\0", 2)), Number(256));
  EXPECT_EQ(DecodeBound("string", "abc"), Bound(std::string("abc")));
  for (const char* const type : {"int", "long", "float", "double", "date", "boolean", "timestamptz", "decimal(9, 2)", "uuid"}) EXPECT_FALSE(DecodeBound(type, "")) << type;
  EXPECT_FALSE(DecodeBound("int", std::string(8, '\0')));
  EXPECT_FALSE(DecodeBound("decimal(38, 0)", std::string(17, '\0')));
}

TEST(Bound, DecodesDecimalsAsParquetStoresThem) {
  EXPECT_EQ(DecodeStatistic("decimal(9, 2)", std::string("\xff\xff\xff\xff", 4), true), Number(-1));
  EXPECT_EQ(DecodeStatistic("decimal(30, 2)", std::string("\0\x01\0", 3), false), Number(256));
}

TEST(Bound, ComparesOneKindOnly) {
  EXPECT_TRUE(Compare(Number(1), Number(2)) < 0);
  EXPECT_TRUE(Compare(Bound(std::string("\xff")), Bound(std::string("a"))) > 0) << "by bytes without sign";
  EXPECT_TRUE(Compare(Number(1), Bound(1.0)) == std::partial_ordering::unordered);
}

}  // namespace
}  // namespace sluice::audit

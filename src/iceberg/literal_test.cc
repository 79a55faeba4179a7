#include "iceberg/literal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sluice::iceberg {
namespace {

std::string Bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

TEST(Bounds, AreTheSpecificationsBytes) {
  EXPECT_EQ(EncodeBound(true), Bytes({1}));
  EXPECT_EQ(EncodeBound(int32_t{-2}), Bytes({0xfe, 0xff, 0xff, 0xff}));
  EXPECT_EQ(EncodeBound(int64_t{1}), Bytes({1, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(EncodeBound(1.0F), Bytes({0, 0, 0x80, 0x3f}));
  EXPECT_EQ(EncodeBound(std::string("ab")), "ab");
  EXPECT_EQ(EncodeBound(Int128{1420}), Bytes({0x05, 0x8c}));
  EXPECT_EQ(EncodeBound(Int128{0}), Bytes({0}));
  EXPECT_EQ(EncodeBound(Int128{-1}), Bytes({0xff}));
  EXPECT_EQ(EncodeBound(Int128{127}), Bytes({0x7f}));
  EXPECT_EQ(EncodeBound(Int128{128}), Bytes({0, 0x80}));
  EXPECT_EQ(EncodeBound(Int128{-128}), Bytes({0x80}));
  EXPECT_EQ(EncodeBound(Int128{-129}), Bytes({0xff, 0x7f}));
}

TEST(Bounds, AreReadBack) {
  const Int128 large = (Int128{1} << 126) + 12345;
  for (const Int128 value : {large, -large, Int128{0}, Int128{-1}, Int128{255}})
    EXPECT_TRUE(DecodeBound(Decimal(38, 0), EncodeBound(value)).value() == Literal(value));
  EXPECT_EQ(DecodeBound(Primitive(TypeId::kDouble), EncodeBound(-2.5)).value(), Literal(-2.5));
  EXPECT_EQ(DecodeBound(Primitive(TypeId::kTime), EncodeBound(int64_t{7})).value(),
            Literal(int64_t{7}));
}

TEST(Bounds, OfAnIntAreReadAsLongAfterAPromotion) {
  EXPECT_EQ(DecodeBound(Primitive(TypeId::kLong), EncodeBound(int32_t{-3})).value(),
            Literal(int64_t{-3}));
  EXPECT_EQ(DecodeBound(Primitive(TypeId::kDouble), EncodeBound(0.5F)).value(), Literal(0.5));
}

TEST(Bounds, OfAWrongLengthAreCorrupt) {
  for (const TypeId id : {TypeId::kBoolean, TypeId::kInt, TypeId::kLong, TypeId::kFloat,
                          TypeId::kDouble, TypeId::kUuid, TypeId::kTimestamptz})
    for (const size_t size : {size_t{0}, size_t{3}, size_t{9}, size_t{17}})
      EXPECT_FALSE(DecodeBound(Primitive(id), std::string(size, 'x')).ok());
  EXPECT_FALSE(DecodeBound(Decimal(10, 2), "").ok());
  EXPECT_FALSE(DecodeBound(Decimal(10, 2), std::string(17, 'x')).ok());
}

TEST(TextBounds, AreCutBetweenCharacters) {
  EXPECT_EQ(TruncateLowerBound("iceberg", 3), "ice");
  EXPECT_EQ(TruncateLowerBound("\xc3\xa9\xc3\xa9\xc3\xa9", 2), "\xc3\xa9\xc3\xa9");
  EXPECT_EQ(TruncateUpperBound("ice", 3), "ice");
  EXPECT_EQ(TruncateUpperBound("iceberg", 3), "icf");
  EXPECT_EQ(TruncateUpperBound("\xc3\xa9\xc3\xa9x", 2), "\xc3\xa9\xc3\xaa");
}

TEST(TextBounds, SkipWhatIsNoCharacter) {
  EXPECT_EQ(TruncateUpperBound("a\xed\x9f\xbfx", 2), "a\xee\x80\x80");  // U+D7FF, then surrogates.
  EXPECT_EQ(TruncateUpperBound("a\xf4\x8f\xbf\xbfx", 2), "b");          // U+10FFFF is the last one.
  EXPECT_EQ(TruncateUpperBound("\xf4\x8f\xbf\xbfx", 1), std::nullopt);
  EXPECT_EQ(TruncateUpperBound("\x7fx", 1), "\xc2\x80");
}

TEST(TextBounds, SurviveInvalidUtf8) {
  for (const std::string& bad :
       {std::string("\xff\xff\xff\xff\xff"), std::string("\xf4"), std::string("a\xc3")})
    for (size_t length = 0; length < 4; ++length) {
      EXPECT_LE(TruncateLowerBound(bad, length).size(), bad.size());
      TruncateUpperBound(bad, length);
    }
}

TEST(BinaryBounds, AreRaisedByteByByte) {
  EXPECT_EQ(TruncateBinaryUpperBound("abc", 2), "ac");
  EXPECT_EQ(TruncateBinaryUpperBound("a\xff\xff", 2), "b");
  EXPECT_EQ(TruncateBinaryUpperBound("\xff\xff\xff", 2), std::nullopt);
  EXPECT_EQ(TruncateBinaryUpperBound("ab", 2), "ab");
  EXPECT_EQ(TruncateBinaryLowerBound("abc", 2), "ab");
}

TEST(Literals, AreOrderedWithNullFirstAndNanLast) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(Compare(Literal(), int32_t{-5}) < 0);
  EXPECT_TRUE(Compare(int32_t{-5}, int32_t{3}) < 0);
  EXPECT_TRUE(Compare(nan, 1e300) > 0);
  EXPECT_TRUE(Compare(nan, nan) == 0);
  EXPECT_TRUE(Compare(std::string("b"), std::string("a\xff")) > 0);
  EXPECT_TRUE(Compare(std::string("\xc3"), std::string("z")) > 0);
}

TEST(DecimalBytes, HoldEveryPrecision) {
  const int expected[] = {1, 1, 2,  2,  3,  3,  4,  4,  4,  5,  5,  6,  6,  6,  7,  7,  8,  8,  9,
                          9, 9, 10, 10, 11, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};
  for (int precision = 1; precision <= 38; ++precision)
    EXPECT_EQ(DecimalBytes(precision), expected[precision - 1]) << precision;
}

}  // namespace
}  // namespace sluice::iceberg

#include "sink/mapping/numeric.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::mapping {
namespace {

std::string Wire(int weight, int sign, int scale, std::vector<int> digits) {
  std::string bytes;
  AppendBigEndian<int16_t>(bytes, static_cast<int16_t>(digits.size()));
  AppendBigEndian<int16_t>(bytes, static_cast<int16_t>(weight));
  AppendBigEndian<uint16_t>(bytes, static_cast<uint16_t>(sign));
  AppendBigEndian<int16_t>(bytes, static_cast<int16_t>(scale));
  for (int digit : digits) AppendBigEndian<int16_t>(bytes, static_cast<int16_t>(digit));
  return bytes;
}

std::string Text(const std::string& wire) {
  std::string text;
  return NumericToText(AsBytes(wire), text) ? text : "malformed";
}

std::string Canonical(std::string_view text) {
  std::string canonical;
  return CanonicalNumeric(text, canonical) ? canonical : "malformed";
}

std::string Truncated(const std::string& wire, int64_t width) {
  std::string bytes;
  return TruncateBinaryNumeric(AsBytes(wire), width, bytes) ? bytes : "malformed";
}

std::string TruncatedText(std::string_view text, int64_t width) {
  std::string out;
  return TruncateTextNumeric(text, width, out) ? out : "malformed";
}

TEST(Numeric, BothFormsHaveOneText) {
  EXPECT_EQ(Text(Wire(0, 0, 0, {})), "0");
  EXPECT_EQ(Text(Wire(0, 0x4000, 2, {12, 5000})), "-12.5");
  EXPECT_EQ(Text(Wire(2, 0, 0, {1})), "100000000");
  EXPECT_EQ(Text(Wire(-1, 0, 4, {12})), "0.0012");
  EXPECT_EQ(Text(Wire(-2, 0, 8, {1})), "0.00000001");
  EXPECT_EQ(Text(Wire(0, 0xC000, 0, {})), "NaN");
  EXPECT_EQ(Text(Wire(0, 0, 0, {10'000})), "malformed");
  EXPECT_EQ(Text("\0\5"), "malformed");
  EXPECT_EQ(Canonical("1.50"), "1.5");
  EXPECT_EQ(Canonical("-0.00"), "0");
  EXPECT_EQ(Canonical("007"), "7");
  EXPECT_EQ(Canonical(".5"), "0.5");
  EXPECT_EQ(Canonical("1e5"), "malformed");
  EXPECT_EQ(Canonical(""), "malformed");
}

TEST(Numeric, ComparesAsNumbers) {
  EXPECT_LT(CompareNumeric("9", "10"), 0);
  EXPECT_GT(CompareNumeric("-9", "-10"), 0);
  EXPECT_LT(CompareNumeric("-1", "0"), 0);
  EXPECT_GT(CompareNumeric("1.25", "1.2"), 0);
  EXPECT_EQ(CompareNumeric("1.5", "1.5"), 0);
  EXPECT_GT(CompareNumeric("NaN", "Infinity"), 0);
  EXPECT_LT(CompareNumeric("-Infinity", "-99999"), 0);
}

TEST(Numeric, TruncatesToAMultipleTowardsZeroAndKeepsItsScale) {
  EXPECT_EQ(Truncated(Wire(1, 0, 2, {12, 3456, 7800}), 1000), Wire(1, 0, 2, {12, 3000}));       // 123456.78
  EXPECT_EQ(Truncated(Wire(1, 0x4000, 2, {12, 3456, 7800}), 10'000), Wire(1, 0x4000, 2, {12})); // -123456.78
  EXPECT_EQ(Truncated(Wire(0, 0x4000, 0, {7}), 10), Wire(0, 0, 0, {}));
  EXPECT_EQ(Truncated(Wire(-1, 0, 4, {5}), 10), Wire(0, 0, 4, {}));
  EXPECT_EQ(Truncated(Wire(2, 0, 0, {1}), 7), Wire(1, 0, 0, {9999, 9998}));                     // 10^8 - 2
  EXPECT_EQ(Truncated(Wire(0, 0xC000, 0, {}), 7), Wire(0, 0xC000, 0, {}));
  EXPECT_EQ(TruncatedText("123456.78", 1000), "123000.00");
  EXPECT_EQ(TruncatedText("-123456.78", 10'000), "-120000.00");
  EXPECT_EQ(TruncatedText("-7", 10), "0");
  EXPECT_EQ(TruncatedText("100000000", 7), "99999998");
  EXPECT_EQ(TruncatedText("NaN", 7), "NaN");
  EXPECT_EQ(TruncatedText("x", 7), "malformed");
}

}  // namespace
}  // namespace sluice::mapping

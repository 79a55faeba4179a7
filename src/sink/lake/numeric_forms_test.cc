// Numbers as a damaged source or another writer of the binary format may send them.

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "sink/lake/decimal_decoder.h"
#include "sink/lake/text_forms.h"
#include "sink/lake/value_text.h"

namespace sluice {
namespace {

std::string NumericBytes(int16_t weight, uint16_t scale, std::initializer_list<uint16_t> digits) {
  std::string bytes;
  AppendBigEndian(bytes, static_cast<uint16_t>(digits.size()));
  AppendBigEndian(bytes, weight);
  AppendBigEndian<uint16_t>(bytes, 0);
  AppendBigEndian(bytes, scale);
  for (const uint16_t digit : digits) AppendBigEndian(bytes, digit);
  return bytes;
}

TEST(NumericForms, ADigitBeyondItsBaseIsMalformedAndNoOtherNumber) {
  for (const uint16_t digit : {uint16_t{10'000}, uint16_t{0x8000}, uint16_t{0xffff}}) {
    const std::string bytes = NumericBytes(0, 0, {digit});
    std::string text;
    EXPECT_FALSE(text::Numeric(AsBytes(bytes), text)) << digit;
    Cell cell;
    PolicyCounts counts;
    EXPECT_FALSE(MakeDecimalFromNumeric(10, 2)->Decode(AsBytes(bytes), cell, counts)) << digit;
    EXPECT_EQ(counts[Policy::kOutOfRange], 0u);
  }
}

TEST(NumericForms, ZerosInFrontAreNotPrinted) {
  const auto print = [](const std::string& bytes) {
    std::string text;
    EXPECT_TRUE(text::Numeric(AsBytes(bytes), text));
    return text;
  };
  EXPECT_EQ(print(NumericBytes(2, 0, {0, 0, 12})), "12");
  EXPECT_EQ(print(NumericBytes(1, 2, {0, 0})), "0.00");
  EXPECT_EQ(print(NumericBytes(0, 4, {0, 25})), "0.0025");
  EXPECT_EQ(print(NumericBytes(1, 0, {12, 3})), "120003");
}

TEST(NumericForms, ANumberInTextHasNoZerosInFront) {
  for (const char* good : {"0", "-0", "0.50", "10", "1e+20", "NaN"}) EXPECT_TRUE(text::IsNumber(good)) << good;
  for (const char* bad : {"", "00", "07", "-01", ".5", "1.", "1e20", "+1"}) EXPECT_FALSE(text::IsNumber(bad)) << bad;
}

}  // namespace
}  // namespace sluice

#include "sink/mapping/mask.h"

#include <gtest/gtest.h>

#include "sink/mapping/mask_value.h"
#include "sink/mapping/test_tables.h"

namespace sluice::mapping {
namespace {

using namespace testing;  // NOLINT

Column Of(Oid oid) { return MakeColumn("c", TypeOf(oid, "t"), 1); }

std::string Apply(const MaskConfig& config, const Column& column, ValueKind kind, std::string_view bytes) {
  const auto mask = Mask::For(config, column);
  MaskWork work;
  if (!mask) return "unfit";
  return mask->Apply({kind, AsBytes(bytes)}, work) ? work.value : "malformed";
}

MaskConfig Hash() { return {.kind = MaskKind::kHash, .salt = "salt", .unit = {}}; }
MaskConfig To(TimeUnit unit) { return {.kind = MaskKind::kTruncate, .salt = {}, .unit = unit}; }
MaskConfig Width(int64_t width) { return {.kind = MaskKind::kTruncate, .salt = {}, .unit = {}, .width = width}; }

template <class T>
std::string Big(T number) {
  std::string bytes;
  AppendBigEndian(bytes, number);
  return bytes;
}

TEST(Mask, AHashIsTheHmacOfWhatTheServerPrints) {
  std::string expected;
  Hmac().AppendHex(HmacKey("salt"), "a@b.de", expected);
  EXPECT_EQ(Apply(Hash(), Of(25), ValueKind::kBinary, "a@b.de"), expected);
}

TEST(Mask, BothFormsOfAValueHaveOneHash) {
  struct Case { Oid oid; std::string binary, text; };
  const std::string uuid("\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11", 16);
  std::string numeric;  // 12.50, with scale 2.
  for (const int part : {2, 0, 0, 2, 12, 5000}) AppendBigEndian(numeric, static_cast<int16_t>(part));
  for (const Case& c : {Case{16, std::string("\1", 1), "t"}, {17, std::string("\x00\xff", 2), "\\x00ff"}, {20, Big<int64_t>(-5), "-5"}, {21, Big<int16_t>(7), "7"},
                        {23, Big<int32_t>(42), "42"}, {25, "x", "x"}, {1082, Big<int32_t>(59), "2000-02-29"}, {1114, Big<int64_t>(1'500'000), "2000-01-01 00:00:01.5"},
                        {1184, Big<int64_t>(1'500'000), "2000-01-01 00:00:01.5+00"}, {1700, numeric, "12.50"}, {2950, uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
                        {3802, "\1{\"a\": 1}", "{\"a\": 1}"}, {1042, "x  ", "x"}}) {
    const std::string hash = Apply(Hash(), Of(c.oid), ValueKind::kBinary, c.binary);
    EXPECT_EQ(hash.size(), 64u) << c.oid;
    EXPECT_EQ(hash, Apply(Hash(), Of(c.oid), ValueKind::kText, c.text)) << c.oid;
    EXPECT_EQ(hash, Apply(Hash(), Of(25), ValueKind::kBinary, c.oid == 1700 ? "12.5" : c.text)) << c.oid;
  }
}

TEST(Mask, AMalformedValueIsNotHashed) {
  EXPECT_EQ(Apply(Hash(), Of(23), ValueKind::kBinary, "xyz"), "malformed");
  EXPECT_EQ(Apply(Hash(), Of(1082), ValueKind::kText, "tomorrow"), "malformed");
  EXPECT_EQ(Apply(Hash(), Of(701), ValueKind::kBinary, "12345678"), "unfit");
}

TEST(Mask, PartialKeepsCharactersAndNotBytes) {
  const MaskConfig last{.kind = MaskKind::kPartial, .salt = {}, .keep_last = 2, .unit = {}};
  const MaskConfig both{.kind = MaskKind::kPartial, .salt = {}, .keep_first = 1, .keep_last = 1, .unit = {}};
  EXPECT_EQ(Apply(last, Of(25), ValueKind::kBinary, "+49 170 1234"), "**********34");
  EXPECT_EQ(Apply(both, Of(25), ValueKind::kText, "Jürgen"), "J****n");
  EXPECT_EQ(Apply(both, Of(25), ValueKind::kText, "éà"), "**");
  EXPECT_EQ(Apply(last, Of(25), ValueKind::kText, "日本語"), "*本語");
  EXPECT_EQ(Apply(last, Of(1042), ValueKind::kBinary, "abcd  "), "**cd");
  EXPECT_EQ(Apply(last, Of(25), ValueKind::kText, ""), "");
  EXPECT_EQ(Apply(last, Of(23), ValueKind::kBinary, Int(1)), "unfit");
}

TEST(Mask, TruncatesInTheFormThatCame) {
  EXPECT_EQ(Apply(To(TimeUnit::kYear), Of(1082), ValueKind::kBinary, Big<int32_t>(59)), Big<int32_t>(0));
  EXPECT_EQ(Apply(To(TimeUnit::kMonth), Of(1082), ValueKind::kText, "2000-02-29"), "2000-02-01");
  EXPECT_EQ(Apply(To(TimeUnit::kYear), Of(1082), ValueKind::kBinary, Big<int32_t>(INT32_MAX)), Big<int32_t>(INT32_MAX));
  EXPECT_EQ(Apply(To(TimeUnit::kHour), Of(1184), ValueKind::kText, "2000-02-29 10:59:59.9+00"), "2000-02-29 10:00:00+00");
  EXPECT_EQ(Apply(To(TimeUnit::kHour), Of(1082), ValueKind::kText, "2000-02-29"), "unfit");
  EXPECT_EQ(Apply(Width(100), Of(23), ValueKind::kBinary, Int(-250)), Int(-200));
  EXPECT_EQ(Apply(Width(100), Of(20), ValueKind::kText, "999"), "900");
  EXPECT_EQ(Apply(Width(10), Of(21), ValueKind::kBinary, Big<int16_t>(INT16_MIN)), Big<int16_t>(-32'760));
  EXPECT_EQ(Apply(Width(2), Of(1043), ValueKind::kBinary, "日本語"), "日本");
  EXPECT_EQ(Apply(Width(2), Of(1042), ValueKind::kBinary, "日本語 "), "日本  ");
  EXPECT_EQ(Apply(Width(10), Of(701), ValueKind::kBinary, "12345678"), "unfit");
}

TEST(Mask, RedactHidesTextsAndNullsTheRest) {
  const MaskConfig redact{.kind = MaskKind::kRedact, .salt = {}, .unit = {}};
  EXPECT_EQ(Apply(redact, Of(25), ValueKind::kBinary, "secret"), kRedacted);
  EXPECT_TRUE(Mask::For(redact, Of(701))->always_null());
  EXPECT_TRUE(Mask::For({}, Of(25))->always_null());
}

TEST(Mask, TheColumnHasTheTypeOfMaskedValuesAndTravelsAsBefore) {
  Column column = Of(23);
  column.not_null = true;
  column.typmod = 8;
  column.old_rows_hold = "plain";
  const Column hashed = Mask::For(Hash(), column)->column();
  EXPECT_EQ(hashed.type->oid, 25u);
  EXPECT_EQ(hashed.typmod, -1);
  EXPECT_TRUE(hashed.not_null);
  EXPECT_TRUE(hashed.type->has_binary);
  EXPECT_FALSE(hashed.old_rows_hold) << "the plain value of old rows would get into the destination's column";
  EXPECT_FALSE(Mask::For({}, column)->column().not_null);
  column.type = TypeOf(25, "t", false);
  EXPECT_FALSE(Mask::For(Hash(), column)->column().type->has_binary);
}

}  // namespace
}  // namespace sluice::mapping

#include "sink/replica/oid_translation.h"

#include <gtest/gtest.h>

#include <random>

#include "base/bytes.h"

namespace sluice {
namespace {

TypePtr Base(Oid oid) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  return type;
}
TypePtr Of(TypeKind kind, Oid oid, TypePtr element) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  type->kind = kind;
  type->element = std::move(element);
  return type;
}
TypePtr Composite(Oid oid, std::vector<TypePtr> fields) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  type->kind = TypeKind::kComposite;
  for (TypePtr& field : fields) type->fields.push_back({"f", std::move(field), -1});
  return type;
}

std::string Sized(const std::string& value) {
  std::string sized;
  AppendBigEndian<int32_t>(sized, static_cast<int32_t>(value.size()));
  return sized + value;
}
std::string Numbers(std::initializer_list<uint32_t> numbers) {
  std::string bytes;
  for (const uint32_t number : numbers) AppendBigEndian<uint32_t>(bytes, number);
  return bytes;
}
std::span<std::byte> Writable(std::string& text) { return std::as_writable_bytes(std::span(text)); }

constexpr uint32_t kNull = 0xffffffff;

TEST(OidTranslation, BuiltInTypesPassThrough) {
  EXPECT_TRUE(OidTranslation::Of(*Base(23), {}).pass_through());
  EXPECT_TRUE(OidTranslation::Of(*Of(TypeKind::kArray, 1007, Base(23)), {}).pass_through());
  EXPECT_TRUE(OidTranslation::Of(*Of(TypeKind::kEnum, 20000, nullptr), {}).pass_through());
  EXPECT_TRUE(OidTranslation::Of(*Of(TypeKind::kDomain, 20000, Base(23)), {}).pass_through());
  EXPECT_TRUE(OidTranslation::Of(*Composite(20000, {Base(23)}), {}).pass_through());
}

TEST(OidTranslation, OidsAreRewrittenAtEveryDepth) {
  const TypePtr mood = Of(TypeKind::kEnum, 20001, nullptr);
  const TypePtr moods = Of(TypeKind::kArray, 20002, mood);
  const TypePtr row = Composite(20003, {Base(23), moods});
  const TypePtr rows = Of(TypeKind::kArray, 20004, row);
  const OidMap map{{20001, 30001}, {20002, 30002}, {20003, 30003}, {20004, 30004}};
  const auto value = [&](uint32_t mood_oid, uint32_t moods_oid, uint32_t row_oid) {
    const std::string inner = Numbers({1, 0, mood_oid, 1, 1}) + Sized("sad");
    const std::string fields = Numbers({2, 23}) + Sized(Numbers({7})) + Numbers({moods_oid}) + Sized(inner);
    return Numbers({1, 1, row_oid, 2, 1}) + Sized(fields) + Numbers({kNull});
  };
  std::string bytes = value(20001, 20002, 20003);
  const Status rewritten = OidTranslation::Of(*rows, map).Rewrite(Writable(bytes));
  ASSERT_TRUE(rewritten.ok());
  EXPECT_EQ(bytes, value(30001, 30002, 30003));
  ASSERT_TRUE(OidTranslation::Of(*rows, {}).Rewrite(Writable(bytes)).ok());
  EXPECT_EQ(bytes, value(0, 0, 0));
}

TEST(OidTranslation, RangesAndMultirangesHoldThemInTheirBounds) {
  const TypePtr point = Composite(20003, {Of(TypeKind::kEnum, 20001, nullptr)});
  const OidMap map{{20001, 30001}, {20003, 30003}};
  const auto bound = [](uint32_t oid) { return Sized(Numbers({1, oid}) + Sized("x")); };
  const auto range = [&](uint32_t oid) { return std::string("\x02", 1) + bound(oid) + bound(oid); };
  const TypePtr range_type = Of(TypeKind::kRange, 20005, point);
  std::string bytes = range(20001);
  ASSERT_TRUE(OidTranslation::Of(*range_type, map).Rewrite(Writable(bytes)).ok());
  EXPECT_EQ(bytes, range(30001));
  for (const TypePtr& element : {range_type, point}) {
    bytes = Numbers({2}) + Sized(range(20001)) + Sized(std::string("\x01", 1));
    ASSERT_TRUE(OidTranslation::Of(*Of(TypeKind::kMultirange, 20006, element), map).Rewrite(Writable(bytes)).ok());
    EXPECT_EQ(bytes, Numbers({2}) + Sized(range(30001)) + Sized(std::string("\x01", 1)));
  }
}

TEST(OidTranslation, BytesThatContradictTheFormatAreRefusedNotOverrun) {
  const TypePtr row = Composite(20003, {Base(23), Of(TypeKind::kArray, 20002, Of(TypeKind::kEnum, 20001, nullptr))});
  const OidTranslation translation = OidTranslation::Of(*Of(TypeKind::kArray, 20004, row), {});
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random() % 64, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 4 == 0 ? random() : random() % 3);
    if (!translation.Rewrite(Writable(bytes)).ok()) ++refused;
  }
  EXPECT_GT(refused, 19000);
}

}  // namespace
}  // namespace sluice

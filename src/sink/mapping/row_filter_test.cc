#include "sink/mapping/row_filter.h"

#include <gtest/gtest.h>

#include "sink/mapping/test_tables.h"

namespace sluice::mapping {
namespace {

using namespace testing;  // NOLINT

// 'y', 'n', '?' (malformed) or '-' (unfit).
char Holds(Comparator comparator, std::vector<std::string> values, const TypePtr& type, ValueKind kind, std::string_view bytes) {
  const auto condition = Condition::For({"c", comparator, std::move(values)}, 0, type.get());
  if (!condition) return '-';
  std::string scratch;
  const auto holds = condition->Holds({kind, AsBytes(bytes)}, scratch);
  return !holds ? '?' : *holds ? 'y' : 'n';
}

char Text(Comparator comparator, std::string literal, const TypePtr& type, std::string_view text) { return Holds(comparator, {std::move(literal)}, type, ValueKind::kText, text); }

TEST(RowFilter, ComparesNumbersAsNumbers) {
  EXPECT_EQ(Text(Comparator::kLess, "10", kInt4, "9"), 'y');
  EXPECT_EQ(Holds(Comparator::kGreaterOrEqual, {"10"}, kInt4, ValueKind::kBinary, Int(10)), 'y');
  EXPECT_EQ(Holds(Comparator::kNotEqual, {"10"}, kInt4, ValueKind::kBinary, Int(10)), 'n');
  EXPECT_EQ(Text(Comparator::kEqual, "1.5", kNumeric, "1.500"), 'y');
  EXPECT_EQ(Text(Comparator::kGreater, "-2", kNumeric, "-10"), 'n');
  EXPECT_EQ(Text(Comparator::kLess, "x", kInt4, "1"), '-');
  EXPECT_EQ(Holds(Comparator::kLess, {"1"}, kInt4, ValueKind::kBinary, "abc"), '?');
}

TEST(RowFilter, ComparesDatesTextsUuidsAndEnums) {
  EXPECT_EQ(Text(Comparator::kGreaterOrEqual, "2019-01-01", kDate, "2019-01-01"), 'y');
  EXPECT_EQ(Text(Comparator::kLess, "2019-01-01", kDate, "infinity"), 'n');
  EXPECT_EQ(Text(Comparator::kGreater, "2019-01-01", TypeOf(1184, "timestamptz"), "2019-01-01 00:00:00.1+00"), 'y');
  EXPECT_EQ(Text(Comparator::kEqual, "DE", kText, "DE"), 'y');
  EXPECT_EQ(Text(Comparator::kLess, "DE", kText, "DE"), '-');
  EXPECT_EQ(Text(Comparator::kEqual, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", TypeOf(2950, "uuid"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), 'y');
  EXPECT_EQ(Text(Comparator::kEqual, "true", TypeOf(16, "bool"), "t"), 'y');
  EXPECT_EQ(Text(Comparator::kEqual, "1", kFloat8, "1"), '-');
  const TypePtr mood = EnumOf({"sad", "fine", "glad"});
  EXPECT_EQ(Text(Comparator::kLess, "glad", mood, "fine"), 'y');
  EXPECT_EQ(Text(Comparator::kEqual, "angry", mood, "fine"), '-');
}

TEST(RowFilter, NullComparesWithNothing) {
  const auto null = [](Comparator comparator, std::vector<std::string> values) { return Holds(comparator, std::move(values), kInt4, ValueKind::kNull, ""); };
  EXPECT_EQ(null(Comparator::kNotEqual, {"1"}), 'n');
  EXPECT_EQ(null(Comparator::kIn, {"1"}), 'n');
  EXPECT_EQ(null(Comparator::kIsNull, {}), 'y');
  EXPECT_EQ(null(Comparator::kIsNotNull, {}), 'n');
}

TEST(RowFilter, AllConditionsMustHoldAndWhatWasNotSentIsNotGuessed) {
  const std::vector<Condition> conditions{*Condition::For({"a", Comparator::kGreater, {"1"}}, 0, kInt4.get()), *Condition::For({"b", Comparator::kEqual, {"x"}}, 1, kText.get())};
  std::string scratch;
  const Value two{ValueKind::kText, AsBytes("2")}, x{ValueKind::kText, AsBytes("x")}, y{ValueKind::kText, AsBytes("y")}, unchanged{ValueKind::kUnchanged, {}};
  EXPECT_EQ(Judge(conditions, std::vector{two, x}, {}, scratch), Verdict::kTaken);
  EXPECT_EQ(Judge(conditions, std::vector{two, y}, {}, scratch), Verdict::kLeft);
  EXPECT_EQ(Judge(conditions, std::vector{two, unchanged}, {}, scratch), Verdict::kUnknown);
  EXPECT_EQ(Judge(conditions, std::vector{two, unchanged}, std::vector{two, x}, scratch), Verdict::kTaken);
}

}  // namespace
}  // namespace sluice::mapping

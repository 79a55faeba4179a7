#include "sink/replica/follow_columns.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// What it does to tables is shown with real ones: tests/integration/test_schema_changes.py.
TEST(IsWidening, IsWhatLeavesEveryPrintedValueAsItIs) {
  constexpr Oid kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kFloat4 = 700, kFloat8 = 701, kVarchar = 1043, kNumeric = 1700;
  const auto numeric = [](int precision, int scale) { return (precision << 16 | scale) + 4; };
  EXPECT_TRUE(IsWidening(kInt2, -1, kInt4, -1));
  EXPECT_TRUE(IsWidening(kInt4, -1, kInt8, -1));
  EXPECT_FALSE(IsWidening(kInt8, -1, kInt4, -1));
  EXPECT_FALSE(IsWidening(kInt4, -1, kText, -1));
  EXPECT_FALSE(IsWidening(kFloat4, -1, kFloat8, -1)) << "0.1 becomes 0.10000000149011612";
  EXPECT_TRUE(IsWidening(kVarchar, 24, kVarchar, 204));
  EXPECT_TRUE(IsWidening(kVarchar, 24, kVarchar, -1));
  EXPECT_TRUE(IsWidening(kVarchar, 24, kText, -1));
  EXPECT_FALSE(IsWidening(kVarchar, 204, kVarchar, 24));
  EXPECT_FALSE(IsWidening(kVarchar, -1, kVarchar, 24));
  EXPECT_TRUE(IsWidening(kNumeric, numeric(8, 2), kNumeric, numeric(12, 2)));
  EXPECT_TRUE(IsWidening(kNumeric, numeric(8, 2), kNumeric, -1));
  EXPECT_FALSE(IsWidening(kNumeric, numeric(8, 2), kNumeric, numeric(12, 4))) << "1.50 becomes 1.5000";
  EXPECT_FALSE(IsWidening(kNumeric, -1, kNumeric, numeric(12, 4)));
}

}  // namespace
}  // namespace sluice

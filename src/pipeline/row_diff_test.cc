#include "pipeline/row_diff.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

RowForm Keyed() {
  RowForm form;
  form.columns.resize(3);
  form.identity = {0};
  return form;
}

RowForm WithoutKey() {
  RowForm form;
  form.columns.resize(3);
  return form;
}

TEST(RowDiff, NamesWhatIsMissingExtraAndDifferentWithItsColumns) {
  const auto different = CompareRows(Keyed(), {{{"1", "a", {}}}, {{"2", "b", "x"}}, {{"3", "c", ""}}},
                                     {{{"2", "b", "x"}}, {{"3", "C", {}}}, {{"4", "d", "y"}}});
  ASSERT_EQ(different.size(), 3u);
  EXPECT_EQ(different[0].difference, RowDifference::kMissing);
  EXPECT_EQ(different[0].either().columns[0], "1");
  EXPECT_EQ(different[1].difference, RowDifference::kDifferent);
  EXPECT_EQ(different[1].columns, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(different[2].difference, RowDifference::kExtra);
  EXPECT_EQ(different[2].either().columns[0], "4");
}

TEST(RowDiff, ASecondRowUnderOneKeyIsExtra) {
  const auto different = CompareRows(Keyed(), {{{"1", "a", "x"}}}, {{{"1", "a", "x"}}, {{"1", "a", "x"}}});
  ASSERT_EQ(different.size(), 1u);
  EXPECT_EQ(different[0].difference, RowDifference::kExtra);
}

TEST(RowDiff, WithoutAKeyCopiesAreCounted) {
  const auto different = CompareRows(WithoutKey(), {{{"(1,a)"}, 5}, {{"(2,b)"}, 1}}, {{{"(1,a)"}, 3}, {{"(2,b)"}, 1}, {{"(3,c)"}, 2}});
  ASSERT_EQ(different.size(), 2u);
  EXPECT_EQ(different[0].difference, RowDifference::kMissing);
  EXPECT_EQ(different[0].copies, 2u);
  EXPECT_EQ(different[1].difference, RowDifference::kExtra);
  EXPECT_EQ(different[1].copies, 2u);
}

}  // namespace
}  // namespace sluice

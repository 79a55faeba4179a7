#include "sink/lake/row_sorter.h"

#include <arrow/builder.h>
#include <arrow/util/decimal.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "iceberg/literal.h"

namespace sluice {
namespace {

using iceberg::Literal;

/// Rows of a float, a double, a decimal, a text and a bool, as Arrow has them and as Iceberg compares them.
class RowSorterTest : public ::testing::Test {
 protected:
  RowSorterTest() {
    const auto field = [](int32_t id, iceberg::TypeId type) {
      iceberg::Field made;
      made.id = id;
      made.name = std::to_string(id);
      made.type.id = type;
      return made;
    };
    for (const auto& [id, type] : std::vector<std::pair<int32_t, iceberg::TypeId>>{
             {1, iceberg::TypeId::kFloat}, {2, iceberg::TypeId::kDouble}, {3, iceberg::TypeId::kDecimal}, {4, iceberg::TypeId::kString}, {5, iceberg::TypeId::kBoolean}})
      schema_.fields.push_back(field(id, type));
  }

  void Fill(size_t rows, std::mt19937& random) {
    const std::vector<double> numbers{0.0, -0.0, 1.5, -1.5, 2.25, -1e300, 1e-300, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::nan("")};
    const std::vector<std::string> texts{"", "a", "ab", "B", "\xc3\xa4", "\x7f", "aa"};
    arrow::FloatBuilder floats;
    arrow::DoubleBuilder doubles;
    arrow::Decimal128Builder decimals(arrow::decimal128(38, 2));
    arrow::StringBuilder strings;
    arrow::BooleanBuilder bools;
    bool ok = true;
    for (size_t i = 0; i < rows; ++i) {
      std::vector<Literal>& row = rows_.emplace_back(5);
      const auto is_null = [&] { return random() % 5 == 0; };
      if (is_null()) ok &= floats.AppendNull().ok();
      else ok &= floats.Append(std::get<float>(row[0] = static_cast<float>(numbers[random() % numbers.size()]))).ok();
      if (is_null()) ok &= doubles.AppendNull().ok();
      else ok &= doubles.Append(std::get<double>(row[1] = numbers[random() % numbers.size()])).ok();
      if (is_null()) {
        ok &= decimals.AppendNull().ok();
      } else {
        const auto high = static_cast<int64_t>(random() % 5) - 2;
        const uint64_t low = random() % 3;
        row[2] = static_cast<iceberg::Int128>(static_cast<unsigned __int128>(static_cast<uint64_t>(high)) << 64 | low);
        ok &= decimals.Append(arrow::Decimal128(high, low)).ok();
      }
      if (is_null()) ok &= strings.AppendNull().ok();
      else ok &= strings.Append(std::get<std::string>(row[3] = texts[random() % texts.size()])).ok();
      if (is_null()) ok &= bools.AppendNull().ok();
      else ok &= bools.Append(std::get<bool>(row[4] = random() % 2 == 0)).ok();
    }
    ASSERT_TRUE(ok);
    columns_ = {*floats.Finish(), *doubles.Finish(), *decimals.Finish(), *strings.Finish(), *bools.Finish()};
  }

  static bool IsNegative(const Literal& literal) {
    if (const auto* const number = std::get_if<float>(&literal)) return std::signbit(*number);
    const auto* const number = std::get_if<double>(&literal);
    return number != nullptr && std::signbit(*number);
  }
  /// By Iceberg's order of literals, which takes the two zeros for one: what sorts them apart.
  int CompareRows(const iceberg::SortOrder& order, int64_t a, int64_t b) const {
    for (const iceberg::SortField& field : order.fields) {
      const auto column = static_cast<size_t>(field.source_id - 1);
      const Literal &left = rows_[static_cast<size_t>(a)][column], &right = rows_[static_cast<size_t>(b)][column];
      if (iceberg::IsNull(left) && iceberg::IsNull(right)) continue;
      if (iceberg::IsNull(left) || iceberg::IsNull(right)) return iceberg::IsNull(left) == field.nulls_first ? -1 : 1;
      const auto compared = iceberg::Compare(left, right);
      if (compared == 0 && IsNegative(left) == IsNegative(right)) continue;
      return (compared == 0 ? IsNegative(left) : compared < 0) == field.ascending ? -1 : 1;
    }
    return 0;
  }

  iceberg::Schema schema_;
  std::vector<std::vector<Literal>> rows_;
  Columns columns_;
};

TEST_F(RowSorterTest, RowsComeAsIcebergComparesThemAndEqualOnesAsTheyWere) {
  std::mt19937 random(11);
  Fill(2000, random);
  for (int round = 0; round < 40; ++round) {
    iceberg::SortOrder order;
    for (int32_t id = 1; id <= 5; ++id)
      if (random() % 2 == 0) order.fields.insert(order.fields.begin() + static_cast<std::ptrdiff_t>(random() % (order.fields.size() + 1)), {iceberg::Transform{}, id, random() % 2 == 0, random() % 2 == 0});
    if (order.fields.empty()) continue;
    std::vector<int64_t> rows;
    SortRows(order, schema_, columns_, rows);
    ASSERT_EQ(rows.size(), 2000u);
    std::vector<bool> seen(2000);
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_FALSE(seen[static_cast<size_t>(rows[i])]);
      seen[static_cast<size_t>(rows[i])] = true;
      if (i == 0) continue;
      const int compared = CompareRows(order, rows[i - 1], rows[i]);
      EXPECT_LE(compared, 0) << "round " << round << " row " << i;
      EXPECT_TRUE(compared != 0 || rows[i - 1] < rows[i]) << "equal rows stay as they were";
    }
    // Those of a part, by the numbers that they have among all.
    std::vector<int64_t> part;
    for (int64_t row = 0; row < 2000; row += 3) part.push_back(row);
    const std::vector<int64_t> all = rows;
    SortRows(order, schema_, columns_, part);
    std::vector<int64_t> expected;
    for (const int64_t row : all)
      if (row % 3 == 0) expected.push_back(row);
    EXPECT_EQ(part, expected);
  }
}

TEST_F(RowSorterTest, ZerosHaveAnOrder) {
  arrow::DoubleBuilder doubles;
  ASSERT_TRUE(doubles.AppendValues({0.0, -0.0, 0.0, -0.0}).ok());
  columns_.assign(5, *doubles.Finish());
  std::vector<int64_t> rows;
  SortRows({1, {{iceberg::Transform{}, 2, true, true}}}, schema_, columns_, rows);
  EXPECT_EQ(rows, (std::vector<int64_t>{1, 3, 0, 2}));
  SortRows({1, {{iceberg::Transform{}, 2, true, true}}}, schema_, columns_, rows);
  EXPECT_EQ(rows, (std::vector<int64_t>{1, 3, 0, 2})) << "what is in order stays";
}

TEST_F(RowSorterTest, WhatIsInOrderNeedsNoNumbers) {
  arrow::DoubleBuilder doubles;
  ASSERT_TRUE(doubles.AppendValues({1.0, 1.0, 2.0}).ok());
  columns_.assign(5, *doubles.Finish());
  std::vector<int64_t> rows;
  SortRows({1, {{iceberg::Transform{}, 2, true, true}}}, schema_, columns_, rows);
  EXPECT_TRUE(rows.empty());
  SortRows({}, schema_, columns_, rows);
  EXPECT_TRUE(rows.empty());
}

}  // namespace
}  // namespace sluice

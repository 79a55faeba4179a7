#include "change/column_numbers.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TableSchema Schema(const std::vector<std::pair<std::string, int16_t>>& columns) {
  TableSchema schema;
  for (const auto& [name, number] : columns) schema.columns.push_back({name, number, nullptr});
  return schema;
}

std::optional<ColumnNames> Number(const std::vector<std::pair<std::string, int16_t>>& columns) {
  const ColumnNames known{{1, "id"}, {2, "a"}, {3, "b"}};
  const auto numbered = NumberColumns(Schema(columns), known);
  return numbered ? std::optional(NamesOf(*numbered)) : std::nullopt;
}

TEST(NumberColumns, TakesWhatTheCatalogSaysWhereItFits) {
  EXPECT_EQ(Number({{"id", 1}, {"a", 2}, {"b", 3}}), (ColumnNames{{1, "id"}, {2, "a"}, {3, "b"}}));
  EXPECT_EQ(Number({{"id", 1}, {"b", 3}, {"c", 4}}), (ColumnNames{{1, "id"}, {3, "b"}, {4, "c"}}));
  EXPECT_EQ(Number({{"id", 1}, {"renamed", 2}, {"b", 3}}), (ColumnNames{{1, "id"}, {2, "renamed"}, {3, "b"}}));
}

TEST(NumberColumns, KnowsAColumnThatWasDroppedSince) {
  EXPECT_EQ(Number({{"id", 1}, {"a", 0}, {"b", 3}}), (ColumnNames{{1, "id"}, {2, "a"}, {3, "b"}}));
}

TEST(NumberColumns, TakesNoColumnForAnother) {
  EXPECT_EQ(Number({{"id", 1}, {"b", 3}, {"a", 4}}), std::nullopt) << "a went and came";
  EXPECT_EQ(Number({{"id", 1}, {"a", 4}, {"b", 3}}), std::nullopt) << "the same, from before";
  EXPECT_EQ(Number({{"a", 1}, {"id", 2}, {"b", 3}}), std::nullopt) << "two changed places";
  EXPECT_EQ(Number({{"id", 1}, {"a", 2}, {"old", 0}}), std::nullopt) << "nobody knows it";
}

TEST(NumberColumns, LeavesThemAsTheyAreWhereNothingIsKnown) {
  EXPECT_EQ(NamesOf(*NumberColumns(Schema({{"x", 0}, {"y", 5}}), {})), (ColumnNames{{5, "y"}}));
}

}  // namespace
}  // namespace sluice

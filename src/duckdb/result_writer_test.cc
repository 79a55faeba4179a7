#include "duckdb/result_writer.h"

#include <gtest/gtest.h>

#include <optional>

#include "duckdb/value_text.h"

namespace sluice {
namespace {

class TextRow final : public ResultRow {
 public:
  explicit TextRow(std::vector<std::optional<std::string>> cells) : cells_(std::move(cells)) {}
  bool IsNull(size_t column) const override { return !cells_[column]; }
  void Text(size_t column, std::string& out) const override { out += *cells_[column]; }
  void Json(size_t column, std::string& out) const override { AppendJsonText(*cells_[column], out); }

 private:
  std::vector<std::optional<std::string>> cells_;
};

std::string Written(ResultFormat format, const std::vector<std::vector<std::optional<std::string>>>& rows) {
  std::string out;
  const auto writer = MakeResultWriter(format, [&](std::string_view text) { out += text; });
  writer->Begin({{"n", true}, {"te|xt", false}});
  for (const auto& row : rows) writer->Row(TextRow(row));
  writer->End();
  return out;
}

TEST(ResultWriter, ATableAlignsAndDrivesNoTerminal) {
  EXPECT_EQ(Written(ResultFormat::kTable, {{"1", "ü"}, {"100", "\x1b[2J"}, {std::nullopt, ""}}), "  n  te|xt\n  1  ü\n100  \\x1b[2J\n  ∅  \n(3 rows)\n");
}

TEST(ResultWriter, ATableOfManyRowsIsWrittenAsTheyCome) {
  std::string out;
  const auto writer = MakeResultWriter(ResultFormat::kTable, [&](std::string_view text) { out += text; });
  writer->Begin({{"n", true}});
  for (int i = 0; i < 1000; ++i) writer->Row(TextRow({std::to_string(i)}));
  EXPECT_NE(out.find("999\n"), std::string::npos);
}

TEST(ResultWriter, CsvTellsNullFromAnEmptyText) {
  EXPECT_EQ(Written(ResultFormat::kCsv, {{std::nullopt, ""}, {"1", "a,\"b\"\nc"}}), "n,te|xt\n,\"\"\n1,\"a,\"\"b\"\"\nc\"\n");
}

TEST(ResultWriter, TabsAndNewlinesBreakNoLine) { EXPECT_EQ(Written(ResultFormat::kTabs, {{"1", "a\tb\nc"}}), "n\tte|xt\n1\ta\\tb\\nc\n"); }

TEST(ResultWriter, APlanKeepsItsLines) { EXPECT_EQ(Written(ResultFormat::kPlan, {{"x", "a\n\x1b[ b\n"}}), "a\n\\x1b[ b\n"); }

TEST(ResultWriter, MarkdownEscapesItsBars) { EXPECT_EQ(Written(ResultFormat::kMarkdown, {{"1", "a|b"}}), "| n | te\\|xt |\n|---:|---|\n| 1 | a\\|b |\n"); }

TEST(ResultWriter, JsonIsAListOfObjects) {
  EXPECT_EQ(Written(ResultFormat::kJson, {}), "[]\n");
  EXPECT_EQ(Written(ResultFormat::kJson, {{std::nullopt, "\"\xff"}, {"2", "b"}}), "[\n{\"n\":null,\"te|xt\":\"\\\"\xef\xbf\xbd\"},\n{\"n\":\"2\",\"te|xt\":\"b\"}\n]\n");
}

}  // namespace
}  // namespace sluice

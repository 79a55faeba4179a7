#include "duckdb/result_writer.h"

#include <algorithm>

#include "config/printable.h"
#include "duckdb/value_text.h"

namespace sluice {
namespace {

constexpr size_t kMeasuredRows = 500;  // A table's columns are as wide as these need.
constexpr size_t kCellMax = 200;       // Bytes of a cell in a table.
constexpr std::string_view kNull = "∅";

using Put = std::function<void(std::string_view)>;

class BasicWriter : public ResultWriter {
 public:
  explicit BasicWriter(Put put) : put_(std::move(put)) {}
  void Begin(std::vector<ResultColumn> columns) override { columns_ = std::move(columns); }
  void End() override {}

 protected:
  void PutLine() {
    line_ += '\n';
    put_(line_);
    line_.clear();
  }

  /// Of a cell, until the next; empty where it is null.
  const std::string& TextOf(const ResultRow& row, size_t column) {
    text_.clear();
    if (!row.IsNull(column)) row.Text(column, text_);
    return text_;
  }

  const Put put_;
  std::vector<ResultColumn> columns_;
  std::string line_;

 private:
  std::string text_;
};

size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string Shortened(std::string text) {
  if (text.size() <= kCellMax) return text;
  size_t end = kCellMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

class TableWriter final : public BasicWriter {
 public:
  using BasicWriter::BasicWriter;

  void Begin(std::vector<ResultColumn> columns) override {
    BasicWriter::Begin(std::move(columns));
    waiting_.clear();
    widths_.clear();
    std::vector<std::string> titles;
    for (const ResultColumn& column : columns_) titles.push_back(Shortened(Printable(column.name)));
    waiting_.push_back(std::move(titles));
    rows_ = 0;
  }

  void Row(const ResultRow& row) override {
    std::vector<std::string> cells;
    for (size_t i = 0; i < columns_.size(); ++i) {
      cells.push_back(Shortened(Printable(row.IsNull(i) ? kNull : std::string_view(TextOf(row, i)))));
    }
    ++rows_;
    if (!widths_.empty()) return PutRow(cells);
    waiting_.push_back(std::move(cells));
    if (waiting_.size() > kMeasuredRows) PutWaiting();
  }

  void End() override {
    if (widths_.empty()) PutWaiting();
    put_("(" + std::to_string(rows_) + (rows_ == 1 ? " row)\n" : " rows)\n"));
  }

 private:
  void PutWaiting() {
    widths_.assign(std::max<size_t>(columns_.size(), 1), 0);
    for (const auto& cells : waiting_)
      for (size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], CountCharacters(cells[i]));
    for (const auto& cells : waiting_) PutRow(cells);
    waiting_.clear();
  }
  void PutRow(const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) {
      const size_t width = CountCharacters(cells[i]);
      const std::string padding(widths_[i] > width ? widths_[i] - width : 0, ' ');
      if (i > 0) line_ += "  ";
      if (columns_[i].is_number) line_ += padding + cells[i];
      else line_ += i + 1 == cells.size() ? cells[i] : cells[i] + padding;
    }
    PutLine();
  }

  std::vector<std::vector<std::string>> waiting_;
  std::vector<size_t> widths_;  // Empty while rows wait to be measured.
  size_t rows_ = 0;
};

class TabWriter final : public BasicWriter {
 public:
  using BasicWriter::BasicWriter;

  void Begin(std::vector<ResultColumn> columns) override {
    BasicWriter::Begin(std::move(columns));
    for (size_t i = 0; i < columns_.size(); ++i) Add(i, columns_[i].name);
    PutLine();
  }
  void Row(const ResultRow& row) override {
    for (size_t i = 0; i < columns_.size(); ++i) Add(i, TextOf(row, i));
    PutLine();
  }

 private:
  void Add(size_t column, std::string_view text) {
    if (column > 0) line_ += '\t';
    line_ += Printable(text);
  }
};

// RFC 4180, with lines that end as others do here.
class CsvWriter final : public BasicWriter {
 public:
  using BasicWriter::BasicWriter;

  void Begin(std::vector<ResultColumn> columns) override {
    BasicWriter::Begin(std::move(columns));
    for (size_t i = 0; i < columns_.size(); ++i) Add(i, columns_[i].name);
    PutLine();
  }
  void Row(const ResultRow& row) override {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (row.IsNull(i)) {
        if (i > 0) line_ += ',';
        continue;
      }
      Add(i, TextOf(row, i));
    }
    PutLine();
  }

 private:
  void Add(size_t column, std::string_view text) {
    if (column > 0) line_ += ',';
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      line_ += text;
      return;
    }
    line_ += '"';
    for (const char c : text) line_.append(c == '"' ? 2 : 1, c);
    line_ += '"';
  }
};

class JsonWriter final : public BasicWriter {
 public:
  using BasicWriter::BasicWriter;

  void Begin(std::vector<ResultColumn> columns) override {
    BasicWriter::Begin(std::move(columns));
    separator_ = "[\n";
  }
  void Row(const ResultRow& row) override {
    put_(separator_);
    separator_ = ",\n";
    line_ = "{";
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line_ += ',';
      AppendJsonText(columns_[i].name, line_);
      line_ += ':';
      if (row.IsNull(i)) line_ += "null"; else row.Json(i, line_);
    }
    line_ += '}';
    put_(line_);
    line_.clear();
  }
  void End() override { put_(separator_ == "[\n" ? "[]\n" : "\n]\n"); }

 private:
  std::string_view separator_;
};

class MarkdownWriter final : public BasicWriter {
 public:
  using BasicWriter::BasicWriter;

  void Begin(std::vector<ResultColumn> columns) override {
    BasicWriter::Begin(std::move(columns));
    for (const ResultColumn& column : columns_) Add(column.name);
    PutLine();
    for (const ResultColumn& column : columns_) line_ += column.is_number ? "|---:" : "|---";
    line_ += '|';
    PutLine();
  }
  void Row(const ResultRow& row) override {
    for (size_t i = 0; i < columns_.size(); ++i) Add(TextOf(row, i));
    PutLine();
  }

 private:
  void Add(std::string_view text) {
    if (line_.empty()) line_ = "|";
    line_ += ' ';
    for (const char c : Printable(text)) {
      if (c == '|' || c == '\\') line_ += '\\';
      line_ += c;
    }
    line_ += " |";
  }
};

class PlanWriter final : public BasicWriter {
 public:
  using BasicWriter::BasicWriter;

  void Row(const ResultRow& row) override {
    if (columns_.empty()) return;
    const std::string& text = TextOf(row, columns_.size() - 1);
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      line_ = Printable(std::string_view(text).substr(at, end - at));
      PutLine();
      at = end + 1;
    }
  }
};

}  // namespace

std::unique_ptr<ResultWriter> MakeResultWriter(ResultFormat format, std::function<void(std::string_view)> put) {
  switch (format) {
    case ResultFormat::kTable: return std::make_unique<TableWriter>(std::move(put));
    case ResultFormat::kTabs: return std::make_unique<TabWriter>(std::move(put));
    case ResultFormat::kCsv: return std::make_unique<CsvWriter>(std::move(put));
    case ResultFormat::kJson: return std::make_unique<JsonWriter>(std::move(put));
    case ResultFormat::kMarkdown: return std::make_unique<MarkdownWriter>(std::move(put));
    case ResultFormat::kPlan: return std::make_unique<PlanWriter>(std::move(put));
  }
  return nullptr;
}

}  // namespace sluice

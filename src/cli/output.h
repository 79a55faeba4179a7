#pragma once
// Tables on stdout: aligned for people, tab-separated for programs.

#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell per column. Cells may hold anything: what would break the table is escaped.
  void AddRow(std::vector<std::string> cells);

  /// `aligned`: columns padded with blanks; else fields separated by tabs. Each line ends with a newline.
  std::string Render(bool aligned) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sluice::cli

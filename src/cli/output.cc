#include "cli/output.h"

#include <algorithm>

#include "base/check.h"
#include "cli/terminal.h"
#include "config/printable.h"

namespace sluice::cli {

void Table::AddRow(std::vector<std::string> cells) {
  SLUICE_CHECK(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::Render(bool aligned) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(DisplayWidth(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string out;
  const auto line = [&](const auto& cell_at) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_at(i);
      const std::string pad(aligned ? widths[i] - DisplayWidth(cell) : 0, ' ');
      if (i > 0) text += aligned ? "  " : "\t";
      text += columns_[i].align == Align::kRight ? pad + cell : cell + pad;
    }
    if (aligned) text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([&](size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) line([&](size_t i) -> const std::string& { return row[i]; });
  return out;
}

}  // namespace sluice::cli

#pragma once

#include <string>
#include <string_view>

#include "cli/terminal.h"

namespace sluice::cli {

/// One line on stderr that is drawn over, and gone at the end.
class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ~ProgressLine() { Erase(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `text` is printable; what the terminal has no room for is cut off.
  void Show(std::string text) {
    if (!shown_) return;
    while (!text.empty() && DisplayWidth(text) >= TerminalWidth()) text.pop_back();
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0) text.pop_back();
    PrintTalk("\r\x1b[K" + text);
  }
  void Erase() {
    if (shown_) PrintTalk("\r\x1b[K");
  }

 private:
  const bool shown_;
};

}  // namespace sluice::cli

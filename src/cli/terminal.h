#pragma once
// What the two output streams are: stdout carries data, stderr talks to people.

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::cli {

struct Terminal {
  bool stdout_is_tty = false;
  bool stderr_is_tty = false;
  bool color = false;     ///< Of what goes to a terminal.
  bool progress = false;  ///< Lines that are redrawn on stderr.
};

enum class Ink { kRed, kYellow, kGreen, kDim, kBold };

/// The text between escape sequences where `color`, else as it is.
std::string Colored(std::string_view text, Ink ink, bool color);

/// Columns of the terminal on stderr; 80 where unknown.
size_t TerminalWidth();

/// Columns that a text takes: characters, wide ones counted twice.
size_t DisplayWidth(std::string_view text);

void PrintData(std::string_view text);  ///< To stdout.
void PrintTalk(std::string_view text);  ///< To stderr.

}  // namespace sluice::cli

#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace sluice::cli {
namespace {

std::string_view Sequence(Ink ink) {
  switch (ink) {
    case Ink::kRed: return "\x1b[31m";
    case Ink::kYellow: return "\x1b[33m";
    case Ink::kGreen: return "\x1b[32m";
    case Ink::kDim: return "\x1b[2m";
    case Ink::kBold: return "\x1b[1m";
  }
  return "";
}

// The code point of one UTF-8 character; broken bytes count as one column.
uint32_t CodePoint(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  uint32_t point = character.size() == 1 ? first : first & (0x7fu >> character.size());
  for (size_t at = 1; at < character.size(); ++at) point = (point << 6) | (static_cast<unsigned char>(character[at]) & 0x3f);
  return point;
}

// East Asian wide and emoji, in broad ranges: enough to keep columns straight.
size_t ColumnsOf(uint32_t point) {
  if ((point >= 0x300 && point < 0x370) || (point >= 0x200b && point < 0x2010) || (point >= 0xfe00 && point < 0xfe10)) return 0;
  const bool wide = (point >= 0x1100 && point < 0x1160) || (point >= 0x2e80 && point < 0xa4d0) || (point >= 0xac00 && point < 0xd7a4) ||
                    (point >= 0xf900 && point < 0xfb00) || (point >= 0xff00 && point < 0xff61) || (point >= 0x1f300 && point < 0x1fb00) ||
                    (point >= 0x20000 && point < 0x3fffe);
  return wide ? 2 : 1;
}

}  // namespace

std::string Colored(std::string_view text, Ink ink, bool color) {
  if (!color) return std::string(text);
  return std::string(Sequence(ink)) + std::string(text) + "\x1b[0m";
}

size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    while (end < text.size() && end - at < 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    width += ColumnsOf(CodePoint(text.substr(at, end - at)));
    at = end;
  }
  return width;
}

void PrintData(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void PrintTalk(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace sluice::cli

#include "config/mistake.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "config/printable.h"
#include "config/secrets.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr size_t kShownMax = 150;  // Characters of one line that are shown.

std::string_view LineOf(std::string_view text, size_t line) {
  for (size_t at = 1; at < line; ++at) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// Splits into characters so that columns can be counted; a broken byte is a character of its own.
std::vector<std::string_view> Characters(std::string_view text) {
  std::vector<std::string_view> characters;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    while (end < text.size() && end - at < 4 && !StartsCharacter(text[end])) ++end;
    characters.push_back(text.substr(at, end - at));
    at = end;
  }
  return characters;
}

std::string Join(const std::vector<std::string_view>& characters, size_t begin, size_t end) {
  std::string joined;
  for (size_t at = begin; at < end; ++at) joined += characters[at];
  return joined;
}

// The marked part of a long line, with the column moved accordingly.
std::string Window(const std::string& line, size_t& column) {
  const std::vector<std::string_view> characters = Characters(line);
  if (characters.size() <= kShownMax) return line;
  const size_t begin = column > kShownMax / 2 ? std::min(column - kShownMax / 2, characters.size() - kShownMax) : 0;
  const size_t end = std::min(characters.size(), begin + kShownMax);
  std::string shown = begin > 0 ? "…" : "";
  column = column - begin + (begin > 0 ? 1 : 0);
  shown += Join(characters, begin, end);
  if (end < characters.size()) shown += "…";
  return shown;
}

std::string Indented(std::string_view label, std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    out += fmt::format("{:<6}{}\n", label, Printable(lines.substr(0, end)));
    label = "";
    lines = end == std::string_view::npos ? "" : lines.substr(end + 1);
  }
  return out;
}

}  // namespace

void SortByPlace(ConfigMistakes& mistakes) {
  std::stable_sort(mistakes.begin(), mistakes.end(), [](const ConfigMistake& a, const ConfigMistake& b) {
    return std::tie(a.place.text, a.place.line, a.place.column) < std::tie(b.place.text, b.place.line, b.place.column);
  });
}

std::string PrintableLine(std::string_view text, size_t line) {
  std::string shown = BlankPasswords(LineOf(text, line));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\t' ? ' ' : '?';
  return shown;
}

std::string RenderMistake(const ConfigMistake& mistake, const std::vector<ConfigText>& texts) {
  const ErrorEntry* entry = FindError(mistake.code);
  std::string out = fmt::format("error[SLU-{}]: {}\n", mistake.code, Printable(mistake.message));
  if (mistake.place.line > 0 && mistake.place.text < texts.size()) {
    const ConfigText& text = texts[mistake.place.text];
    out += fmt::format("  ┌ {}:{}:{}{}{}\n", Printable(text.name), mistake.place.line, mistake.place.column,
                       mistake.path.empty() ? "" : "   ", Printable(mistake.path));
    size_t column = std::max<size_t>(mistake.place.column, 1);
    const std::string line = Window(PrintableLine(text.text, mistake.place.line), column);
    const size_t room = Characters(line).size() + 1 - std::min(column - 1, Characters(line).size());
    out += fmt::format("  │ {}\n", line);
    out += fmt::format("  │ {}{}{}{}\n", std::string(column - 1, ' '),
                       std::string(std::clamp<size_t>(mistake.length, 1, room), '^'), mistake.hint.empty() ? "" : " ",
                       Printable(mistake.hint));
  }
  out += Indented("why:", !mistake.why.empty() ? std::string_view(mistake.why) : entry ? entry->why : "");
  out += Indented("fix:", !mistake.fix.empty() ? std::string_view(mistake.fix) : entry ? entry->fix : "");
  return out;
}

}  // namespace sluice

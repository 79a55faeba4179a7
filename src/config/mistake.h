#pragma once
// What is wrong with a configuration and where. Reading goes on after a mistake, so that all are told at once.

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// A text that configuration came from: the file, or one -X override.
struct ConfigText {
  std::string name;  ///< "sluice.yaml", or "-X".
  std::string text;
};

/// A place in one of the texts. Line and column count from 1, columns in characters; line 0: no place.
struct ConfigPlace {
  size_t text = 0;  ///< Index into the texts: 0 is the file.
  size_t line = 0;
  size_t column = 0;
};

struct ConfigMistake {
  int code = 0;          ///< 1xxx of the error catalog.
  std::string message;   ///< What is wrong with what, one line. Quotes what stands in the file, never what a variable held.
  ConfigPlace place = {};
  size_t length = 1;     ///< Characters to mark.
  std::string hint = {}; ///< Behind the marks: did you mean "freshness"?
  std::string path = {}; ///< "sources.backend.host".
  std::string why = {};  ///< Overrides the catalog's when not empty.
  std::string fix = {};  ///< Overrides the catalog's when not empty; one remedy per line.
};

using ConfigMistakes = std::vector<ConfigMistake>;

/// In the order of the file, overrides last.
void SortByPlace(ConfigMistakes& mistakes);

/// As the terminal shows it: the line with marks below it, then why and fix. What stands in the file drives no terminal.
std::string RenderMistake(const ConfigMistake& mistake, const std::vector<ConfigText>& texts);

/// The text of one line without line end; passwords in it are blanked, since anything may stand on a line with a
/// mistake. Control characters become '?', so that marks below it stay aligned and no terminal is driven.
std::string PrintableLine(std::string_view text, size_t line);

}  // namespace sluice

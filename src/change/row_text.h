#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// Prints a row as the server prints ROW(…)::text: (a,"b c",,""). Keeps its memory from row to row.
class RowText {
 public:
  void Clear() { text_.clear(); }
  void Add(std::optional<std::string_view> value);
  /// After the last Add; valid until the next Clear.
  std::string_view Finish();

 private:
  std::string text_;
};

}  // namespace sluice

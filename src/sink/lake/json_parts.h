#pragma once
// Walks over the parts of a JSON array or object in place, keeping numbers and nested values as they are written.

#include <string>
#include <string_view>

namespace sluice::text {

class JsonParts {
 public:
  explicit JsonParts(std::string_view json);

  bool is_array() const { return at_ <= text_.size() && !is_object_; }
  bool is_object() const { return is_object_; }

  /// The next value; false at the end, or where the text is malformed.
  bool Next();
  /// The value just met, as it is written, without blanks around it.
  std::string_view value() const { return value_; }
  /// Whether all of it was taken.
  bool at_end() const { return ended_ && at_ == text_.size(); }

 private:
  void SkipBlanks();
  bool Take(char c);
  bool TakeString();
  bool TakeValue();

  const std::string_view text_;
  size_t at_ = 0;
  bool is_object_ = false;
  bool first_ = true;
  bool ended_ = false;
  std::string_view value_;
};

/// Appends what a JSON string says. False: it is none.
bool UnquoteJson(std::string_view json, std::string& out);

}  // namespace sluice::text

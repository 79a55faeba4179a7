#pragma once
// Walks over the parts of the server's text of an array or a composite, in place.

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::text {

/// `{1,NULL,"a \"b\""}`, nested for more dimensions, behind `[0:2]=` for bounds other than from 1.
class ArrayParts {
 public:
  enum class Token { kOpen, kClose, kItem, kNull, kEnd, kMalformed };

  ArrayParts(std::string_view text, char delimiter);

  /// The next part; after kEnd or kMalformed don't call again.
  Token Next();
  /// The kItem just met, without its quoting: a view of the text or of scratch space, valid until Next.
  std::string_view item() const { return item_; }
  /// Braces that are open.
  int depth() const { return depth_; }
  /// Whether what was just met is the first of its braces.
  bool is_first() const { return is_first_; }
  bool has_bounds() const { return has_bounds_; }

 private:
  Token TakeValue();
  Token TakeQuoted();
  bool TakeBounds();
  bool Meets(char c) const { return at_ < text_.size() && text_[at_] == c; }

  const std::string_view text_;
  const char delimiter_;
  size_t at_ = 0;
  int depth_ = 0;
  int item_depth_ = 0;  ///< All items stand at the same; 0 until one was met.
  bool has_bounds_ = false;
  bool well_formed_ = true;
  bool after_value_ = false;
  bool is_first_ = true;
  std::string_view item_;
  std::string scratch_;
};

/// `(1,,"a ""b""")`, where nothing is null.
class RecordParts {
 public:
  explicit RecordParts(std::string_view text) : text_(text) {}

  /// The next field; false where there is none or the text is malformed.
  bool Next();
  bool is_null() const { return is_null_; }
  /// As ArrayParts::item.
  std::string_view field() const { return field_; }
  /// Whether the whole text was taken. Of a composite without fields: instead of the first Next.
  bool at_end() const { return at_ == text_.size() || (at_ == 0 && text_ == "()"); }

 private:
  bool TakeQuoted();

  const std::string_view text_;
  size_t at_ = 0;
  bool is_null_ = false;
  std::string_view field_;
  std::string scratch_;
};

}  // namespace sluice::text

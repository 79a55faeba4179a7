#include "sink/lake/value_text_parts.h"

#include "sink/lake/value_text.h"

namespace sluice::text {

constexpr int kDimensionsMax = 6;  // PostgreSQL's MAXDIM.

ArrayParts::ArrayParts(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {
  has_bounds_ = Meets('[');
  well_formed_ = !has_bounds_ || TakeBounds();
}

// [lower:upper] per dimension, then =
bool ArrayParts::TakeBounds() {
  while (Meets('[')) {
    const size_t colon = text_.find(':', at_), end = text_.find(']', at_);
    if (end == std::string_view::npos || colon > end) return false;
    int32_t lower = 0, upper = 0;
    if (!ParseInteger(text_.substr(at_ + 1, colon - at_ - 1), lower)) return false;
    if (!ParseInteger(text_.substr(colon + 1, end - colon - 1), upper)) return false;
    at_ = end + 1;
  }
  return Meets('=') && ++at_ > 0;
}

ArrayParts::Token ArrayParts::Next() {
  if (!well_formed_) return Token::kMalformed;
  if (depth_ == 0 && after_value_) return at_ == text_.size() ? Token::kEnd : Token::kMalformed;
  bool after_delimiter = false;
  if (after_value_ && Meets(delimiter_)) {
    ++at_;
    after_value_ = false;
    after_delimiter = true;
  }
  if (Meets('}')) {
    // Nothing between braces is the empty array, of whatever dimensions.
    if (depth_ == 0 || after_delimiter || (!after_value_ && depth_ > 1)) return Token::kMalformed;
    ++at_;
    --depth_;
    after_value_ = true;
    return Token::kClose;
  }
  if (after_value_ || at_ >= text_.size()) return Token::kMalformed;
  is_first_ = !after_delimiter;
  if (Meets('{')) {
    if (depth_ == kDimensionsMax || (item_depth_ != 0 && depth_ >= item_depth_)) return Token::kMalformed;
    ++at_;
    ++depth_;
    return Token::kOpen;
  }
  return TakeValue();
}

ArrayParts::Token ArrayParts::TakeValue() {
  if (depth_ == 0 || (item_depth_ != 0 && depth_ != item_depth_)) return Token::kMalformed;
  item_depth_ = depth_;
  after_value_ = true;
  if (Meets('"')) return TakeQuoted();
  const size_t start = at_;
  for (; at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '}'; ++at_)
    if (text_[at_] == '"' || text_[at_] == '\\' || text_[at_] == '{') return Token::kMalformed;
  item_ = text_.substr(start, at_ - start);
  if (item_.empty()) return Token::kMalformed;
  return item_ == "NULL" ? Token::kNull : Token::kItem;
}

ArrayParts::Token ArrayParts::TakeQuoted() {
  const size_t start = ++at_;
  const size_t special = text_.find_first_of("\"\\", start);
  if (special == std::string_view::npos) return Token::kMalformed;
  if (text_[special] == '"') {
    at_ = special + 1;
    item_ = text_.substr(start, special - start);
    return Token::kItem;
  }
  scratch_.clear();
  for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    if (text_[at_] == '\\' && ++at_ == text_.size()) return Token::kMalformed;
    scratch_.push_back(text_[at_]);
  }
  if (at_ >= text_.size()) return Token::kMalformed;
  ++at_;
  item_ = scratch_;
  return Token::kItem;
}

bool RecordParts::Next() {
  // Each field stands behind the opening parenthesis or a comma.
  if (at_ >= text_.size() || text_[at_] != (at_ == 0 ? '(' : ',')) return false;
  ++at_;
  if (at_ < text_.size() && text_[at_] == '"') {
    if (!TakeQuoted()) return false;
    is_null_ = false;
  } else {
    const size_t end = text_.find_first_of(",)\"\\(", at_);
    if (end == std::string_view::npos) return false;
    field_ = text_.substr(at_, end - at_);
    is_null_ = field_.empty();
    at_ = end;
  }
  if (at_ >= text_.size()) return false;
  if (text_[at_] == ')') return ++at_ == text_.size();
  return text_[at_] == ',';
}

// Quotes and backslashes are doubled.
bool RecordParts::TakeQuoted() {
  scratch_.clear();
  for (++at_; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"' || c == '\\') {
      const bool doubled = at_ + 1 < text_.size() && text_[at_ + 1] == c;
      if (!doubled) {
        if (c == '\\') return false;
        ++at_;
        field_ = scratch_;
        return true;
      }
      ++at_;
    }
    scratch_.push_back(c);
  }
  return false;
}

}  // namespace sluice::text

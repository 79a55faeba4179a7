#include "sink/lake/json_parts.h"

#include <cstdint>

namespace sluice::text {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool TakeHex4(std::string_view text, uint32_t& unit) {
  if (text.size() < 4) return false;
  unit = 0;
  for (const char c : text.substr(0, 4)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return false;
    unit = unit << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

void AppendUtf8(uint32_t code, std::string& out) {
  if (code < 0x80) return out.push_back(static_cast<char>(code));
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3F))); };
  if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    tail(6);
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    tail(12);
    tail(6);
  }
  tail(0);
}

/// `rest`: behind the backslash; what the escape takes of it goes. False: malformed.
bool TakeEscape(std::string_view& rest, std::string& out) {
  if (rest.empty()) return false;
  const char c = rest.front();
  rest.remove_prefix(1);
  switch (c) {
    case '"': case '\\': case '/': out.push_back(c); return true;
    case 'b': out.push_back('\b'); return true;
    case 'f': out.push_back('\f'); return true;
    case 'n': out.push_back('\n'); return true;
    case 'r': out.push_back('\r'); return true;
    case 't': out.push_back('\t'); return true;
    case 'u': break;
    default: return false;
  }
  uint32_t code = 0, low = 0;
  if (!TakeHex4(rest, code)) return false;
  rest.remove_prefix(4);
  if (code >= 0xDC00 && code < 0xE000) return false;
  if (code >= 0xD800 && code < 0xDC00) {
    if (!rest.starts_with("\\u") || !TakeHex4(rest.substr(2), low) || low < 0xDC00 || low >= 0xE000) return false;
    rest.remove_prefix(6);
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  AppendUtf8(code, out);
  return true;
}

}  // namespace

JsonParts::JsonParts(std::string_view json) : text_(json) {
  SkipBlanks();
  is_object_ = at_ < text_.size() && text_[at_] == '{';
  if (!is_object_ && !(at_ < text_.size() && text_[at_] == '[')) at_ = text_.size() + 1;  // Never at its end.
  ++at_;
}

void JsonParts::SkipBlanks() {
  while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
}

bool JsonParts::Take(char c) {
  SkipBlanks();
  if (at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool JsonParts::TakeString() {
  if (!Take('"')) return false;
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == '\\') ++at_;
    else if (text_[at_] == '"') return ++at_, true;
  }
  return false;
}

bool JsonParts::TakeValue() {
  SkipBlanks();
  const size_t from = at_;
  size_t open = 0;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (open == 0 && (at_ > from || c == ',') && (c == ',' || c == ']' || c == '}' || IsBlank(c))) break;
    if (c == '"') {
      if (!TakeString()) return false;
      if (open == 0) break;
      continue;
    }
    ++at_;
    if (c == '[' || c == '{') ++open;
    if (c != ']' && c != '}') continue;
    if (open == 0) return false;
    if (--open == 0) break;
  }
  value_ = text_.substr(from, at_ - from);
  return open == 0 && !value_.empty();
}

bool JsonParts::Next() {
  if (ended_ || at_ > text_.size()) return false;
  if (Take(is_object_ ? '}' : ']')) {
    ended_ = true;
    SkipBlanks();
    return false;
  }
  if (!first_ && !Take(',')) return false;
  first_ = false;
  if (is_object_ && !(TakeString() && Take(':'))) return false;
  return TakeValue();
}

bool UnquoteJson(std::string_view json, std::string& out) {
  if (json.size() < 2 || json.front() != '"' || json.back() != '"') return false;
  std::string_view rest = json.substr(1, json.size() - 2);
  while (!rest.empty()) {
    const size_t plain = std::min(rest.find('\\'), rest.size());
    out.append(rest.substr(0, plain));
    rest.remove_prefix(plain);
    if (rest.empty()) return true;
    rest.remove_prefix(1);
    if (!TakeEscape(rest, out)) return false;
  }
  return true;
}

}  // namespace sluice::text

#include "server/http/request_target.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice {
namespace {

Error Malformed(std::string what) { return Error{ErrorKind::kCorrupt, "malformed request: " + std::move(what)}; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Bytes of the character that `lead` begins; 0 if none begins so.
size_t CharacterBytes(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

// Without overlong forms and halves of surrogates, which databases refuse.
bool IsUtf8(std::string_view text) {
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t size = CharacterBytes(lead);
    if (size == 0 || text.size() - at < size) return false;
    uint32_t code = size == 1 ? lead : lead & (0x7fu >> size);
    for (size_t i = 1; i < size; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + i]);
      if ((byte & 0xc0) != 0x80) return false;
      code = code << 6 | (byte & 0x3fu);
    }
    if (code < kLeast[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    at += size;
  }
  return true;
}

Result<std::string> Decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      const int high = text.size() - at > 2 ? HexDigit(text[at + 1]) : -1;
      const int low = text.size() - at > 2 ? HexDigit(text[at + 2]) : -1;
      if (high < 0 || low < 0) return Malformed("'%' without two hexadecimal digits");
      decoded += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      decoded += plus_is_blank && text[at] == '+' ? ' ' : text[at];
    }
  }
  if (decoded.find('\0') != std::string::npos) return Malformed("a zero byte");
  if (!IsUtf8(decoded)) return Malformed("not UTF-8");
  return decoded;
}

}  // namespace

Result<std::string> PercentDecode(std::string_view text) { return Decode(text, false); }

Result<FormFields> ParseForm(std::string_view text) {
  FormFields fields;
  while (!text.empty()) {
    const std::string_view field = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), field.size() + 1));
    if (field.empty()) continue;
    const size_t equals = field.find('=');
    ASSIGN_OR_RETURN(std::string name, Decode(field.substr(0, equals), true));
    ASSIGN_OR_RETURN(std::string value, Decode(equals == std::string_view::npos ? "" : field.substr(equals + 1), true));
    fields.emplace_back(std::move(name), std::move(value));
  }
  return fields;
}

Result<RequestTarget> ParseTarget(std::string_view target) {
  RequestTarget parsed;
  const size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  if (!path.starts_with('/')) return Malformed("the path does not begin with '/'");
  path.remove_prefix(1);
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty()) return Malformed("the path has an empty part");
    ASSIGN_OR_RETURN(std::string decoded, PercentDecode(segment));
    parsed.path.push_back(std::move(decoded));
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
  }
  if (question != std::string_view::npos) {
    ASSIGN_OR_RETURN(parsed.query, ParseForm(target.substr(question + 1)));
  }
  return parsed;
}

std::optional<std::string_view> Find(const FormFields& fields, std::string_view name) {
  for (const auto& [known, value] : fields)
    if (known == name) return value;
  return std::nullopt;
}

}  // namespace sluice

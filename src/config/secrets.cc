#include "config/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace sluice {
namespace {

constexpr std::array<std::string_view, 7> kSecretFields = {"password", "salt", "secret_key", "account_key", "session_token", "token", "client_secret"};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// In postgres://user:password@host the password ends at the last @ before the path, since a hand-written one may
// contain an @ itself.
std::optional<TextSpan> InUri(std::string_view text) {
  for (size_t scheme = text.find("://"); scheme != std::string_view::npos; scheme = text.find("://", scheme + 3)) {
    const size_t begin = scheme + 3;
    size_t end = begin;
    while (end < text.size() && !IsSpace(text[end]) && text[end] != '"' && text[end] != '\'') ++end;
    const std::string_view rest = text.substr(begin, end - begin);
    const size_t colon = rest.find(':');
    const size_t query = rest.find('?');
    size_t at = rest.rfind('@', query);
    // A '?' inside the password hides its '@'; ${NAME:?message} has one too.
    if (at == std::string_view::npos) at = rest.rfind('@');
    if (colon != std::string_view::npos && at != std::string_view::npos && colon + 1 < at)
      return TextSpan{begin + colon + 1, at - colon - 1};
  }
  return std::nullopt;
}

bool StartsWord(std::string_view text, size_t at) {
  return at == 0 || (std::isalnum(static_cast<unsigned char>(text[at - 1])) == 0 && text[at - 1] != '_');
}

// `password` or `sslpassword`, then the separator, then a value that may be quoted.
std::optional<TextSpan> AfterKey(std::string_view text, std::string_view key, char separator) {
  for (size_t found = text.find(key); found != std::string_view::npos; found = text.find(key, found + 1)) {
    size_t at = found + key.size();
    if (!StartsWord(text, found)) continue;
    while (at < text.size() && IsSpace(text[at])) ++at;
    if (at >= text.size() || text[at] != separator) continue;
    ++at;
    while (at < text.size() && IsSpace(text[at])) ++at;
    if (at >= text.size()) continue;
    size_t end = at;
    if (text[at] == '\'' || text[at] == '"') {
      const char quote = text[at++];
      for (end = at; end < text.size() && text[end] != quote; ++end)
        if (text[end] == '\\' && end + 1 < text.size()) ++end;
      end = std::min(end, text.size());
    } else {
      // libpq ends an unquoted value at a space, a URI at '&', a YAML flow mapping at ',' or '}'.
      const bool flow = separator == ':';
      const bool variable = text.substr(at, 2) == "${";
      while (end < text.size() && !(IsSpace(text[end]) && !variable) && text[end] != '"' && text[end] != '\'' &&
             !(separator == '=' && text[end] == '&') && !(flow && !variable && (text[end] == ',' || text[end] == '}'))) {
        if (variable && text[end] == '}') {
          ++end;
          break;
        }
        ++end;
      }
    }
    if (end > at) return TextSpan{at, end - at};
  }
  return std::nullopt;
}

}  // namespace

std::optional<TextSpan> FindPassword(std::string_view dsn) {
  if (const auto span = InUri(dsn)) return span;
  if (const auto span = AfterKey(dsn, "password", '=')) return span;
  return AfterKey(dsn, "sslpassword", '=');
}

bool IsOnlyVariable(std::string_view password) {
  if (!password.starts_with("${") || password.find('}') != password.size() - 1) return false;
  const size_t fallback = password.find(":-");
  return fallback == std::string_view::npos || fallback + 3 == password.size();
}

std::string BlankPasswords(std::string_view text) {
  std::string blanked(text);
  // Each pass takes the first that is not blank yet; a line has few.
  for (int pass = 0; pass < 16; ++pass) {
    std::optional<TextSpan> span;
    const auto is_new = [&](const std::optional<TextSpan>& found) {
      return found && blanked.find_first_not_of('*', found->begin) < found->begin + found->size &&
             !IsOnlyVariable(std::string_view(blanked).substr(found->begin, found->size));
    };
    for (const auto& found : {InUri(blanked), AfterKey(blanked, "password", '='), AfterKey(blanked, "sslpassword", '='), AfterKey(blanked, "PASSWORD", '=')})
      if (!span && is_new(found)) span = found;
    for (const std::string_view field : kSecretFields)
      if (const auto found = AfterKey(blanked, field, ':'); !span && is_new(found)) span = found;
    if (!span) break;
    std::fill_n(blanked.begin() + static_cast<std::ptrdiff_t>(span->begin), span->size, '*');
  }
  return blanked;
}

std::string DsnPart(std::string_view key, std::string_view value) {
  std::string part(key);
  part += "='";
  for (const char c : value) {
    if (c == '\'' || c == '\\') part += '\\';
    part += c;
  }
  part += '\'';
  return part;
}

}  // namespace sluice

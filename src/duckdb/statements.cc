#include "duckdb/statements.h"

#include <algorithm>
#include <cctype>

namespace sluice {
namespace {

bool IsBlank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool IsWordPart(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0; }

size_t EndOfLine(std::string_view text, size_t at) { return std::min(text.find('\n', at), text.size()); }

size_t EndOfComment(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const std::string_view two = text.substr(at, 2);
    if (two == "/*") ++depth;
    if (two == "*/") --depth;
    at += two == "/*" || two == "*/" ? 2 : 1;
    if (depth == 0) return at;
  }
  return text.size();
}

// `at`: its opening quote. A quote is doubled inside.
size_t EndOfQuoted(std::string_view text, size_t at, bool backslashes) {
  const char quote = text[at++];
  for (; at < text.size(); ++at) {
    if (backslashes && text[at] == '\\') ++at;
    else if (text[at] == quote) return at + 1;  // A doubled one begins the next text, with nothing between.
  }
  return text.size();
}

// `at`: a dollar. Where it begins no tag it is a parameter or part of a name.
size_t EndOfDollar(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && IsWordPart(text[end])) ++end;
  const bool is_tag = end < text.size() && text[end] == '$' && (end == at + 1 || std::isdigit(static_cast<unsigned char>(text[at + 1])) == 0);
  if (!is_tag) return at + 1;
  const std::string_view tag = text.substr(at, end + 1 - at);
  const size_t close = text.find(tag, end + 1);
  return close == std::string_view::npos ? text.size() : close + tag.size();
}

struct Token {
  size_t end = 0;
  bool is_code = true;  // Neither blank nor comment.
};

Token NextToken(std::string_view text, size_t at) {
  const char c = text[at];
  const std::string_view two = text.substr(at, 2);
  if (IsBlank(c)) return {at + 1, false};
  if (two == "--") return {EndOfLine(text, at), false};
  if (two == "/*") return {EndOfComment(text, at), false};
  if ((c == 'e' || c == 'E') && two.size() == 2 && two[1] == '\'') return {EndOfQuoted(text, at + 1, true)};
  if (c == '\'' || c == '"') return {EndOfQuoted(text, at, false)};
  if (c == '$') return {EndOfDollar(text, at)};
  if (!IsWordPart(c)) return {at + 1};
  size_t end = at;
  while (end < text.size() && (IsWordPart(text[end]) || text[end] == '$')) ++end;
  return {end};
}

std::string InLowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool IsWord(std::string_view token, std::string_view word) {
  return InLowerCase(token) == word;
}

}  // namespace

SplitSql SplitStatements(std::string_view text) {
  SplitSql split;
  size_t begin = 0;
  bool has_code = false;
  for (size_t at = 0; at < text.size();) {
    const Token token = NextToken(text, at);
    if (text[at] == ';' && token.is_code) {
      if (has_code) split.statements.emplace_back(text.substr(begin, at - begin));
      begin = token.end;
      has_code = false;
    } else {
      has_code |= token.is_code;
    }
    at = token.end;
  }
  if (has_code) split.rest = text.substr(begin);
  return split;
}

std::string FirstWord(std::string_view statement) {
  for (size_t at = 0; at < statement.size();) {
    const Token token = NextToken(statement, at);
    if (token.is_code) return InLowerCase(statement.substr(at, token.end - at));
    at = token.end;
  }
  return "";
}

std::vector<std::string> CalledNames(std::string_view statement) {
  std::vector<std::string> names;
  std::string_view before;
  for (size_t at = 0; at < statement.size();) {
    const Token token = NextToken(statement, at);
    const std::string_view code = statement.substr(at, token.end - at);
    at = token.end;
    if (!token.is_code) continue;
    const bool is_quoted = before.size() >= 2 && before.front() == '"';
    if (code == "(" && is_quoted) names.push_back(InLowerCase(before.substr(1, before.size() - 2)));
    else if (code == "(" && !before.empty() && IsWordPart(before.front())) names.push_back(InLowerCase(before));
    before = code;
  }
  return names;
}

std::string_view ExplainedStatement(std::string_view statement) {
  bool explain = false;
  int parentheses = 0;
  for (size_t at = 0; at < statement.size();) {
    const Token token = NextToken(statement, at);
    const std::string_view word = statement.substr(at, token.end - at);
    if (!token.is_code) {
      at = token.end;
      continue;
    }
    if (!explain) {
      if (!IsWord(word, "explain")) return {};
      explain = true;
    } else if (word == "(" || parentheses > 0) {  // EXPLAIN (ANALYZE, FORMAT json) …, but also EXPLAIN (SELECT …): told apart by what follows.
      parentheses += word == "(" ? 1 : word == ")" ? -1 : 0;
    } else if (!IsWord(word, "analyze") && !IsWord(word, "analyse")) {
      return statement.substr(at);
    }
    at = token.end;
  }
  return {};
}

}  // namespace sluice

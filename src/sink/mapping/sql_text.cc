#include "sink/mapping/sql_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "postgres/quote.h"

namespace sluice::mapping {
namespace {

enum class TokenKind { kWord, kString, kNumber, kSymbol };

struct Token {
  TokenKind kind;
  size_t begin, end;
  std::string name = {};  // Of a word, unquoted.
  bool keyword = false;   // A bare word with a capital letter: the server writes names in quotes then.

  bool Is(std::string_view text) const { return kind != TokenKind::kString && name == text; }
};

bool StartsWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The end of what is quoted from `at`; a doubled quote stands for one, and behind E a backslash takes one along.
size_t QuotedEnd(std::string_view sql, size_t at, bool escapes) {
  const char quote = sql[at++];
  while (at < sql.size()) {
    if (escapes && sql[at] == '\\') at += 2;
    else if (sql[at] != quote) ++at;
    else if (at + 1 < sql.size() && sql[at + 1] == quote) at += 2;
    else return at + 1;
  }
  return sql.size();
}

std::string Unquoted(std::string_view quoted) {
  std::string name;
  for (size_t at = 1; at + 1 < quoted.size(); ++at) {
    name.push_back(quoted[at]);
    if (quoted[at] == '"') ++at;
  }
  return name;
}

Token NextToken(std::string_view sql, size_t at) {
  const char c = sql[at];
  if (c == '\'') return {TokenKind::kString, at, QuotedEnd(sql, at, false)};
  if ((c == 'E' || c == 'e') && at + 1 < sql.size() && sql[at + 1] == '\'') return {TokenKind::kString, at, QuotedEnd(sql, at + 1, true)};
  if (c == '"') {
    const size_t end = QuotedEnd(sql, at, false);
    return {TokenKind::kWord, at, end, Unquoted(sql.substr(at, end - at))};
  }
  size_t end = at + 1;
  if (StartsWord(c)) {
    while (end < sql.size() && (StartsWord(sql[end]) || IsDigit(sql[end]) || sql[end] == '$')) ++end;
    std::string name(sql.substr(at, end - at));
    const bool keyword = std::any_of(name.begin(), name.end(), [](char letter) { return letter >= 'A' && letter <= 'Z'; });
    return {TokenKind::kWord, at, end, std::move(name), keyword};
  }
  if (IsDigit(c)) {
    while (end < sql.size() && (IsDigit(sql[end]) || sql[end] == '.')) ++end;
    return {TokenKind::kNumber, at, end};
  }
  if (c == ':' && end < sql.size() && sql[end] == ':') ++end;
  return {TokenKind::kSymbol, at, end, std::string(sql.substr(at, end - at))};
}

std::vector<Token> Tokens(std::string_view sql) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < sql.size();) {
    if (sql[at] == ' ' || sql[at] == '\n' || sql[at] == '\t') {
      ++at;
      continue;
    }
    tokens.push_back(NextToken(sql, at));
    at = tokens.back().end;
  }
  return tokens;
}

bool IsBare(const Token& token, std::string_view sql) { return token.kind == TokenKind::kWord && sql[token.begin] != '"'; }

// How many tokens a type's name takes: "timestamp(3) without time zone", "n.t", "text[]".
size_t TypeLength(const std::vector<Token>& tokens, size_t at, std::string_view sql) {
  constexpr std::array<std::string_view, 6> kMore{"varying", "precision", "with", "without", "time", "zone"};
  size_t i = at + 1;
  while (i + 1 < tokens.size() && tokens[i].Is(".")) i += 2;
  while (i < tokens.size()) {
    if (IsBare(tokens[i], sql) && std::find(kMore.begin(), kMore.end(), tokens[i].name) != kMore.end()) ++i;
    else if (tokens[i].Is("(") && i + 2 < tokens.size() && tokens[i + 1].kind == TokenKind::kNumber) {
      while (i < tokens.size() && !tokens[i].Is(")")) ++i;
      ++i;
    } else break;
  }
  return i - at;
}

template <class Use>
void EachColumn(std::string_view sql, const std::vector<Token>& tokens, Use use) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].Is("::") && i + 1 < tokens.size()) {
      i += TypeLength(tokens, i + 1, sql);
      continue;
    }
    const Token& token = tokens[i];
    if (token.kind != TokenKind::kWord || token.keyword) continue;
    const Token* before = i > 0 ? &tokens[i - 1] : nullptr;
    const Token* behind = i + 1 < tokens.size() ? &tokens[i + 1] : nullptr;
    const bool qualified = (before != nullptr && before->Is(".")) || (behind != nullptr && behind->Is("."));
    const bool function = behind != nullptr && behind->Is("(");
    const bool named = before != nullptr && before->keyword && (before->Is("USING") || before->Is("COLLATE"));
    if (!qualified && !function && !named) use(token);
  }
}

}  // namespace

bool MentionsAny(std::string_view sql, const std::set<std::string>& names) {
  if (names.empty()) return false;
  const std::vector<Token> tokens = Tokens(sql);
  return std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) { return token.kind == TokenKind::kWord && !token.keyword && names.contains(token.name); });
}

std::string WithColumnsRenamed(std::string_view sql, const std::map<std::string, std::string>& names) {
  std::string out;
  size_t copied = 0;
  EachColumn(sql, Tokens(sql), [&](const Token& token) {
    const auto renamed = names.find(token.name);
    if (renamed == names.end()) return;
    out.append(sql.substr(copied, token.begin - copied)).append(QuoteIdentifier(renamed->second));
    copied = token.end;
  });
  return out.append(sql.substr(copied));
}

std::string WithIndexRenamed(std::string_view sql, const std::string& index, const TableName& table) {
  const std::vector<Token> tokens = Tokens(sql);
  size_t name = 0;
  while (name < tokens.size() && !(tokens[name].keyword && tokens[name].Is("INDEX"))) ++name;
  ++name;
  size_t of = name + 2;  // Behind ON.
  if (of < tokens.size() && tokens[of].keyword && tokens[of].Is("ONLY")) ++of;
  if (of + 2 >= tokens.size()) return std::string(sql);
  std::string out(sql.substr(0, tokens[name].begin));
  out += QuoteIdentifier(index);
  out += sql.substr(tokens[name].end, tokens[of].begin - tokens[name].end);
  out += QuoteName(table);
  return out.append(sql.substr(tokens[of + 2].end));
}

bool IsPlainColumnList(std::string_view sql) {
  const size_t open = sql.find('(');
  if (open == std::string_view::npos || !sql.ends_with(')')) return false;
  const std::vector<Token> tokens = Tokens(sql.substr(open));
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool word = i % 2 == 1;
    if (word != (tokens[i].kind == TokenKind::kWord)) return false;
    if (!word && !(i == 0 ? tokens[i].Is("(") : i + 1 == tokens.size() ? tokens[i].Is(")") : tokens[i].Is(","))) return false;
  }
  return tokens.size() >= 3;
}

}  // namespace sluice::mapping

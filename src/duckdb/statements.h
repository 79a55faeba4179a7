#pragma once
// Takes text apart into SQL statements, as far as to know where each of them ends. DuckDB's quoting: '…', E'…' with backslashes,
// "…", $tag$…$tag$, -- to the end of the line, /* … */ nested.

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct SplitSql {
  std::vector<std::string> statements;  ///< Each without its semicolon, and with more in it than blanks and comments.
  std::string rest;                     ///< What no semicolon ends; empty where it is only blanks and comments.
};
SplitSql SplitStatements(std::string_view text);

/// What the statement begins with, in lower case: a word, or one character that is none. Empty: only blanks and comments.
std::string FirstWord(std::string_view statement);

/// What is called as a function: names before a parenthesis, in lower case, without what qualifies them.
std::vector<std::string> CalledNames(std::string_view statement);

/// What EXPLAIN or EXPLAIN ANALYZE is about; empty: it begins with something else.
std::string_view ExplainedStatement(std::string_view statement);

}  // namespace sluice

#include "duckdb/statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Statements, EndAtSemicolonsThatAreNotInsideOfSomething) {
  const SplitSql split = SplitStatements("SELECT 1; SELECT ';', \";\", $$;$$, $a$ $$;$a$ -- ;\n /* ; /* ; */ ; */ ; SELECT E'\\';' ;;\n -- the end\n;");
  EXPECT_THAT(split.statements, ElementsAre("SELECT 1", " SELECT ';', \";\", $$;$$, $a$ $$;$a$ -- ;\n /* ; /* ; */ ; */ ", " SELECT E'\\';' "));
  EXPECT_EQ(split.rest, "");
}

TEST(Statements, WhatIsNotEndedIsTheRest) {
  for (const char* const open : {"SELECT 1", "SELECT 'a;", "SELECT \"a;", "SELECT $$;", "SELECT 1 /* ;", "SELECT E'\\';", "SELECT 1 -- ;"}) {
    EXPECT_THAT(SplitStatements(open).statements, IsEmpty()) << open;
    EXPECT_EQ(SplitStatements(open).rest, open);
  }
  EXPECT_EQ(SplitStatements(" -- nothing\n /* at all */ ").rest, "");
}

TEST(Statements, DoubledQuotesAndParametersAreNoEnds) {
  EXPECT_THAT(SplitStatements("SELECT 'it''s;', \"a\"\";\", $1; SELECT a$b, 2").statements, ElementsAre("SELECT 'it''s;', \"a\"\";\", $1"));
}

TEST(Statements, AnyBytesAreTakenApart) {
  for (const char* const wild : {"", ";", "$", "$$", "'", "E'", "E'\\", "/*", "*/", "--", "\"", "$1$", "\xff;\x80"}) (void)SplitStatements(wild);
}

TEST(Statements, CallWhatStandsBeforeAParenthesis) {
  EXPECT_THAT(CalledNames("SELECT query, Count(*), 'x(' FROM system.main.\"Postgres_Query\" /* ( */ ('a') WHERE (a) IN (1)"), ElementsAre("count", "postgres_query", "where", "in"));
}

TEST(Statements, BeginWithTheirFirstWord) {
  EXPECT_EQ(FirstWord(" -- EXPORT\n /* COPY */ SeLect 1"), "select");
  EXPECT_EQ(FirstWord("(SELECT 1)"), "(");
  EXPECT_EQ(FirstWord(" -- nothing"), "");
}

TEST(Statements, ExplainIsAboutWhatFollowsIt) {
  EXPECT_EQ(ExplainedStatement("EXPLAIN SELECT 1"), "SELECT 1");
  EXPECT_EQ(ExplainedStatement(" /* x */ explain Analyze COPY t TO 'f'"), "COPY t TO 'f'");
  EXPECT_EQ(ExplainedStatement("EXPLAIN (ANALYZE, FORMAT json) COPY t TO 'f'"), "COPY t TO 'f'");
  EXPECT_EQ(ExplainedStatement("SELECT 1"), "");
  EXPECT_EQ(ExplainedStatement("EXPLAIN"), "");
}

}  // namespace
}  // namespace sluice

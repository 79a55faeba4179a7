#include "sink/mapping/sql_text.h"

#include <gtest/gtest.h>

namespace sluice::mapping {
namespace {

TEST(SqlText, FindsNamesButNotInStringsAndKeywords) {
  EXPECT_TRUE(MentionsAny("CHECK ((email ~ '@'::text))", {"email"}));
  EXPECT_TRUE(MentionsAny("UNIQUE (\"E mail\")", {"E mail"}));
  EXPECT_FALSE(MentionsAny("CHECK ((note <> 'email'::text))", {"email"}));
  EXPECT_FALSE(MentionsAny("CHECK ((note <> E'it\\'s email'::text))", {"email"}));
  EXPECT_FALSE(MentionsAny("CHECK (emails)", {"email"}));
}

TEST(SqlText, RenamesColumnsAndNothingElse) {
  const std::map<std::string, std::string> names{{"e_mail", "email"}, {"a", "B"}, {"zone", "area"}, {"lower", "upper"}, {"btree", "tree"}};
  EXPECT_EQ(WithColumnsRenamed("PRIMARY KEY (e_mail, a)", names), "PRIMARY KEY (\"email\", \"B\")");
  EXPECT_EQ(WithColumnsRenamed("(lower(e_mail) || 'e_mail'::text)", names), "(lower(\"email\") || 'e_mail'::text)");
  EXPECT_EQ(WithColumnsRenamed("((a)::timestamp(3) without time zone > zone)", names), "((\"B\")::timestamp(3) without time zone > \"area\")");
  EXPECT_EQ(WithColumnsRenamed("CREATE INDEX i ON p.t USING btree (a COLLATE \"C\")", names), "CREATE INDEX i ON p.t USING btree (\"B\" COLLATE \"C\")");
  EXPECT_EQ(WithColumnsRenamed("(x.a + other)", names), "(x.a + other)");
}

TEST(SqlText, RenamesAnIndexAndItsTable) {
  EXPECT_EQ(WithIndexRenamed("CREATE UNIQUE INDEX player_x ON public.player USING btree (id) WHERE (id > 0)", "players_x", {"crm", "players"}),
            "CREATE UNIQUE INDEX \"players_x\" ON \"crm\".\"players\" USING btree (id) WHERE (id > 0)");
  EXPECT_EQ(WithIndexRenamed("CREATE INDEX \"I\" ON ONLY public.\"T\" USING gin (a)", "J", {"n", "u"}), "CREATE INDEX \"J\" ON ONLY \"n\".\"u\" USING gin (a)");
}

TEST(SqlText, KnowsPlainColumnLists) {
  EXPECT_TRUE(IsPlainColumnList("PRIMARY KEY (a, \"b c\")"));
  EXPECT_TRUE(IsPlainColumnList("CREATE UNIQUE INDEX i ON n.t USING btree (a)"));
  EXPECT_FALSE(IsPlainColumnList("CREATE UNIQUE INDEX i ON n.t USING btree (lower(a))"));
  EXPECT_FALSE(IsPlainColumnList("CREATE UNIQUE INDEX i ON n.t USING btree (a int4_ops)"));
  EXPECT_FALSE(IsPlainColumnList("CREATE UNIQUE INDEX i ON n.t USING btree (a) WHERE (a > 0)"));
  EXPECT_FALSE(IsPlainColumnList("PRIMARY KEY (a) INCLUDE (b)"));
}

}  // namespace
}  // namespace sluice::mapping

#include <gtest/gtest.h>

#include "config/did_you_mean.h"
#include "config/partition.h"
#include "config/sort.h"
#include "config/printable.h"
#include "config/secrets.h"

namespace sluice {
namespace {

TEST(DidYouMean, CountsSwappedNeighboursAsOneEdit) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("freshnes", "freshness"), 1u);
  EXPECT_EQ(EditDistance("stauts", "status"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(DidYouMean, ProposesTheNearestWithinTwoEditsOnly) {
  const std::vector<std::string> words = {"status", "tables", "run", "to"};
  EXPECT_EQ(DidYouMean("stauts", words), "status");
  EXPECT_EQ(DidYouMean("tabel", words), "tables");
  EXPECT_FALSE(DidYouMean("verify", words).has_value());
  EXPECT_FALSE(DidYouMean("xy", words).has_value());
  EXPECT_FALSE(DidYouMean(std::string(100'000, 'x'), words).has_value());
}

TEST(Partition, ReadsEveryTransform) {
  EXPECT_EQ(ParsePartitionField("kind")->transform, "identity");
  EXPECT_EQ(ParsePartitionField("day(hit_at)")->column, "hit_at");
  EXPECT_EQ(ParsePartitionField(" bucket( 16 , facility_id ) ")->width, 16);
  EXPECT_EQ(ParsePartitionField("truncate(10, name)")->column, "name");
  EXPECT_EQ(ParsePartitionField("day(Weird (name))")->column, "Weird (name)");
}

TEST(Partition, RefusesWhatIsNoTransform) {
  for (const char* text : {"", "(", "day(", "day()", "week(a)", "bucket(a)", "bucket(0, a)", "bucket(-1, a)", "bucket(9999999999, a)", "bucket(16,)", "DAY(a)"})
    EXPECT_FALSE(ParsePartitionField(text).has_value()) << text;
}

TEST(Sort, ReadsColumnsAndTheirDirections) {
  const auto read = [](const char* text) {
    const auto field = ParseSortField(text);
    return field ? field->column + (field->ascending ? "|up" : "|down") + (field->nulls_first ? "|first" : "|last") : "nothing";
  };
  EXPECT_EQ(read("kind"), "kind|up|first");
  EXPECT_EQ(read(" hit_at  desc "), "hit_at|down|last");
  EXPECT_EQ(read("name asc nulls last"), "name|up|last");
  EXPECT_EQ(read("name desc nulls first"), "name|down|first");
  EXPECT_EQ(read("name nulls last"), "name|up|last");
  EXPECT_EQ(read("two words desc"), "two words|down|last");
  EXPECT_EQ(read("desc"), "desc|up|first");
  EXPECT_EQ(read("last desc asc"), "last desc|up|first");
  EXPECT_EQ(read("nulls last"), "nulls last|up|first");
  EXPECT_EQ(read("first"), "first|up|first");
  EXPECT_EQ(read("  "), "nothing");
  EXPECT_EQ(read(""), "nothing");
}

TEST(Printable, LeavesLettersAndEscapesEverythingThatDrivesATerminal) {
  EXPECT_EQ(Printable("Größe 表 ok"), "Größe 表 ok");
  EXPECT_EQ(Printable("a\nb\tc\x1b[2J\x7f"), "a\\nb\\tc\\x1b[2J\\x7f");
  EXPECT_EQ(Printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");              // C1: another way to write ESC [
  EXPECT_EQ(Printable("\xe2\x80\xae" "x"), "\\xe2\\x80\\xaex");  // Right-to-left override.
}

TEST(Secrets, FindsThePasswordOfEveryKindOfConnectionString) {
  const auto found = [](const std::string& dsn) {
    const auto span = FindPassword(dsn);
    return span ? dsn.substr(span->begin, span->size) : "";
  };
  EXPECT_EQ(found("postgres://u:pw@h:5432/d"), "pw");
  EXPECT_EQ(found("postgres://u:p@w@h/d"), "p@w");
  EXPECT_EQ(found("postgres://u@h:5432/d"), "");
  EXPECT_EQ(found("postgres://h:5432/d"), "");
  EXPECT_EQ(found("postgres://h/d?password=pw&x=1"), "pw");
  EXPECT_EQ(found("host=h password=pw dbname=d"), "pw");
  EXPECT_EQ(found("host=h password = 'p w\\'x' dbname=d"), "p w\\'x");
  EXPECT_EQ(found("host=h sslpassword=pw"), "pw");
  EXPECT_EQ(found("host=h passwordx=pw xpassword=pw"), "");
}

TEST(Secrets, BlanksEveryPasswordOfAText) {
  EXPECT_EQ(BlankPasswords("a postgres://u:pw@h b password=xy c"), "a postgres://u:**@h b password=** c");
  EXPECT_EQ(BlankPasswords("{ password: hunter2, prot: 1 }"), "{ password: *******, prot: 1 }");
  EXPECT_EQ(BlankPasswords("password: ${NAME}"), "password: ${NAME}");
  EXPECT_EQ(BlankPasswords("{ hash: { salt: pepper } }, secret_key: ab/+=, session_token: 'x y'"), "{ hash: { salt: ****** } }, secret_key: *****, session_token: '***'");
}

}  // namespace
}  // namespace sluice

#include "audit/reader_limits.h"

#include <gtest/gtest.h>

#include "audit/rules.h"

namespace sluice::audit {
namespace {

TableFacts Table(int64_t format, std::initializer_list<const char*> types) {
  TableFacts facts;
  facts.format_version = format;
  facts.current_schema_id = 0;
  int64_t id = 0;
  for (const char* const type : types) {
    ++id;
    facts.schemas[0][id] = {"c" + std::to_string(id), type, false, false};
  }
  return facts;
}

bool Refuses(Reader reader, const TableFacts& facts, const DeletesUsed& deletes = {}) {
  Findings findings;
  CheckReader(reader, facts, deletes, "file", findings);
  return findings.Has(kReaderRefuses);
}

TEST(ReaderLimits, TypesThatAReaderLacksAreRefused) {
  for (const char* const type : {"time", "uuid", "fixed[3]"}) EXPECT_TRUE(Refuses(Reader::kRedshift, Table(2, {"long", type}))) << type;
  for (const Reader spark : {Reader::kSpark, Reader::kDatabricks}) EXPECT_TRUE(Refuses(spark, Table(2, {"time"})));
  EXPECT_FALSE(Refuses(Reader::kSpark, Table(2, {"uuid"})));
  EXPECT_FALSE(Refuses(Reader::kDuckDb, Table(2, {"time", "uuid", "fixed[3]", "list"})));
  EXPECT_FALSE(Refuses(Reader::kRedshift, Table(2, {"list"})));
  EXPECT_TRUE(Refuses(Reader::kRedshift, Table(3, {"list"})));
}

TEST(ReaderLimits, FormatsAndDeletesThatAReaderLacksAreRefused) {
  EXPECT_TRUE(Refuses(Reader::kAthena, Table(3, {"long"})));
  EXPECT_FALSE(Refuses(Reader::kAthena, Table(2, {"long"})));
  const DeletesUsed equality{.position = false, .vectors = false, .equality = true}, vectors{.position = false, .vectors = true, .equality = false};
  EXPECT_TRUE(Refuses(Reader::kPyIceberg, Table(2, {"long"}), equality));
  EXPECT_TRUE(Refuses(Reader::kClickHouse, Table(3, {"long"}), vectors));
  EXPECT_FALSE(Refuses(Reader::kDuckDb, Table(3, {"long"}), vectors));
  EXPECT_TRUE(Refuses(Reader::kDuckDb, Table(3, {"long"}), {.vectors = true, .shared_vector_files = true}));
  EXPECT_FALSE(Refuses(Reader::kTrino, Table(3, {"long"}), vectors));
}

TEST(ReaderLimits, EveryNameIsKnown) {
  EXPECT_EQ(ParseReader("athena"), Reader::kAthena);
  EXPECT_EQ(ParseReader("clickhouse"), Reader::kClickHouse);
  EXPECT_EQ(ParseReader("databricks"), Reader::kDatabricks);
  EXPECT_EQ(ParseReader("excel"), std::nullopt);
  EXPECT_EQ(NameOf(Reader::kPyIceberg), "pyiceberg");
}

}  // namespace
}  // namespace sluice::audit

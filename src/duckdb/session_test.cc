#include "duckdb/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "duckdb/lake_statements.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Session : public ::testing::Test {
 protected:
  Session() : folder_(std::filesystem::temp_directory_path() / ("sluice-session-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_ / "lake");
    std::filesystem::create_directories(folder_ / "lake-beside");
    auto opened = DuckDbSession::Open({});
    EXPECT_TRUE(opened.ok()) << opened.error().message << opened.error().evidence;
    session_ = std::move(*opened);
  }
  ~Session() override { std::filesystem::remove_all(folder_); }

  void Lock() {
    for (const std::string& statement : LockStatements((folder_ / "lake").string())) ASSERT_TRUE(session_->Prepare(statement).ok()) << statement;
  }
  Result<std::string> Ask(const std::string& statement, ResultFormat format = ResultFormat::kTabs) {
    std::string out;
    const auto writer = MakeResultWriter(format, [&](std::string_view text) { out += text; });
    const auto done = session_->Run(statement, *writer);
    if (!done.ok()) return done.error();
    return out;
  }
  std::string Json(const std::string& values) {
    const auto written = Ask("SELECT " + values, ResultFormat::kJson);
    return written.ok() ? *written : written.error().message;
  }

  const std::filesystem::path folder_;
  std::unique_ptr<DuckDbSession> session_;
};

TEST_F(Session, ValuesOfEveryTypeArePrinted) {
  EXPECT_EQ(Json("true AS b, (-128)::TINYINT AS i1, 18446744073709551615::UBIGINT AS u8, (-170141183460469231731687303715884105728)::HUGEINT AS h, 1.50::DECIMAL(9,2) AS d, (-0.05)::DECIMAL(38,2) AS dd, NULL AS n"),
            "[\n{\"b\":true,\"i1\":-128,\"u8\":18446744073709551615,\"h\":-170141183460469231731687303715884105728,\"d\":1.50,\"dd\":-0.05,\"n\":null}\n]\n");
  EXPECT_EQ(Json("'nan'::DOUBLE AS a, '-inf'::FLOAT AS b, 0.1::DOUBLE AS c, 1e300::DOUBLE AS d"), "[\n{\"a\":\"NaN\",\"b\":\"-Infinity\",\"c\":0.1,\"d\":1e+300}\n]\n");
  EXPECT_EQ(Json("DATE '2024-02-29' AS a, DATE '0044-03-15 (BC)' AS b, 'infinity'::DATE AS c, TIMESTAMP '1969-12-31 23:59:59.5' AS d, TIMESTAMPTZ '2024-03-31 01:30:00+01' AS e, TIME '12:00:00.000001' AS f, "
                 "TIMETZ '12:00:00+05:30' AS g, INTERVAL '14 months -3 days 01:00:00.5' AS h, TIMESTAMP_S '2000-01-01 00:00:00' AS i"),
            "[\n{\"a\":\"2024-02-29\",\"b\":\"0044-03-15 BC\",\"c\":\"infinity\",\"d\":\"1969-12-31 23:59:59.5\",\"e\":\"2024-03-31 00:30:00+00\",\"f\":\"12:00:00.000001\",\"g\":\"12:00:00+05:30\","
            "\"h\":\"P1Y2M-3DT1H0.5S\",\"i\":\"2000-01-01 00:00:00\"}\n]\n");
  EXPECT_EQ(Json("'\\x00\\xFF'::BLOB AS a, '61626364-6566-4768-896a-6b6c6d6e6f70'::UUID AS b, 'x\"y' AS c, 'b'::ENUM('a', 'b') AS d"),
            "[\n{\"a\":\"\\\\x00ff\",\"b\":\"61626364-6566-4768-896a-6b6c6d6e6f70\",\"c\":\"x\\\"y\",\"d\":\"b\"}\n]\n");
  EXPECT_EQ(Json("[1, NULL] AS l, {'a': 1, 'b': [DATE '2024-01-01']} AS s, MAP {1: 'x', 2: NULL} AS m, [1.5, 2.5]::DOUBLE[2] AS r, [['a'::ENUM('a')]] AS e"),
            "[\n{\"l\":[1,null],\"s\":{\"a\":1,\"b\":[\"2024-01-01\"]},\"m\":{\"1\":\"x\",\"2\":null},\"r\":[1.5,2.5],\"e\":[[\"a\"]]}\n]\n");
  EXPECT_THAT(Ask("SELECT '101'::BIT").error().fix, ::testing::ElementsAre(HasSubstr("cast it")));
}

TEST_F(Session, ManyRowsComeInOrder) {
  const auto rows = Ask("SELECT range AS n FROM range(10000) ORDER BY n DESC");
  ASSERT_TRUE(rows.ok());
  EXPECT_THAT(*rows, ::testing::StartsWith("n\n9999\n9998\n"));
  EXPECT_EQ(std::count(rows->begin(), rows->end(), '\n'), 10001);
}

TEST_F(Session, OnlyWhatReadsOrChangesMemoryIsRun) {
  Lock();
  for (const char* const good : {"CREATE TABLE t AS SELECT 1 AS n", "INSERT INTO t VALUES (2)", "UPDATE t SET n = 3", "FROM t", "WITH a AS (SELECT 1) SELECT * FROM a", "DESCRIBE t", "SHOW TABLES", "SUMMARIZE t",
                                 "PIVOT t ON n USING count(*)", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE FROM t", "BEGIN", "COMMIT", "SET VARIABLE v = 1", "CREATE MACRO twice(a) AS 2 * a", "DROP TABLE t"})
    EXPECT_TRUE(Ask(good).ok()) << good << ": " << Ask(good).error().message;
  const std::string into = (folder_ / "lake" / "new").string();
  for (const std::string& bad : {"COPY (SELECT 1) TO '" + into + "'", "EXPLAIN ANALYZE COPY (SELECT 1) TO '" + into + "'", "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '" + into + "'",
                                 "EXPLAIN EXPORT DATABASE '" + into + "'", "EXPLAIN ANALYZE SELECT 1; EXPLAIN ANALYZE COPY (SELECT 1) TO '" + into + "'", "PREPARE p AS COPY (SELECT 1) TO '" + into + "'", "EXPORT DATABASE '" + into + "'",
                                 std::string("FROM query('SELECT 1')"), std::string("FROM system.main.\"QUERY\" ('SELECT 1')"), std::string("FROM postgres_scan('host=h', 'public', 't')"),
                                 "FROM enable_logging(storage = 'file', storage_path = '" + into + "')", std::string("FROM arrow_scan(1::UBIGINT, 1::UBIGINT, 1::UBIGINT)"),
                                 "ATTACH '" + into + "' AS x", std::string("LOAD httpfs"), std::string("INSTALL httpfs"), std::string("CALL pragma_version()"), std::string("VACUUM"), std::string("CHECKPOINT")}) {
    EXPECT_FALSE(Ask(bad).ok()) << bad;
    EXPECT_FALSE(std::filesystem::exists(into)) << bad;
  }
  EXPECT_EQ(Ask("COPY (SELECT 1) TO '" + into + "'").error().code, slu::kSqlRefused);
}

TEST_F(Session, NothingOutsideOfTheLakeIsReachedAndNoSettingChanged) {
  std::ofstream(folder_ / "lake" / "inside.csv") << "n\n1\n";
  std::ofstream(folder_ / "lake-beside" / "outside.csv") << "n\n1\n";
  Lock();
  EXPECT_TRUE(Ask("FROM read_csv('" + (folder_ / "lake/inside.csv").string() + "')").ok());
  for (const std::string& bad : {"FROM read_csv('" + (folder_ / "lake-beside/outside.csv").string() + "')", "FROM read_csv('" + (folder_ / "lake/../lake-beside/outside.csv").string() + "')",
                                 std::string("FROM read_text('/etc/hostname')"), std::string("FROM glob('/etc/*')"), std::string("FROM read_csv('https://127.0.0.1/x')"),
                                 std::string("SET enable_external_access = true"), std::string("SET memory_limit = '100GB'"), std::string("SET allow_unredacted_secrets = true"), std::string("RESET memory_limit")})
    EXPECT_FALSE(Ask(bad).ok()) << bad;
}

TEST_F(Session, SecretsAreInNoErrorAndNoListOfThem) {
  session_->KeepSecret("pass'word");
  ASSERT_TRUE(session_->LoadExtension("httpfs").ok());
  ASSERT_TRUE(session_->Prepare(StoreSecretStatement("s3://b/w", {}, {"AKEY", "pass'word", "token", "eu"})).ok());
  Lock();
  const auto listed = Ask("FROM duckdb_secrets()");
  ASSERT_TRUE(listed.ok());
  EXPECT_THAT(*listed, HasSubstr("redacted"));
  EXPECT_THAT(*listed, Not(HasSubstr("pass'word")));
  EXPECT_THAT(*listed, Not(HasSubstr("token;")));
  EXPECT_FALSE(Ask("FROM duckdb_secrets(redact = false)").ok());
  const Error error = Ask("SELECT \"pass'word\"").error();
  EXPECT_THAT(error.message + error.evidence, Not(HasSubstr("pass'word")));
}

TEST_F(Session, AQueryThatIsInterruptedIsCancelledAndTheNextOneRuns) {
  std::jthread later([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {  // Again and again: whether it has begun nobody tells.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      session_->Interrupt();
    }
  });
  const auto asked = Ask("SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE hash(a.range) = hash(b.range + 1)");
  later.request_stop();
  later.join();
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(Ask("SELECT 1").error().kind, ErrorKind::kCancelled);
  session_->Resume();
  EXPECT_TRUE(Ask("SELECT 1").ok());
}

TEST(SessionMemory, WhatDoesNotFitGoesToAFolderThatIsRemoved) {
  const auto folder = std::filesystem::temp_directory_path() / ("sluice-spill-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  setenv("TMPDIR", folder.c_str(), 1);
  auto opened = DuckDbSession::Open({.memory_bytes_max = 64 << 20});
  unsetenv("TMPDIR");
  ASSERT_TRUE(opened.ok());
  EXPECT_FALSE(std::filesystem::is_empty(folder));
  for (const std::string& statement : LockStatements("/nowhere")) ASSERT_TRUE((*opened)->Prepare(statement).ok());
  std::string out;
  const auto writer = MakeResultWriter(ResultFormat::kTabs, [&](std::string_view text) { out += text; });
  const auto sorted = (*opened)->Run("SELECT sum(n) FROM (SELECT md5(range::VARCHAR) AS h, range AS n FROM range(2000000) ORDER BY h OFFSET 1)", *writer);
  EXPECT_TRUE(sorted.ok()) << sorted.error().message;
  opened->reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}

TEST_F(Session, BadSqlIsSaidInDuckDbsWordsWithTheirPlace) {
  const Error error = Ask("SELECT nothing FROM nowhere").error();
  EXPECT_EQ(error.code, slu::kSqlFailed);
  EXPECT_THAT(error.message, HasSubstr("nowhere"));
  EXPECT_THAT(error.evidence, HasSubstr("^"));
  EXPECT_FALSE(Ask("SELECT (").ok());
}

}  // namespace
}  // namespace sluice

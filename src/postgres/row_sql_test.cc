#include "postgres/row_sql.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "change/row_text.h"
#include "change/server_hash.h"
#include "postgres/quote.h"
#include "postgres/row_reader.h"
#include "pg_test_server.h"

namespace sluice {
namespace {

TypePtr Named(const std::string& name) {
  auto type = std::make_shared<Type>();
  type->name_space = "pg_catalog";
  type->name = name;
  return type;
}

TableSchema Schema(std::vector<size_t> key) {
  TableSchema schema;
  schema.name = {"public", "t"};
  schema.columns = {{"id", 1, Named("int8"), -1, true}, {"it's \"v\"", 2, Named("text"), -1, false}};
  schema.key = std::move(key);
  return schema;
}

RowForm Form(const TableSchema& schema) {
  RowForm form;
  form.columns.resize(schema.columns.size());
  form.identity = schema.key;
  return form;
}

class RowSql : public ::testing::Test {
 protected:
  RowSql() : connection(std::move(*PgConnection::Connect(testing::PgTestServer::Shared().NewDatabase()))) {
    Run("CREATE TABLE public.t (id int8, \"it's \"\"v\"\"\" text)");
  }
  void Run(const std::string& sql) {
    const auto done = connection.Execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().evidence;
  }
  PgConnection connection;
  const RowSource rows{"public.t", ""};
};

TEST_F(RowSql, HashesAsTheServerDoesWhateverTheLength) {
  std::string text;
  for (int size = 0; size < 70; ++size) {
    for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{0xFEDCBA9876543210}}) {
      const auto theirs = connection.QueryValue(fmt::format("SELECT hashtextextended({} COLLATE \"C\", {})", QuoteLiteral(text), static_cast<int64_t>(seed)));
      ASSERT_TRUE(theirs.ok()) << theirs.error().evidence;
      EXPECT_EQ(*theirs, std::to_string(static_cast<int64_t>(ServerHash(text, seed)))) << size;
    }
    text.push_back(static_cast<char>('!' + size));
  }
  const auto same = connection.QueryValue(SameHashSql());
  ASSERT_TRUE(same.ok()) << same.error().evidence;
  EXPECT_EQ(*same, "t");
}

TEST_F(RowSql, SumsWhatOurOwnTextAndHashGive) {
  Run("INSERT INTO public.t VALUES (1, 'a b'), (2, NULL), (3, ''), (-4, 'q\"\\(,)'), (5, 'plain')");
  const TableSchema schema = Schema({0});
  BucketSums sums;
  ASSERT_TRUE(SumRows(connection, SumSql(schema, Form(schema), rows, {.bits = 2, .within_bits = 0, .within = {}}), {}, sums).ok());
  BucketSums expected;
  const std::pair<std::string_view, std::optional<std::string_view>> all[] = {{"1", "a b"}, {"2", {}}, {"3", ""}, {"-4", "q\"\\(,)"}, {"5", "plain"}};
  for (const auto& [id, value] : all) {
    RowText key, row;
    key.Add(id);
    row.Add(id);
    row.Add(value);
    const std::string_view text = row.Finish();
    BucketSum& sum = expected[ServerHash(key.Finish(), kBucketSeed) & 3];
    sum.Add({1, {static_cast<int64_t>(ServerHash(text, 1)), static_cast<int64_t>(ServerHash(text, 2))}});
  }
  EXPECT_EQ(sums, expected);
}

TEST_F(RowSql, ValuesSwappedBetweenRowsChangeTheSum) {
  Run("INSERT INTO public.t SELECT i, 'v' || i FROM generate_series(1, 100) i");
  const TableSchema schema = Schema({0});
  BucketSums before, after;
  ASSERT_TRUE(SumRows(connection, SumSql(schema, Form(schema), rows, {}), {}, before).ok());
  Run("UPDATE public.t SET \"it's \"\"v\"\"\" = CASE id WHEN 1 THEN 'v2' ELSE 'v1' END WHERE id IN (1, 2)");
  ASSERT_TRUE(SumRows(connection, SumSql(schema, Form(schema), rows, {}), {}, after).ok());
  EXPECT_EQ(before[0].rows, after[0].rows);
  EXPECT_NE(before, after);
}

TEST_F(RowSql, FetchesOneBucketOnly) {
  Run("INSERT INTO public.t SELECT i, 'v' || i FROM generate_series(1, 1000) i");
  const TableSchema schema = Schema({0});
  const RowForm form = Form(schema);
  BucketSums sums, within;
  ASSERT_TRUE(SumRows(connection, SumSql(schema, form, rows, {.bits = 4, .within_bits = 0, .within = {}}), {}, sums).ok());
  ASSERT_EQ(sums.size(), 16u);
  std::vector<FetchedRow> fetched;
  ASSERT_TRUE(FetchRows(connection, FetchSql(schema, form, rows, {.bits = 0, .within_bits = 4, .within = {3}}, 1000), form, {}, fetched).ok());
  EXPECT_EQ(fetched.size(), sums[3].rows);
  ASSERT_TRUE(SumRows(connection, SumSql(schema, form, rows, {.bits = 6, .within_bits = 4, .within = {3, 5}}), {}, within).ok());
  BucketSum three;
  for (const auto& [bucket, sum] : within) {
    EXPECT_TRUE((bucket & 15) == 3 || (bucket & 15) == 5);
    if ((bucket & 15) == 3) three.Add(sum);
  }
  EXPECT_EQ(three, sums[3]);
}

TEST_F(RowSql, FetchesRowsByTheTextOfTheirKeys) {
  Run("INSERT INTO public.t SELECT i, 'v' || i FROM generate_series(1, 10) i");
  Run("BEGIN");
  const TableSchema schema = Schema({0, 1});
  std::vector<std::optional<FetchedRow>> found;
  const Status fetched = FetchKeys(connection, schema, Form(schema), {{"7", "v7"}, {"7", "v8"}, {"10", "v10"}}, {}, found);
  ASSERT_TRUE(fetched.ok()) << fetched.error().evidence;
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0]->columns[1], "v7");
  EXPECT_FALSE(found[1].has_value());
  EXPECT_EQ(found[2]->columns[0], "10");
}

TEST_F(RowSql, WithoutAKeyEqualRowsComeOnceWithTheirNumber) {
  Run("INSERT INTO public.t SELECT 1, 'same' FROM generate_series(1, 500)");
  const TableSchema schema = Schema({});
  std::vector<FetchedRow> fetched;
  ASSERT_TRUE(FetchRows(connection, FetchSql(schema, Form(schema), rows, {}, 10), Form(schema), {}, fetched).ok());
  ASSERT_EQ(fetched.size(), 1u);
  EXPECT_EQ(fetched[0].copies, 500u);
  EXPECT_EQ(fetched[0].columns[0], "(1,same)");
}

TEST_F(RowSql, ARequestToStopEndsAStatement) {
  std::stop_source stop;
  stop.request_stop();
  const auto ended = ExecuteUntilStopped(connection, "SELECT count(*) FROM generate_series(1, 1000000000000)", stop.get_token());
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace sluice

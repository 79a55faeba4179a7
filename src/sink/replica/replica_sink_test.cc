#include "sink/replica/replica_sink.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "base/failpoint.h"
#include "observability/errors/replica_codes.h"
#include "pg_test_server.h"
#include "sink/replica/test_source.h"

namespace sluice {
namespace {

using testing::BatchBuilder;
using testing::KeyOnly;
using testing::TestSource;
using testing::Tuple;
using testing::WithUnchanged;

constexpr Lsn kCopyLsn{1000};

template <class R>
auto Must(R result) {
  if (!result.ok()) throw std::runtime_error(result.error().message + " " + result.error().evidence);
  return std::move(result).value();
}
void MustBeOk(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().message + " " + status.error().evidence);
}

class ReplicaSinkTest : public ::testing::Test {
 protected:
  LogIdentity Log() const { return {12345, 1, "source", "sluice"}; }
  Position At(uint64_t lsn) const { return {Log(), Lsn{lsn}}; }

  std::unique_ptr<Sink> Open() {
    ReplicaConfig config;
    config.dsn = replica_dsn_;
    return Must(ReplicaSink::Open(config, Log()));
  }

  /// Copies what is in the source now.
  void Copy(Sink& sink, const std::vector<TableDefinition>& tables) {
    MustBeOk(sink.KeepCopies({}));
    MustBeOk(sink.PrepareTables(tables, {At(kCopyLsn.value), {}}));
    for (const TableDefinition& table : tables) {
      auto writer = Must(sink.OpenCopyWriter(table, BlockRange{}));
      source_.CopyTo(table, *writer);
      MustBeOk(writer->Finish());
    }
    MustBeOk(sink.FinishTables(tables, At(kCopyLsn.value), Timestamp{}));
  }

  Status Apply(Sink& sink, const ChangeBatchPtr& batch) {
    RETURN_IF_ERROR(sink.Write(batch));
    return sink.Commit({Log(), batch->end_lsn}, Timestamp{std::chrono::seconds(1)});
  }

  /// By checksum, and as the server prints the values.
  void ExpectEqual(Sink& sink, const TableDefinition& table) {
    auto view = Must(sink.View());
    auto expected = Must(view->Expect(table));
    source_.CopyTo(table, *expected);
    const TableDigest found = Must(view->Digest(table));
    EXPECT_EQ(found.rows, expected->digest().rows);
    EXPECT_EQ(found, expected->digest());
    std::string columns;
    for (const Column& column : table.schema->columns) columns += (columns.empty() ? "\"" : ", \"") + column.name + "\"";
    const std::string sql = "SELECT coalesce(string_agg(x, E'\\n' ORDER BY x COLLATE \"C\"), '') FROM (SELECT ROW(" + columns +
                            ")::text x FROM " + Shown(table) + ") t";
    EXPECT_EQ(replica_.Value(sql), source_.Value(sql));
  }
  static std::string Shown(const TableDefinition& table) {
    return "\"" + table.schema->name.name_space + "\".\"" + table.schema->name.name + "\"";
  }

  std::string source_dsn_ = testing::PgTestServer::Shared().NewDatabase();
  std::string replica_dsn_ = testing::PgTestServer::Shared().NewDatabase();
  TestSource source_{source_dsn_};
  TestSource replica_{replica_dsn_};
};

TEST_F(ReplicaSinkTest, ANewReplicaHasNoBookmarkAndAfterACopyTheCopysPosition) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, name text)");
  source_.Run("INSERT INTO public.t SELECT i, 'row ' || i FROM generate_series(1, 1000) i");
  const TableDefinition table = source_.Describe("public", "t");
  {
    auto sink = Open();
    EXPECT_FALSE(sink->bookmark());
    EXPECT_TRUE(sink->copied_tables().empty());
    Copy(*sink, {table});
    ASSERT_TRUE(sink->bookmark());
    EXPECT_EQ(sink->bookmark()->position, At(1000));
    ExpectEqual(*sink, table);
  }
  auto again = Open();
  ASSERT_TRUE(again->bookmark());
  EXPECT_EQ(again->bookmark()->position, At(1000));
  EXPECT_EQ(again->copied_tables().at({"public", "t"}).copy_lsn, kCopyLsn);
}

TEST_F(ReplicaSinkTest, InsertsUpdatesDeletesAndKeyChangesArriveInOneCommit) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, name text)");
  source_.Run("INSERT INTO public.t VALUES (1, 'one'), (2, 'two'), (3, 'three')");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  const Tuple one = source_.Row(table, "id = 1");
  const Tuple two = source_.Row(table, "id = 2");
  source_.Run("DELETE FROM public.t WHERE id = 1; UPDATE public.t SET id = 20 WHERE id = 2;"
              "UPDATE public.t SET name = 'drei' WHERE id = 3; INSERT INTO public.t VALUES (4, NULL)");
  const ChangeBatchPtr batch = BatchBuilder()
                                   .Begin(Lsn{2000})
                                   .Delete(table.schema, OldTuple::kKey, KeyOnly(table, one))
                                   .Update(table.schema, OldTuple::kKey, KeyOnly(table, two), source_.Row(table, "id = 20"))
                                   .Update(table.schema, OldTuple::kNone, {}, source_.Row(table, "id = 3"))
                                   .Insert(table.schema, source_.Row(table, "id = 4"))
                                   .Build();
  MustBeOk(Apply(*sink, batch));
  ExpectEqual(*sink, table);
  EXPECT_EQ(sink->bookmark()->position, At(2008));
  EXPECT_EQ(replica_.Value("SELECT lsn FROM sluice.bookmark"), "0/7D8");
}

TEST_F(ReplicaSinkTest, KeysRotateWithoutCollidingOnTheWay) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY DEFERRABLE, name text, blob text);"
              "ALTER TABLE public.t REPLICA IDENTITY FULL;"
              "INSERT INTO public.t VALUES (1, 'a', 'A'), (2, 'b', 'B'), (3, 'c', 'C')");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  const Tuple a = source_.Row(table, "id = 1");
  const Tuple b = source_.Row(table, "id = 2");
  const Tuple c = source_.Row(table, "id = 3");
  source_.Run("UPDATE public.t SET id = id % 3 + 1");
  BatchBuilder builder;
  builder.Begin(Lsn{2000});
  builder.Update(table.schema, OldTuple::kFull, a, WithUnchanged(source_.Row(table, "id = 2"), 2));
  builder.Update(table.schema, OldTuple::kFull, b, source_.Row(table, "id = 3"));
  builder.Update(table.schema, OldTuple::kFull, c, source_.Row(table, "id = 1"));
  MustBeOk(Apply(*sink, builder.Build()));
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, AUniqueValueThatWandersFromRowToRowIsReplacedNotRefused) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, u int UNIQUE, big text);"
              "INSERT INTO public.t SELECT i, i, repeat('x', i) FROM generate_series(1, 5) i");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  // 1 and 2 swap their unique values by way of a third; their big values are not sent.
  source_.Run("UPDATE public.t SET u = 99 WHERE id = 1; UPDATE public.t SET u = 1 WHERE id = 2; UPDATE public.t SET u = 2 WHERE id = 1");
  BatchBuilder builder;
  builder.Begin(Lsn{2000});
  builder.Update(table.schema, OldTuple::kNone, {}, WithUnchanged(source_.Row(table, "id = 2"), 2));
  builder.Update(table.schema, OldTuple::kNone, {}, WithUnchanged(source_.Row(table, "id = 1"), 2));
  MustBeOk(Apply(*sink, builder.Build()));
  ExpectEqual(*sink, table);
  // And the sink goes on afterwards.
  source_.Run("UPDATE public.t SET u = 50 WHERE id = 5");
  MustBeOk(Apply(*sink, BatchBuilder().Begin(Lsn{3000}).Update(table.schema, OldTuple::kNone, {}, source_.Row(table, "id = 5")).Build()));
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, AnUnchangedLargeValueIsKeptInEveryWayOfApplying) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, n int, big text);"
              "INSERT INTO public.t SELECT i, i, repeat('x', 10 + i) FROM generate_series(1, 1000) i");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  uint64_t lsn = 2000;
  for (const int rows : {1, 50, 900}) {
    source_.Run("UPDATE public.t SET n = n + 1000 WHERE id <= " + std::to_string(rows));
    BatchBuilder builder;
    builder.Begin(Lsn{lsn += 100});
    for (const Tuple& row : source_.Rows(table, "id <= " + std::to_string(rows)))
      builder.Update(table.schema, OldTuple::kNone, {}, WithUnchanged(row, 2));
    MustBeOk(Apply(*sink, builder.Build()));
    ExpectEqual(*sink, table);
  }
}

TEST_F(ReplicaSinkTest, TruncateKeepsItsPlaceAmongTheChanges) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 9)");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  const Tuple one = source_.Row(table, "id = 1");
  source_.Run("TRUNCATE public.t; INSERT INTO public.t VALUES (7)");
  const Tuple seven = source_.Row(table, "id = 7");
  MustBeOk(Apply(*sink, BatchBuilder().Begin(Lsn{2000}).Delete(table.schema, OldTuple::kKey, one).Truncate(table.schema).Insert(table.schema, seven).Build()));
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, OneOfTwoEqualRowsGoesWhereNothingButTheWholeRowIdentifies) {
  source_.Run("CREATE TABLE public.t (a int, b json, c numeric); ALTER TABLE public.t REPLICA IDENTITY FULL;"
              "INSERT INTO public.t VALUES (1, '{\"x\": 1}', 1.0), (1, '{\"x\": 1}', 1.0), (1, '{\"x\": 1}', 1.00), (2, NULL, NULL)");
  const TableDefinition table = source_.Describe("public", "t");
  ASSERT_FALSE(table.schema->has_key());
  auto sink = Open();
  Copy(*sink, {table});
  const Tuple equal = source_.Rows(table, "c::text = '1.0'").front();
  const Tuple nulls = source_.Row(table, "a = 2");
  source_.Run("DELETE FROM public.t WHERE ctid = (SELECT ctid FROM public.t WHERE c::text = '1.0' LIMIT 1); UPDATE public.t SET c = 5 WHERE a = 2");
  MustBeOk(Apply(*sink, BatchBuilder().Begin(Lsn{2000}).Delete(table.schema, OldTuple::kFull, equal)
                            .Update(table.schema, OldTuple::kFull, nulls, source_.Row(table, "a = 2")).Build()));
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, ATransactionInPartsIsInvisibleUntilItsLastPart) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, filler text)");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  source_.Run("INSERT INTO public.t SELECT i, repeat('y', 2000) FROM generate_series(1, 20000) i");
  const std::vector<Tuple> rows = source_.Rows(table);
  size_t held_max = 0;
  size_t at = 0;
  for (int part = 0; part < 10; ++part) {
    BatchBuilder builder;
    builder.Begin(Lsn{2000});
    for (const size_t end = at + 2000; at < end; ++at) builder.Insert(table.schema, rows[at]);
    const ChangeBatchPtr batch = builder.Build(/*ends_here=*/part == 9);
    MustBeOk(sink->Write(batch));
    held_max = std::max(held_max, sink->uncommitted_bytes());
    EXPECT_EQ(replica_.Value("SELECT count(*) FROM public.t"), "0");
  }
  EXPECT_LT(held_max, 24u << 20);
  MustBeOk(sink->Commit(At(2008), Timestamp{}));
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, TransactionsBeforeTheBookmarkOrTheCopyAreSkipped) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1)");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  const Tuple one = source_.Row(table, "id = 1");
  MustBeOk(Apply(*sink, BatchBuilder().Begin(Lsn{999}).Insert(table.schema, one).Build()));  // In the snapshot.
  source_.Run("INSERT INTO public.t VALUES (2)");
  const ChangeBatchPtr batch = BatchBuilder().Begin(Lsn{2000}).Insert(table.schema, source_.Row(table, "id = 2")).Build();
  MustBeOk(Apply(*sink, batch));
  MustBeOk(Apply(*sink, batch));  // Sent again.
  sink.reset();
  sink = Open();
  MustBeOk(Apply(*sink, batch));  // Sent again after a restart.
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, AnOlderProcessCannotCommitAnyMore) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY)");
  const TableDefinition table = source_.Describe("public", "t");
  auto old_process = Open();
  Copy(*old_process, {table});
  auto new_process = Open();
  source_.Run("INSERT INTO public.t VALUES (1)");
  const ChangeBatchPtr batch = BatchBuilder().Begin(Lsn{2000}).Insert(table.schema, source_.Row(table, "id = 1")).Build();
  const Status refused = Apply(*old_process, batch);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(replica_.Value("SELECT count(*) FROM public.t"), "0");
  MustBeOk(Apply(*new_process, batch));
  ExpectEqual(*new_process, table);
}

TEST_F(ReplicaSinkTest, ARowThatIsNotThereStopsTheCommitWhateverItsSize) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, n int); INSERT INTO public.t SELECT i, i FROM generate_series(1, 1000) i");
  const TableDefinition table = source_.Describe("public", "t");
  Copy(*Open(), {table});
  replica_.Run("DELETE FROM public.t WHERE id = 1");
  for (const int rows : {1, 150, 1000}) {
    auto sink = Open();
    BatchBuilder updates;
    BatchBuilder deletes;
    updates.Begin(Lsn{2000});
    deletes.Begin(Lsn{2000});
    for (const Tuple& row : source_.Rows(table, "id <= " + std::to_string(rows))) {
      updates.Update(table.schema, OldTuple::kNone, {}, row);
      deletes.Delete(table.schema, OldTuple::kKey, KeyOnly(table, row));
    }
    Status refused = Apply(*sink, updates.Build());
    ASSERT_FALSE(refused.ok()) << rows;
    EXPECT_EQ(refused.error().code, slu::kReplicaRowMissing) << refused.error().message;
    sink = Open();
    refused = Apply(*sink, deletes.Build());
    ASSERT_FALSE(refused.ok()) << rows;
    EXPECT_EQ(refused.error().code, slu::kReplicaRowMissing) << refused.error().message;
    EXPECT_EQ(replica_.Value("SELECT count(*) FROM public.t"), "999");
  }
}

TEST_F(ReplicaSinkTest, EveryKindOfTypeIsExactByCopyAndByStream) {
  source_.Run(R"(
    CREATE EXTENSION hstore SCHEMA public; CREATE EXTENSION citext SCHEMA public; CREATE SCHEMA app; SET search_path = public;
    CREATE TYPE app.mood AS ENUM ('sad', 'so "so"', 'happy');
    CREATE DOMAIN app.positive AS numeric(12,3) CHECK (value > 0);
    CREATE TYPE app.point3 AS (x int, m app.mood, ms app.mood[], "wéird ""name" text);
    CREATE TYPE app.span AS RANGE (subtype = float8);
    CREATE TYPE app.moods AS RANGE (subtype = app.mood);
    CREATE DOMAIN app.mood_list AS app.mood[];
    CREATE TABLE public.shift (pad_to_move_oids int);
    CREATE TABLE app.t (
      id bigint PRIMARY KEY, b bool, i2 int2, f4 float4, f8 float8, n numeric, n2 numeric(20,4), m money, t text, vc varchar(20), c char(5),
      nm name, by bytea, d date, ti time, titz timetz, ts timestamp, tstz timestamptz(3), iv interval, u uuid, j json, jb jsonb, x xml,
      ine inet, ci cidr, ma macaddr, ma8 macaddr8, bi bit(5), vb bit varying(9), pt point, ln line, ls lseg, bx box, pa path, po polygon,
      cr circle, tsv tsvector, tsq tsquery, l pg_lsn, sn pg_snapshot, o oid, ia int[], ta text[], i4r int4range, nr numrange, tsr tstzrange,
      i4m int4multirange, jp jsonpath, md app.mood, mda app.mood[], pos app.positive, p3 app.point3, p3a app.point3[], sp app.span, spm app.span_multirange,
      mr app.moods, mrm app.moods_multirange, ml app.mood_list, hs hstore, ct citext, hsa hstore[], rc regclass, acl aclitem,
      gen int GENERATED ALWAYS AS (i2 * 2) STORED))");
  source_.Run(R"(INSERT INTO app.t VALUES (1, true, -3, 'NaN', '-Infinity', 'NaN', 12.3400, '12.50', E'a\tb', 'v', 'c', 'nm', '\x00ff', 'infinity', '24:00:00',
      '10:00+02', '0044-03-15 00:00:00 BC', '2020-01-01 00:00:00.123+00', '1 mon -2 days 03:04:05.6', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      '{"a" : 1e400}', '{"a": 1.50}', '<a>b</a>', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '10101', '1', '(1,2)', '{1,2,3}',
      '[(0,0),(1,1)]', '(1,1),(0,0)', '((0,0),(1,1))', '((0,0),(1,1),(2,0))', '<(0,0),1>', 'a:1 b', 'a & b', '1/2', '10:20:10,14', 4000000000,
      '[2:3]={1,NULL}', '{}', '[1,5)', '(,2.5]', 'empty', '{[1,2),[5,7)}', '$.a[*]', 'so "so"', '{sad,NULL,happy}', 1.5, '(1,happy,"{sad,sad}","q")',
      ARRAY[ROW(2,'sad',NULL,NULL)::app.point3, NULL], '[1.5,2.5]', '{[1,2],[3,4]}', '[sad,happy]', '{[sad,sad],[happy,happy]}', '{happy}', 'a=>1,b=>NULL', 'CiText',
      ARRAY['x=>y'::hstore], 'pg_class', 'postgres=r/postgres'))");
  source_.Run("INSERT INTO app.t (id) SELECT i FROM generate_series(2, 3) i");
  const TableDefinition table = source_.Describe("app", "t");
  auto sink = Open();
  Copy(*sink, {table});
  ExpectEqual(*sink, table);
  EXPECT_EQ(replica_.Value("SELECT gen FROM app.t WHERE id = 1"), "-6");
  // The same row again by every way of the stream.
  source_.Run("CREATE TEMP TABLE one AS SELECT * FROM app.t WHERE id = 1; ALTER TABLE one DROP COLUMN gen");
  uint64_t lsn = 2000;
  for (const auto& [rows, text] : {std::pair{1, false}, {500, false}, {1, true}, {500, true}}) {
    const std::string first = std::to_string(lsn);
    const std::string range = "id BETWEEN " + first + " AND " + std::to_string(lsn + static_cast<uint64_t>(rows) - 1);
    std::string columns;
    for (size_t i = 1; i < table.schema->columns.size(); ++i) columns += ", \"" + table.schema->columns[i].name + "\"";
    std::string names = "id" + columns;
    source_.Run("INSERT INTO app.t (" + names + ") SELECT i" + columns + " FROM one, generate_series(" + first + ", " +
                std::to_string(lsn + static_cast<uint64_t>(rows) - 1) + ") i");
    BatchBuilder builder;
    builder.Begin(Lsn{lsn});
    for (const Tuple& row : source_.Rows(table, range, text)) builder.Insert(table.schema, row);
    MustBeOk(Apply(*sink, builder.Build()));
    ExpectEqual(*sink, table);
    source_.Run("UPDATE app.t SET md = 'sad', p3 = '(9,sad,,)', ct = 'X' WHERE " + range);
    builder.Begin(Lsn{lsn + 500});
    for (const Tuple& row : source_.Rows(table, range, text)) builder.Update(table.schema, OldTuple::kNone, {}, row);
    MustBeOk(Apply(*sink, builder.Build()));
    ExpectEqual(*sink, table);
    lsn += 1000;
  }
}

TEST_F(ReplicaSinkTest, ARoleThatMaySetNothingAndOwnsNothingStillFollows) {
  replica_.Run("DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
               "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO plain', current_database()); END $$");
  replica_dsn_.replace(replica_dsn_.find("user=postgres"), 13, "user=plain");
  source_.Run("CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, n int, big text);"
              "INSERT INTO app.t SELECT i, i, repeat('x', 10 + i) FROM generate_series(1, 1500) i");
  const TableDefinition table = source_.Describe("app", "t");
  auto sink = Open();
  Copy(*sink, {table});
  // Without silent triggers whole rows are updated, not deleted and inserted.
  replica_.Run("CREATE TABLE app.kept (id int REFERENCES app.t ON DELETE CASCADE); INSERT INTO app.kept VALUES (1)");
  source_.Run("UPDATE app.t SET n = -n, big = CASE WHEN id % 2 = 0 THEN 'y' || id ELSE big END");
  BatchBuilder builder;
  builder.Begin(Lsn{2000});
  for (const Tuple& row : source_.Rows(table, "id % 2 = 0")) builder.Update(table.schema, OldTuple::kNone, {}, row);
  for (const Tuple& row : source_.Rows(table, "id % 2 = 1")) builder.Update(table.schema, OldTuple::kNone, {}, WithUnchanged(row, 2));
  MustBeOk(Apply(*sink, builder.Build()));
  ExpectEqual(*sink, table);
  EXPECT_EQ(replica_.Value("SELECT count(*) FROM app.kept"), "1");
}

TEST_F(ReplicaSinkTest, AConnectionThatDiesWhileIdleIsUnavailableAndReopeningGoesOn) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY)");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  replica_.Run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice apply'");
  source_.Run("INSERT INTO public.t VALUES (1)");
  const ChangeBatchPtr batch = BatchBuilder().Begin(Lsn{2000}).Insert(table.schema, source_.Row(table, "id = 1")).Build();
  const Status lost = Apply(*sink, batch);
  ASSERT_FALSE(lost.ok());
  EXPECT_TRUE(lost.error().kind == ErrorKind::kUnavailable || lost.error().kind == ErrorKind::kOutcomeUnknown);
  sink = Open();
  EXPECT_EQ(sink->bookmark()->position, At(1000));
  MustBeOk(Apply(*sink, batch));
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, RandomTransactionsOfAnySizeLeaveBothEqual) {
  source_.Run("CREATE TABLE public.t (id int, part text, v int UNIQUE, big text, PRIMARY KEY (part, id));"
              "INSERT INTO public.t SELECT i, 'p' || i % 3, i, repeat('b', i % 50) FROM generate_series(1, 300) i");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int next = 1000;
  uint64_t lsn = 2000;
  for (const int operations : {1, 5, 40, 400, 3, 60, 400, 2}) {
    BatchBuilder builder;
    builder.Begin(Lsn{lsn += 100});
    for (int i = 0; i < operations; ++i) {
      const std::string at = "ctid = '" + source_.Value("SELECT ctid FROM public.t ORDER BY md5(id::text || '" + std::to_string(random()) + "') LIMIT 1") + "'";
      const Tuple old_row = source_.Row(table, at);
      const std::string v = std::to_string(++next);
      switch (random() % 6) {
        case 0:
          source_.Run("INSERT INTO public.t VALUES (" + v + ", 'n', " + v + ", 'new')");
          builder.Insert(table.schema, source_.Row(table, "v = " + v));
          break;
        case 1:
          source_.Run("DELETE FROM public.t WHERE " + at);
          builder.Delete(table.schema, OldTuple::kKey, KeyOnly(table, old_row));
          break;
        case 2:  // The key changes, the large value is not sent.
          source_.Run("UPDATE public.t SET id = " + v + ", v = " + v + " WHERE " + at);
          builder.Update(table.schema, OldTuple::kKey, KeyOnly(table, old_row), WithUnchanged(source_.Row(table, "v = " + v), 3));
          break;
        case 3:
          source_.Run("UPDATE public.t SET v = " + v + ", big = 'x' || v WHERE " + at);
          builder.Update(table.schema, OldTuple::kNone, {}, source_.Row(table, "v = " + v));
          break;
        case 4:
          source_.Run("DELETE FROM public.t WHERE " + at + "; INSERT INTO public.t VALUES (" + v + ", 'n', " + v + ", NULL)");
          builder.Delete(table.schema, OldTuple::kKey, KeyOnly(table, old_row)).Insert(table.schema, source_.Row(table, "v = " + v));
          break;
        default:
          source_.Run("UPDATE public.t SET v = " + v + " WHERE " + at);
          builder.Update(table.schema, OldTuple::kNone, {}, WithUnchanged(source_.Row(table, "v = " + v), 3));
      }
    }
    MustBeOk(Apply(*sink, builder.Build()));
    ExpectEqual(*sink, table);
  }
}

TEST_F(ReplicaSinkTest, KeysOfPrivateTypesFindTheirRows) {
  source_.Run("SET search_path = public; CREATE EXTENSION citext; CREATE TYPE public.kind AS ENUM ('a', 'b');"
              "CREATE TABLE public.t (c public.citext, k public.kind, n numeric, v int, PRIMARY KEY (c, k, n));"
              "INSERT INTO public.t VALUES ('Ab', 'a', 1.0, 1), ('cd', 'b', 2, 2)");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  const Tuple old_row = source_.Row(table, "v = 1");
  // Equal by SQL, not by bytes: the source reports it as a change of key.
  source_.Run("UPDATE public.t SET c = 'AB', n = 1.00 WHERE v = 1; UPDATE public.t SET v = 3 WHERE v = 2");
  MustBeOk(Apply(*sink, BatchBuilder().Begin(Lsn{2000})
                            .Update(table.schema, OldTuple::kKey, KeyOnly(table, old_row), source_.Row(table, "v = 1"))
                            .Update(table.schema, OldTuple::kNone, {}, source_.Row(table, "v = 3")).Build()));
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, APartitionedTableStaysPartitionedAndItsConstraintsHold) {
  source_.Run("CREATE TABLE public.m (id int, at date NOT NULL, v float8, PRIMARY KEY (id, at), CHECK (v >= 0)) PARTITION BY RANGE (at);"
              "CREATE TABLE public.m_2020 PARTITION OF public.m FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (id);"
              "CREATE TABLE public.m_2020_1 PARTITION OF public.m_2020 FOR VALUES IN (1); CREATE TABLE public.m_2020_x PARTITION OF public.m_2020 DEFAULT;"
              "CREATE TABLE public.m_rest PARTITION OF public.m DEFAULT; CREATE INDEX \"m at\" ON public.m (at);"
              "INSERT INTO public.m SELECT i % 3, '2020-06-01'::date + i, i FROM generate_series(1, 400) i");
  const TableDefinition table = source_.Describe("public", "m");
  auto sink = Open();
  Copy(*sink, {table});
  ExpectEqual(*sink, table);
  EXPECT_EQ(replica_.Value("SELECT count(*) FROM public.m_2020_1"), source_.Value("SELECT count(*) FROM public.m_2020_1"));
  const std::string valid = "SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid::regclass::text LIKE 'public.m%'";
  EXPECT_EQ(replica_.Value(valid), source_.Value(valid));
  const Tuple old_row = source_.Row(table, "v = 1");
  source_.Run("UPDATE public.m SET at = '2030-01-01' WHERE v = 1");
  MustBeOk(Apply(*sink, BatchBuilder().Begin(Lsn{2000}).Update(table.schema, OldTuple::kKey, KeyOnly(table, old_row), source_.Row(table, "v = 1")).Build()));
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, ExclusionIdentityDefaultsAndHostileNamesAreKept) {
  source_.Run(R"(CREATE SCHEMA "we""ird'; DROP"; CREATE TABLE "we""ird'; DROP"."t\b ""x$$" (
      "select" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "during, ""when" tsrange, "größe" numeric DEFAULT 1.5, EXCLUDE USING gist ("during, ""when" WITH &&)))");
  source_.Run(R"(INSERT INTO "we""ird'; DROP"."t\b ""x$$" ("during, ""when") VALUES ('[2020-01-01,2020-01-02)'), ('[2020-01-02,2020-01-03)'))");
  const TableDefinition table = source_.Describe("we\"ird'; DROP", "t\\b \"x$$");
  auto sink = Open();
  Copy(*sink, {table});
  const std::string name = R"("we""ird'; DROP"."t\b ""x$$")";
  const auto equal = [&] {
    auto view = Must(sink->View());
    auto expected = Must(view->Expect(table));
    source_.CopyTo(table, *expected);
    EXPECT_EQ(Must(view->Digest(table)), expected->digest());
  };
  equal();
  const Tuple first = source_.Row(table, "\"select\" = 1");
  const Tuple second = source_.Row(table, "\"select\" = 2");
  // The second takes the place of the first, which moves away: on the way they would overlap.
  source_.Run("UPDATE " + name + R"( SET "during, ""when" = '[2021-01-01,2021-01-02)' WHERE "select" = 1)");
  source_.Run("UPDATE " + name + R"( SET "during, ""when" = '[2020-01-01,2020-01-02)' WHERE "select" = 2)");
  MustBeOk(Apply(*sink, BatchBuilder().Begin(Lsn{2000})
                            .Update(table.schema, OldTuple::kNone, {}, source_.Row(table, "\"select\" = 2"))
                            .Update(table.schema, OldTuple::kNone, {}, source_.Row(table, "\"select\" = 1")).Build()));
  equal();
  source_.Run("UPDATE " + name + " SET \"select\" = DEFAULT WHERE \"select\" = 2");
  MustBeOk(Apply(*sink, BatchBuilder().Begin(Lsn{3000}).Update(table.schema, OldTuple::kKey, KeyOnly(table, second), source_.Row(table, "\"select\" > 2")).Build()));
  equal();
}

TEST_F(ReplicaSinkTest, AnInterruptedCopyIsMadeAgainFromTheStart) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 100)");
  const TableDefinition table = source_.Describe("public", "t");
  {
    auto sink = Open();
    MustBeOk(sink->PrepareTables({table}, {At(kCopyLsn.value), {}}));
    auto writer = Must(sink->OpenCopyWriter(table, BlockRange{}));
    source_.CopyTo(table, *writer);
    MustBeOk(writer->Finish());
  }
  auto sink = Open();
  EXPECT_TRUE(sink->copied_tables().empty());
  Copy(*sink, {table});
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, FinishedRangesAreKeptAndOneOfAProcessThatWasThoughtDeadIsNot) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 100)");
  const TableDefinition table = source_.Describe("public", "t");
  const BlockRange first{table.schema->oid, 0, 5}, second{table.schema->oid, 5, UINT32_MAX};
  auto dead = Open();
  EXPECT_TRUE(dead->kept_copies().empty());
  MustBeOk(dead->PrepareTables({table}, {At(kCopyLsn.value), {}}));
  auto writer = Must(dead->OpenCopyWriter(table, first));
  source_.CopyTo(table, *writer);
  MustBeOk(writer->Finish());
  auto late = Must(dead->OpenCopyWriter(table, second));
  source_.CopyTo(table, *late);
  auto sink = Open();
  const KeptCopy kept = sink->kept_copies().at(table.schema->name);
  EXPECT_EQ(kept.ranges, std::vector<BlockRange>{first});
  EXPECT_EQ(kept.lsn, kCopyLsn);
  EXPECT_EQ(kept.log, Log());
  EXPECT_EQ(kept.oid, table.schema->oid);
  EXPECT_EQ(kept.fingerprint, CopyFingerprint(table));
  const Status finished = late->Finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().code, slu::kReplicaFenced);
  late.reset();
  EXPECT_EQ(replica_.Value("SELECT count(*) FROM public.t"), "100");
  MustBeOk(sink->PrepareTables({table}, {At(2000), {}}));
  MustBeOk(sink->FinishTables({table}, At(2000), Timestamp{}));
  ExpectEqual(*sink, table);
  EXPECT_TRUE(Open()->kept_copies().empty());
}

TEST_F(ReplicaSinkTest, WhatIsKeptOfACopyGoesWithTheTableThatHeldIt) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 100)");
  const TableDefinition table = source_.Describe("public", "t");
  {
    auto sink = Open();
    MustBeOk(sink->PrepareTables({table}, {At(kCopyLsn.value), {}}));
    auto writer = Must(sink->OpenCopyWriter(table, BlockRange{table.schema->oid, 0, 5}));
    source_.CopyTo(table, *writer);
    MustBeOk(writer->Finish());
  }
  replica_.Run("DROP TABLE public.t");
  EXPECT_TRUE(Open()->kept_copies().empty());
}

// Else a copy beside the stream waits for the bookmark's row, and whoever ends both waits for the copy.
TEST_F(ReplicaSinkTest, WhatFailedBeforeItsCommitHoldsNothingOnceItIsLetGo) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, name text); CREATE TABLE public.other (id int PRIMARY KEY)");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {table});
  source_.Run("INSERT INTO public.t SELECT i, 'new' FROM generate_series(1, 500) i");
  BatchBuilder builder;
  builder.Begin(Lsn{2000});
  for (int i = 1; i <= 500; ++i) builder.Insert(table.schema, source_.Row(table, "id = " + std::to_string(i)));
  ASSERT_TRUE(failpoint::Arm("replica.before_commit=error").ok());
  EXPECT_FALSE(Apply(*sink, builder.Build()).ok());
  ASSERT_TRUE(failpoint::Arm("").ok());
  const char* const open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
  EXPECT_EQ(replica_.Value(open), "1");
  sink->LetGo();
  ASSERT_EQ(replica_.Value(open), "0");
  const auto beside = Must(sink->OpenBeside());
  Copy(*beside, {source_.Describe("public", "other")});
}

TEST_F(ReplicaSinkTest, AFinishedTableDoesNotWaitForItsStatistics) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 100)");
  replica_.Run("CREATE FUNCTION public.slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
               " IF current_setting('application_name') = 'sluice analyze' THEN PERFORM pg_sleep(120); END IF; RETURN i; END $$;"
               "CREATE TABLE public.t (id int PRIMARY KEY); CREATE INDEX ON public.t (public.slow(id))");
  const TableDefinition table = source_.Describe("public", "t");
  const auto before = std::chrono::steady_clock::now();
  {
    auto sink = Open();
    Copy(*sink, {table});
    ExpectEqual(*sink, table);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(60));
}

TEST_F(ReplicaSinkTest, TablesOfOthersAreUsedOnlyEmptyAndInTheSameShape) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, name varchar(10)); INSERT INTO public.t VALUES (1, 'x')");
  const TableDefinition table = source_.Describe("public", "t");
  auto sink = Open();
  replica_.Run("CREATE TABLE public.t (id int PRIMARY KEY, name text)");
  Status refused = sink->PrepareTables({table}, {At(kCopyLsn.value), {}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kReplicaOtherShape);
  EXPECT_NE(refused.error().message.find("name"), std::string::npos);
  replica_.Run("DROP TABLE public.t; CREATE TABLE public.t (id int PRIMARY KEY, name varchar(10)); INSERT INTO public.t VALUES (7)");
  sink = Open();
  refused = sink->PrepareTables({table}, {At(kCopyLsn.value), {}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kReplicaForeignRows);
  EXPECT_EQ(replica_.Value("SELECT count(*) FROM public.t"), "1");
  replica_.Run("TRUNCATE public.t");
  sink = Open();
  Copy(*sink, {table});
  ExpectEqual(*sink, table);
}

TEST_F(ReplicaSinkTest, AnotherSourceAndTheSourceItselfAreRefused) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY)");
  Copy(*Open(), {source_.Describe("public", "t")});
  ReplicaConfig config;
  config.dsn = replica_dsn_;
  LogIdentity other = Log();
  other.system_identifier = 999;
  auto refused = ReplicaSink::Open(config, other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kReplicaOtherSource);
  LogIdentity same{std::stoull(source_.Value("SELECT system_identifier FROM pg_control_system()")), 1,
                   replica_.Value("SELECT current_database()"), "sluice"};
  refused = ReplicaSink::Open(config, same);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kReplicaIsSource);
}

TEST_F(ReplicaSinkTest, AColumnAtTheEndIsAddedAndAnyOtherChangeStopsWithItsName) {
  source_.Run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1)");
  const TableDefinition before = source_.Describe("public", "t");
  auto sink = Open();
  Copy(*sink, {before});
  source_.Run("INSERT INTO public.t VALUES (2)");
  BatchBuilder builder;
  builder.Begin(Lsn{2000}).Insert(before.schema, source_.Row(before, "id = 2"));
  source_.Run("ALTER TABLE public.t ADD COLUMN note text; INSERT INTO public.t VALUES (3, 'new')");
  const TableDefinition after = source_.Describe("public", "t");
  builder.Begin(Lsn{2100}).Insert(after.schema, source_.Row(after, "id = 3"));
  MustBeOk(Apply(*sink, builder.Build()));
  ExpectEqual(*sink, after);
  source_.Run("ALTER TABLE public.t ALTER COLUMN note TYPE int USING 1; INSERT INTO public.t VALUES (4, 4)");
  const TableDefinition changed = source_.Describe("public", "t");
  const Status refused = Apply(*sink, BatchBuilder().Begin(Lsn{3000}).Insert(changed.schema, source_.Row(changed, "id = 4")).Build());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kReplicaSchemaChanged);
  EXPECT_NE(refused.error().message.find("note"), std::string::npos);
}

}  // namespace
}  // namespace sluice

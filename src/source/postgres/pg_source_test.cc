#include "source/postgres/pg_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <thread>

#include "base/failpoint.h"
#include "observability/errors/source_codes.h"
#include "pg_test_server.h"
#include "source/postgres/pg_change_stream.h"
#include "source/postgres/replication_connection.h"
#include "source/postgres/stream_recorder.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::PgTestServer;
using testing::StreamRecorder;

/// A source of its own database and slot, with a session to write through.
class PgSourceTest : public ::testing::Test {
 protected:
  PgSourceTest() : dsn_(PgTestServer::Shared().NewDatabase()) {
    static int slots = 0;
    static PgTestServer& server = PgTestServer::Shared();
    static const bool small_memory = [] {
      auto admin = PgConnection::Connect(server.Dsn("postgres"));
      return admin.ok() && admin->Execute("ALTER SYSTEM SET logical_decoding_work_mem = '64kB'").ok() && admin->Execute("SELECT pg_reload_conf()").ok();
    }();
    EXPECT_TRUE(small_memory);
    config_.dsn = dsn_;
    config_.slot = "slot" + std::to_string(++slots);
    config_.publication = "Publication \"of\" test's";
    auto session = PgConnection::Connect(dsn_);
    EXPECT_TRUE(session.ok());
    session_.emplace(std::move(session).value());
  }

  void Run(const std::string& sql) {
    const auto done = session_->Execute(sql);
    ASSERT_TRUE(done.ok()) << sql << ": " << done.error().message << " " << done.error().evidence;
  }
  std::string Ask(const std::string& sql) {
    auto value = session_->QueryValue(sql);
    return value.ok() ? *value : value.error().evidence;
  }

  std::unique_ptr<PgSource> Connect() {
    auto source = PgSource::Connect(config_, pipeline_, "/tmp/sluice-spill-test-" + std::to_string(getpid()));
    EXPECT_TRUE(source.ok()) << source.error().message << " " << source.error().evidence;
    return source.ok() ? std::move(source).value() : nullptr;
  }

  /// Publication, slot and stream from the slot's start.
  void Start() {
    source_ = Connect();
    ASSERT_TRUE(source_);
    auto tables = source_->ReadTables();
    ASSERT_TRUE(tables.ok()) << tables.error().message << tables.error().evidence;
    const Status published = source_->EnsurePublication(*tables);
    ASSERT_TRUE(published.ok()) << published.error().message << published.error().evidence;
    auto copy = source_->CreateSlotWithSnapshot();
    ASSERT_TRUE(copy.ok()) << copy.error().message << copy.error().evidence;
    start_ = (*copy)->snapshot_lsn();
    copy->reset();
    Open(start_);
  }
  void Open(Lsn from) {
    stream_.reset();
    Result<std::unique_ptr<ChangeStream>> stream = source_->OpenStream(from);
    for (int i = 0; i < 100 && !stream.ok() && stream.error().code == slu::kSlotInUse; ++i) {
      std::this_thread::sleep_for(milliseconds(20));
      stream = source_->OpenStream(from);
    }
    ASSERT_TRUE(stream.ok()) << stream.error().message << stream.error().evidence;
    stream_ = std::move(stream).value();
  }

  /// Everything up to the end of the log, as text.
  std::vector<std::string> Changes() {
    StreamRecorder recorder;
    const auto end = source_->CurrentLsn();
    EXPECT_TRUE(end.ok());
    const Status read = recorder.ReadUntil(*stream_, *end);
    EXPECT_TRUE(read.ok()) << read.error().message << " " << read.error().evidence;
    last_ = recorder;
    return recorder.changes();
  }

  const std::string dsn_;
  SourceConfig config_;
  PipelineConfig pipeline_;
  std::optional<PgConnection> session_;
  std::unique_ptr<PgSource> source_;
  std::unique_ptr<ChangeStream> stream_;
  StreamRecorder last_;
  Lsn start_;
};

TEST_F(PgSourceTest, InsertsUpdatesDeletesAndTruncatesArriveInOrderAndInBinary) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY, speed double precision, note text)");
  Start();
  Run("INSERT INTO public.shot VALUES (1, 1.5, 'a'), (2, NULL, 'b')");
  Run("UPDATE public.shot SET note = 'c' WHERE id = 1");
  Run("UPDATE public.shot SET id = 3 WHERE id = 2");
  Run("DELETE FROM public.shot WHERE id = 3");
  Run("TRUNCATE public.shot");
  EXPECT_THAT(Changes(), ::testing::ElementsAre("insert public.shot b:00000001 b:3ff8000000000000 b:a", "insert public.shot b:00000002 null b:b",
                                                "update public.shot b:00000001 b:3ff8000000000000 b:c",
                                                "update public.shot key b:00000002 null null to b:00000003 null b:b",
                                                "delete public.shot key b:00000003 null null", "truncate public.shot"));
  EXPECT_EQ(last_.transactions(), 5u);
}


TEST_F(PgSourceTest, AnUntouchedToastedValueIsUnchangedAlsoWhenTheKeyChanges) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY, n int, raw text)");
  Run("ALTER TABLE public.shot ALTER raw SET STORAGE EXTERNAL");
  Start();
  Run("INSERT INTO public.shot VALUES (1, 0, repeat('x', 10000))");
  EXPECT_EQ(Changes().size(), 1u);
  Run("UPDATE public.shot SET n = 1");
  Run("UPDATE public.shot SET id = 2");
  EXPECT_THAT(Changes(), ::testing::ElementsAre("update public.shot b:00000001 b:00000001 unchanged",
                                                "update public.shot key b:00000001 null null to b:00000002 b:00000001 unchanged"));
}

TEST_F(PgSourceTest, TypesWithoutBinaryFormComeAsTextAndEnumsAsTheirLabel) {
  Run("CREATE TYPE public.mood AS ENUM ('sad', 'ok'); CREATE TABLE public.kinds (id bigint PRIMARY KEY, m public.mood, a aclitem, j jsonb, n numeric[])");
  Start();
  Run("INSERT INTO public.kinds VALUES (1, 'ok', 'postgres=r/postgres', '{}', '{1}')");
  const std::vector<std::string> changes = Changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_THAT(changes[0], ::testing::StartsWith("insert public.kinds b:0000000000000001 b:ok t:postgres=r/postgres b:017b7d b:"));
}

TEST_F(PgSourceTest, ATypeThatBinaryCannotCarryMakesTheStreamText) {
  Run("CREATE TABLE public.kinds (id int PRIMARY KEY, a aclitem[], c regclass)");
  Start();
  Run("INSERT INTO public.kinds VALUES (1, '{postgres=r/postgres}', 'public.kinds')");
  EXPECT_THAT(Changes(), ::testing::ElementsAre("insert public.kinds t:1 t:{postgres=r/postgres} t:public.kinds"));
}

TEST_F(PgSourceTest, AStreamedTransactionLosesExactlyItsRolledBackSavepoints) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY, note text)");
  config_.spill_after_bytes = 200'000;
  Start();
  Run("BEGIN");
  for (int i = 0; i < 40; ++i) {
    Run("SAVEPOINT s");
    Run("INSERT INTO public.shot SELECT g, repeat('x', 100) FROM generate_series(" + std::to_string(i * 1000) + ", " + std::to_string(i * 1000 + 999) + ") g");
    if (i % 2 == 1) Run("ROLLBACK TO s");
    Run("RELEASE s");
  }
  Run("COMMIT");
  Run("INSERT INTO public.shot VALUES (-1, 'after')");
  const std::vector<std::string> changes = Changes();
  EXPECT_EQ(std::to_string(changes.size()), Ask("SELECT count(*) FROM public.shot"));
  EXPECT_EQ(std::set<std::string>(changes.begin(), changes.end()).size(), changes.size());
  EXPECT_EQ(last_.transactions(), 2u);
  EXPECT_GT(dynamic_cast<PgChangeStream&>(*stream_).spilled_transactions(), 0u) << "the transaction was not streamed";
}

TEST_F(PgSourceTest, TheSlotGoesOnBehindWhatWasAcknowledged) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY)");
  Start();
  Run("INSERT INTO public.shot VALUES (1)");
  EXPECT_EQ(Changes().size(), 1u);
  const Lsn durable = last_.end_lsn();
  ASSERT_TRUE(stream_->Acknowledge(durable).ok());
  Run("INSERT INTO public.shot VALUES (2)");
  EXPECT_THAT(Changes(), ::testing::ElementsAre("insert public.shot b:00000002"));
  Open(durable);
  EXPECT_THAT(Changes(), ::testing::ElementsAre("insert public.shot b:00000002"));
}

TEST_F(PgSourceTest, AnIdleSourceTellsItsTimeByHeartbeat) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY)");
  config_.heartbeat_interval = std::chrono::seconds(1);
  Start();
  const auto before = source_->Now();
  ASSERT_TRUE(before.ok());
  StreamRecorder recorder;
  for (int i = 0; i < 100 && recorder.source_time() < *before; ++i) {
    const auto batch = stream_->Next(milliseconds(100));
    ASSERT_TRUE(batch.ok());
    if (*batch) recorder.Add(**batch);
  }
  EXPECT_GE(recorder.source_time(), *before);
  EXPECT_THAT(recorder.changes(), ::testing::IsEmpty());
}

TEST_F(PgSourceTest, APartitionedTableIsItsRootInStreamAndItsLeavesInTheCopy) {
  Run("CREATE TABLE public.m (day date, v int, PRIMARY KEY (day, v)) PARTITION BY RANGE (day);"
      "CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
      "CREATE TABLE public.m2 PARTITION OF public.m DEFAULT; CREATE INDEX \"by ON ONLY v\" ON public.m (v)");
  Start();
  Run("INSERT INTO public.m VALUES ('2026-01-05', 1), ('2027-01-01', 2)");
  EXPECT_THAT(Changes(), ::testing::ElementsAre("insert public.m b:0000251d b:00000001", "insert public.m b:00002686 b:00000002"));
  const auto tables = source_->ReadTables();
  ASSERT_TRUE(tables.ok());
  ASSERT_EQ(tables->size(), 1u);
  const TableDefinition& m = (*tables)[0];
  ASSERT_EQ(m.leaves.size(), 2u);
  EXPECT_EQ(m.leaves[0].name, (TableName{"public", "m1"}));
  EXPECT_EQ(m.partition_key, "RANGE (day)");
  ASSERT_EQ(m.partitions.size(), 2u);
  EXPECT_EQ(m.partitions[0].bound, "FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')");
  EXPECT_EQ(m.partitions[1].bound, "DEFAULT");
  ASSERT_EQ(m.indexes.size(), 1u);
  EXPECT_EQ(m.indexes[0].definition.sql, "CREATE INDEX \"by ON ONLY v\" ON public.m USING btree (v)");
}

TEST_F(PgSourceTest, ARelationOfTheStreamIsTheSchemaThatTheCatalogGave) {
  Run("CREATE TABLE public.shot (b int, id int, gone int, a text, PRIMARY KEY (id, b)); ALTER TABLE public.shot DROP gone");
  Start();
  const auto tables = source_->ReadTables();
  ASSERT_TRUE(tables.ok());
  Run("INSERT INTO public.shot VALUES (1, 2, 'x')");
  const auto end = source_->CurrentLsn();
  ASSERT_TRUE(end.ok());
  for (Lsn at; at < *end;) {
    const auto batch = stream_->Next(milliseconds(1000));
    ASSERT_TRUE(batch.ok() && *batch);
    at = std::max(at, (*batch)->end_lsn);
    for (const TableSchemaPtr& schema : (*batch)->tables) EXPECT_EQ(schema, (*tables)[0].schema);
  }
  const TableSchema& schema = *(*tables)[0].schema;
  EXPECT_THAT(schema.key, ::testing::ElementsAre(1, 0)) << "in the order of the primary key";
  EXPECT_EQ(schema.columns[2].attribute_number, 4);
}

TEST_F(PgSourceTest, AColumnDroppedAndAddedUnderItsNameIsAnotherColumn) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY, a text)");
  Start();
  Run("INSERT INTO public.shot VALUES (1, 'x'); ALTER TABLE public.shot DROP a; ALTER TABLE public.shot ADD a text; INSERT INTO public.shot VALUES (2, 'y')");
  std::set<int16_t> numbers;
  const auto end = source_->CurrentLsn();
  ASSERT_TRUE(end.ok());
  for (Lsn at; at < *end;) {
    const auto batch = stream_->Next(milliseconds(1000));
    ASSERT_TRUE(batch.ok() && *batch);
    at = std::max(at, (*batch)->end_lsn);
    for (const TableSchemaPtr& schema : (*batch)->tables) numbers.insert(schema->columns[1].attribute_number);
  }
  EXPECT_TRUE(numbers.contains(3));
}

TEST_F(PgSourceTest, ATableWithoutIdentityIsFollowedByItsInsertsAndStaysUpdatable) {
  Run("CREATE TABLE public.note (t text); CREATE TABLE public.good (id int PRIMARY KEY)");
  Start();
  Run("INSERT INTO public.note VALUES ('a'), ('b'); UPDATE public.note SET t = 'c'; DELETE FROM public.note; INSERT INTO public.good VALUES (1)");
  std::map<std::string, size_t> changes;
  while (changes["good"] == 0) {
    const auto batch = stream_->Next(milliseconds(1000));
    ASSERT_TRUE(batch.ok() && *batch);
    for (const Change& change : (*batch)->changes) {
      EXPECT_EQ(change.operation, Operation::kInsert);
      ++changes[(*batch)->tables[change.table]->name.name];
    }
  }
  EXPECT_EQ(changes["note"], 2u);
  // Once it has an identity it moves over, and its updates come.
  Run("ALTER TABLE public.note REPLICA IDENTITY FULL");
  ASSERT_TRUE(source_->EnsurePublication(*source_->ReadTables()).ok());
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_publication_tables WHERE pubname LIKE '%inserts'"), "0");
  EXPECT_EQ(Ask("SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_publication_tables WHERE pubname NOT LIKE '%inserts'"), "good,note");
}

TEST_F(PgSourceTest, ATableWithoutIdentityIsRefusedWithTheSqlThatHelpsWhereTheConfigurationSaysSo) {
  Run("CREATE TABLE public.note (t text); CREATE TABLE public.good (id int PRIMARY KEY)");
  pipeline_.without_identity = WithoutIdentity::kRefuse;
  source_ = Connect();
  const auto tables = source_->ReadTables();
  ASSERT_TRUE(tables.ok());
  const Status refused = source_->EnsurePublication(*tables);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kNoIdentity);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("public.note"));
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_publication"), "0") << "something was changed";
  Run(refused.error().fix[0]);
  EXPECT_TRUE(source_->EnsurePublication(*tables).ok());
  EXPECT_EQ(Ask("SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_publication_tables"), "good,note");
  pipeline_.exclude = {"*.note"};
  source_ = Connect();
  ASSERT_TRUE(source_->EnsurePublication(*source_->ReadTables()).ok());
  EXPECT_EQ(Ask("SELECT string_agg(tablename, ',') FROM pg_publication_tables"), "good");
}

TEST_F(PgSourceTest, ATableThatIsGoneOrUnloggedSinceTheCatalogWasReadIsNoReasonToStop) {
  Run("CREATE SCHEMA gone; CREATE TABLE gone.t (id int PRIMARY KEY); CREATE TABLE public.good (id int PRIMARY KEY)");
  source_ = Connect();
  const auto tables = source_->ReadTables();
  ASSERT_TRUE(tables.ok());
  Run("DROP SCHEMA gone CASCADE");
  const Status missing = source_->EnsurePublication(*tables);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kUnavailable) << missing.error().evidence;
  const auto again = source_->ReadTables();
  ASSERT_TRUE(again.ok());
  Run("ALTER TABLE public.good SET UNLOGGED; CREATE TABLE public.other (id int PRIMARY KEY)");
  const Status unlogged = source_->EnsurePublication(*again);
  ASSERT_FALSE(unlogged.ok());
  EXPECT_EQ(unlogged.error().kind, ErrorKind::kUnavailable) << unlogged.error().evidence;
  EXPECT_TRUE(source_->EnsurePublication(*source_->ReadTables()).ok());
}

TEST_F(PgSourceTest, AnotherTableThatHasTheNameSinceTheCatalogWasReadIsNotPublishedWithItsUpdates) {
  Run("CREATE TABLE public.t (id int PRIMARY KEY)");
  source_ = Connect();
  const auto tables = source_->ReadTables();
  ASSERT_TRUE(tables.ok());
  Run("DROP TABLE public.t; CREATE TABLE public.t (id int); INSERT INTO public.t VALUES (1)");
  const Status stale = source_->EnsurePublication(*tables);
  ASSERT_FALSE(stale.ok());
  EXPECT_EQ(stale.error().kind, ErrorKind::kUnavailable);
  Run("UPDATE public.t SET id = 2");  // PostgreSQL refuses it where it would be published without identity.
  EXPECT_TRUE(source_->EnsurePublication(*source_->ReadTables()).ok());
  EXPECT_EQ(Ask("SELECT bool_and(pubname LIKE '%inserts') FROM pg_publication_tables"), "t");
}

TEST_F(PgSourceTest, APublicationThatLeavesSomethingOutIsRefused) {
  Run("CREATE TABLE public.good (id int PRIMARY KEY); CREATE PUBLICATION " + std::string("\"Publication \"\"of\"\" test's\"") + " FOR TABLE public.good WITH (publish = 'insert')");
  source_ = Connect();
  const Status refused = source_->EnsurePublication(*source_->ReadTables());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kPublicationForeign);
}

TEST_F(PgSourceTest, ASlotThatIsMadeAnewBetweenTheLookAndTheStartStopsTheStream) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY)");
  Start();
  stream_.reset();
  for (int i = 0; i < 200 && Ask("SELECT active FROM pg_replication_slots WHERE slot_name = '" + config_.slot + "'") == "t"; ++i) std::this_thread::sleep_for(milliseconds(10));
  ASSERT_TRUE(failpoint::Arm("source.before_start_stream=delay").ok());
  std::thread somebody([&] {
    std::this_thread::sleep_for(milliseconds(100));  // Of the 200 that the delay takes.
    Run("SELECT pg_drop_replication_slot('" + config_.slot + "')");
    Run("INSERT INTO public.shot VALUES (1)");
    Run("SELECT pg_create_logical_replication_slot('" + config_.slot + "', 'pgoutput')");
  });
  auto stream = source_->OpenStream(start_);
  somebody.join();
  ASSERT_TRUE(failpoint::Arm("").ok());
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().code, slu::kSlotAhead);
}

TEST_F(PgSourceTest, ASlotThatIsGoneAheadOrInUseStopsTheStream) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY)");
  Start();
  auto second = source_->OpenStream(start_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, slu::kSlotInUse);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  stream_.reset();
  for (int i = 0; i < 200 && Ask("SELECT active FROM pg_replication_slots WHERE slot_name = '" + config_.slot + "'") == "t"; ++i) std::this_thread::sleep_for(milliseconds(10));
  auto ahead = source_->OpenStream(Lsn{start_.value - 1});
  ASSERT_FALSE(ahead.ok());
  EXPECT_EQ(ahead.error().code, slu::kSlotAhead);
  EXPECT_EQ(ahead.error().kind, ErrorKind::kNeedsOperator);
  EXPECT_TRUE(source_->DropSlotAndPublication().ok());
  auto gone = source_->OpenStream(start_);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, slu::kSlotMissing);
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_publication"), "0");
  EXPECT_TRUE(source_->DropSlotAndPublication().ok()) << "twice";
}

TEST_F(PgSourceTest, ASlotThatWaitsForATransactionNamesItAndLeavesNothingBehind) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY); BEGIN; INSERT INTO public.shot VALUES (1)");
  auto observer = PgConnection::Connect(dsn_);
  auto exporter = ReplicationConnection::Connect(dsn_, "test");
  ASSERT_TRUE(observer.ok() && exporter.ok());
  const auto slot = exporter->CreateSlot(config_.slot, false, *observer, milliseconds(300));
  ASSERT_FALSE(slot.ok());
  EXPECT_EQ(slot.error().code, slu::kSlotWait);
  EXPECT_THAT(slot.error().message, ::testing::HasSubstr("process " + std::to_string(PQbackendPID(session_->get()))));
  Run("COMMIT");
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + config_.slot + "'"), "0");
}

TEST(TimelineHistory, IsReadAsTheServerWritesIt) {
  const auto left = ParseTimelineHistory("1\t0/3000110\tbefore 2000-01-01 00:00:00+00\n\n# restored\n2\tA/5C\tno recovery target specified\n");
  ASSERT_TRUE(left.ok());
  ASSERT_EQ(left->size(), 2u);
  EXPECT_EQ((*left)[0].timeline, 1u);
  EXPECT_EQ((*left)[0].end, Lsn{0x3000110});
  EXPECT_EQ((*left)[1].timeline, 2u);
  EXPECT_EQ((*left)[1].end, (Lsn{0xA0000005C}));
}

TEST(TimelineHistory, NonsenseIsAnError) {
  for (const char* const text : {"x", "1", "1 ", "1x\t0/1", "1\t0", "1\tnowhere\twhy", "99999999999\t0/1"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(ParseTimelineHistory(text).ok());
  }
}

}  // namespace
}  // namespace sluice

#include "source/postgres/pg_initial_copy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "observability/errors/source_codes.h"
#include "pg_test_server.h"
#include "source/postgres/copy_rows.h"
#include "source/postgres/pg_source.h"

namespace sluice {
namespace {

using testing::PgTestServer;

/// Keeps the first field, an int4, of every row.
class FirstFields final : public RowReceiver {
 public:
  Status Rows(Bytes rows, size_t count) override {
    ByteReader reader(rows);
    for (size_t i = 0; i < count; ++i) {
      const auto fields = reader.Read<uint16_t>();
      for (uint16_t field = 0; field < fields; ++field) {
        const auto length = reader.Read<int32_t>();
        const Bytes value = length < 0 ? Bytes() : reader.ReadBytes(static_cast<size_t>(length));
        if (field == 0) values.push_back(LoadBigEndian<int32_t>(value.data()));
        if (field == 1) second.emplace_back(AsText(value));
      }
    }
    EXPECT_TRUE(reader.ok() && reader.at_end());
    return Ok();
  }
  std::vector<int32_t> values;
  std::vector<std::string> second;
};

class PgInitialCopyTest : public ::testing::Test {
 protected:
  PgInitialCopyTest() {
    static int slots = 0;
    config_.dsn = PgTestServer::Shared().NewDatabase();
    config_.slot = "copy" + std::to_string(++slots);
    auto session = PgConnection::Connect(config_.dsn);
    EXPECT_TRUE(session.ok());
    session_.emplace(std::move(session).value());
  }
  void Run(const std::string& sql) {
    const auto done = session_->Execute(sql);
    ASSERT_TRUE(done.ok()) << sql << done.error().evidence;
  }
  void Connect() {
    auto source = PgSource::Connect(config_, PipelineConfig{}, "/tmp/sluice-copy-test");
    ASSERT_TRUE(source.ok()) << source.error().message << source.error().evidence;
    source_ = std::move(source).value();
    auto tables = source_->ReadTables();
    ASSERT_TRUE(tables.ok()) << tables.error().message << tables.error().evidence;
    tables_ = std::move(tables).value();
  }

  SourceConfig config_;
  std::optional<PgConnection> session_;
  std::unique_ptr<PgSource> source_;
  std::vector<TableDefinition> tables_;
};

TEST_F(PgInitialCopyTest, RangesTogetherReadEveryRowOnceAsOfTheSnapshot) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY, note text); INSERT INTO public.shot SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g; ANALYZE public.shot");
  Connect();
  auto copy = source_->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok()) << copy.error().message << copy.error().evidence;
  Run("INSERT INTO public.shot SELECT g, 'late' FROM generate_series(20001, 30000) g; DELETE FROM public.shot WHERE id <= 1000; UPDATE public.shot SET note = 'moved' WHERE id <= 5000");
  const std::vector<CopyRange> ranges = (*copy)->Plan(tables_, 200'000);
  ASSERT_GT(ranges.size(), 5u);
  FirstFields rows;
  auto reader = (*copy)->Open();
  ASSERT_TRUE(reader.ok()) << reader.error().message << reader.error().evidence;
  for (const CopyRange& range : ranges) {
    const Status read = (*reader)->Read(tables_[range.table], range, rows);
    ASSERT_TRUE(read.ok()) << read.error().message << read.error().evidence;
  }
  EXPECT_EQ(rows.values.size(), 20000u);
  EXPECT_EQ(std::set<int32_t>(rows.values.begin(), rows.values.end()).size(), 20000u);
  EXPECT_THAT(rows.second, ::testing::Each(std::string(100, 'x')));
}

TEST_F(PgInitialCopyTest, ASnapshotWhoseSessionEndedIsAReasonToCopyAgainAndNotToStop) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY)");
  Connect();
  auto copy = source_->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok()) << copy.error().message << copy.error().evidence;
  Run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'sluice snapshot'");
  const auto reader = (*copy)->Open();
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().code, slu::kSnapshotMismatch);
  EXPECT_EQ(reader.error().kind, ErrorKind::kUnavailable);
}

TEST_F(PgInitialCopyTest, SequencesAreAskedForTheirValuesOfNow) {
  Run("CREATE SEQUENCE public.free; CREATE SEQUENCE public.unused;"
      "CREATE TABLE public.a (id serial, n int DEFAULT nextval('public.free'), u int DEFAULT nextval('public.unused')); CREATE TABLE public.b (n int DEFAULT nextval('public.free'))");
  Connect();
  auto copy = source_->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok()) << copy.error().message << copy.error().evidence;
  Run("SELECT setval('public.free', 70), nextval('public.a_id_seq')");
  const Status read = (*copy)->ReadSequenceValues(tables_);
  ASSERT_TRUE(read.ok()) << read.error().message << read.error().evidence;
  std::map<std::string, std::optional<int64_t>> values;
  for (const TableDefinition& table : tables_)
    for (const SequenceDefinition& sequence : table.sequences) values[table.schema->name.name + "." + sequence.name.name] = sequence.last_value;
  EXPECT_EQ(values, (std::map<std::string, std::optional<int64_t>>{{"a.a_id_seq", 1}, {"a.free", 70}, {"a.unused", std::nullopt}, {"b.free", 70}}));
}

TEST_F(PgInitialCopyTest, SnapshotAndStreamTogetherLoseAndDoubleNothingUnderLoad) {
  Run("CREATE TABLE public.shot (id int PRIMARY KEY)");
  Connect();
  ASSERT_TRUE(source_->EnsurePublication(tables_).ok());
  std::atomic<bool> stop{false};
  std::atomic<int> next{1};
  std::vector<std::jthread> writers;
  for (int i = 0; i < 3; ++i)
    writers.emplace_back([&] {
      auto writer = PgConnection::Connect(config_.dsn);
      while (!stop) ASSERT_TRUE(writer->Execute("INSERT INTO public.shot VALUES (" + std::to_string(next++) + ")").ok());
    });
  const auto stop_writers = [&] { stop = true; writers.clear(); };
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  auto copy = source_->CreateSlotWithSnapshot();
  if (!copy.ok()) stop_writers();
  ASSERT_TRUE(copy.ok()) << copy.error().message << copy.error().evidence;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  stop_writers();
  FirstFields rows;
  auto reader = (*copy)->Open();
  ASSERT_TRUE(reader.ok());
  for (const CopyRange& range : (*copy)->Plan(tables_, 1 << 20)) ASSERT_TRUE((*reader)->Read(tables_[range.table], range, rows).ok());
  const Lsn start = (*copy)->snapshot_lsn();
  copy->reset();
  auto stream = source_->OpenStream(start);
  ASSERT_TRUE(stream.ok()) << stream.error().message << stream.error().evidence;
  const Lsn end = *source_->CurrentLsn();
  std::multiset<int32_t> seen(rows.values.begin(), rows.values.end());
  size_t streamed = 0;
  for (Lsn at; at < end;) {
    const auto batch = (*stream)->Next(std::chrono::milliseconds(1000));
    ASSERT_TRUE(batch.ok() && *batch);
    at = std::max(at, (*batch)->end_lsn);
    for (const Transaction& transaction : (*batch)->transactions) EXPECT_GE(transaction.commit_lsn, start);
    for (const Change& change : (*batch)->changes) {
      seen.insert(LoadBigEndian<int32_t>(TupleReader((*batch)->new_tuple(change)).Next().bytes.data()));
      ++streamed;
    }
  }
  EXPECT_GT(rows.values.size(), 0u);
  EXPECT_GT(streamed, 0u);
  EXPECT_EQ(seen.size(), static_cast<size_t>(next - 1));
  EXPECT_EQ(std::set<int32_t>(seen.begin(), seen.end()).size(), seen.size());
}

TEST_F(PgInitialCopyTest, ChildrenLeavesAndHostileNamesAreReadOnceEach) {
  Run("CREATE TABLE public.\"a\"\"b; drop\" (\"x y\" int PRIMARY KEY); INSERT INTO public.\"a\"\"b; drop\" VALUES (1);"
      "CREATE TABLE public.parent (id int PRIMARY KEY); CREATE TABLE public.child (PRIMARY KEY (id)) INHERITS (public.parent);"
      "INSERT INTO public.parent VALUES (2); INSERT INTO public.child VALUES (3);"
      "CREATE TABLE public.m (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE public.m1 (v text, id int NOT NULL);"
      "ALTER TABLE public.m ATTACH PARTITION public.m1 FOR VALUES FROM (0) TO (10); CREATE TABLE public.m2 PARTITION OF public.m DEFAULT;"
      "INSERT INTO public.m VALUES (4, 'four'), (50, 'fifty')");
  Connect();
  ASSERT_EQ(tables_.size(), 4u);
  auto copy = source_->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok());
  auto reader = (*copy)->Open();
  ASSERT_TRUE(reader.ok());
  FirstFields rows;
  for (const CopyRange& range : (*copy)->Plan(tables_, 1 << 20)) ASSERT_TRUE((*reader)->Read(tables_[range.table], range, rows).ok());
  EXPECT_THAT(rows.values, ::testing::UnorderedElementsAre(1, 2, 3, 4, 50));
}

TEST_F(PgInitialCopyTest, ObjectReferencesAreReadAsText) {
  Run("CREATE TABLE public.r (id int PRIMARY KEY, c regclass); INSERT INTO public.r VALUES (1, 'public.r')");
  Connect();
  auto copy = source_->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok());
  auto reader = (*copy)->Open();
  FirstFields rows;
  ASSERT_TRUE((*reader)->Read(tables_[0], (*copy)->Plan(tables_, 1 << 20)[0], rows).ok());
  EXPECT_THAT(rows.second, ::testing::ElementsAre("public.r"));
}

TEST_F(PgInitialCopyTest, ATableThatLostItsFilesAfterTheSnapshotIsAnErrorInsteadOfEmpty) {
  for (const char* table : {"emptied", "rewritten", "quiet"})
    Run(fmt::format("CREATE TABLE public.{0} (id int PRIMARY KEY); INSERT INTO public.{0} SELECT generate_series(1, 10)", table));
  Connect();
  auto copy = source_->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok()) << copy.error().message << copy.error().evidence;
  Run("TRUNCATE public.emptied");
  Run("ALTER TABLE public.rewritten ADD COLUMN made timestamptz DEFAULT clock_timestamp()");
  auto reader = (*copy)->Open();
  ASSERT_TRUE(reader.ok());
  size_t read = 0;
  for (const CopyRange& range : (*copy)->Plan(tables_, 1 << 20)) {
    FirstFields rows;
    const Status done = (*reader)->Read(tables_[range.table], range, rows);
    if (tables_[range.table].schema->name.name == "quiet") {
      EXPECT_TRUE(done.ok());
      EXPECT_EQ(rows.values.size(), 10u);
    } else {
      ASSERT_FALSE(done.ok());
      EXPECT_EQ(done.error().code, slu::kCopiedTableRewritten);
      EXPECT_TRUE(rows.values.empty());
    }
    ++read;
  }
  EXPECT_EQ(read, 3u);
}

TEST_F(PgInitialCopyTest, ATableThatGotOrLostAPartitionAfterTheSnapshotIsAnError) {
  for (const char* table : {"gets", "loses", "quiet"})
    Run(fmt::format("CREATE TABLE public.{0} (id int PRIMARY KEY) PARTITION BY RANGE (id);"
                    "CREATE TABLE public.{0}_1 PARTITION OF public.{0} FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);"
                    "CREATE TABLE public.{0}_1a PARTITION OF public.{0}_1 FOR VALUES FROM (0) TO (5);"
                    "CREATE TABLE public.{0}_2 PARTITION OF public.{0} FOR VALUES FROM (10) TO (20); INSERT INTO public.{0} VALUES (1), (11)", table));
  Run("CREATE TABLE public.alone (id int PRIMARY KEY); INSERT INTO public.alone VALUES (25)");
  Connect();
  auto copy = source_->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok()) << copy.error().message << copy.error().evidence;
  Run("ALTER TABLE public.gets ATTACH PARTITION public.alone FOR VALUES FROM (20) TO (30)");
  Run("ALTER TABLE public.loses DETACH PARTITION public.loses_2");
  auto tables = source_->ReadTables();
  ASSERT_TRUE(tables.ok());
  auto reader = (*copy)->Open();
  ASSERT_TRUE(reader.ok());
  size_t refused = 0;
  for (const CopyRange& range : (*copy)->Plan(*tables, 1 << 20)) {
    FirstFields rows;
    const std::string& name = (*tables)[range.table].schema->name.name;
    const Status done = (*reader)->Read((*tables)[range.table], range, rows);
    const bool changed = name == "gets" || name == "loses";
    EXPECT_EQ(done.ok(), !changed) << name;
    if (done.ok()) continue;
    EXPECT_EQ(done.error().code, slu::kCopiedTableRewritten);
    ++refused;
  }
  EXPECT_EQ(refused, 4u);
}

TEST_F(PgInitialCopyTest, RowSecurityIsAnErrorInsteadOfMissingRows) {
  Run("CREATE TABLE public.s (id int PRIMARY KEY); INSERT INTO public.s VALUES (1); ALTER TABLE public.s ENABLE ROW LEVEL SECURITY;"
      "CREATE ROLE limited LOGIN REPLICATION; GRANT USAGE ON SCHEMA public TO limited; GRANT SELECT ON public.s TO limited");
  const size_t user = config_.dsn.find(" user=");
  config_.dsn = config_.dsn.substr(0, user) + " user=limited";
  Connect();
  auto copy = source_->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok()) << copy.error().message << copy.error().evidence;
  auto reader = (*copy)->Open();
  FirstFields rows;
  const Status read = (*reader)->Read(tables_[0], (*copy)->Plan(tables_, 1 << 20)[0], rows);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind, ErrorKind::kNeedsOperator);
  EXPECT_EQ(rows.values.size(), 0u);
}

TEST(PlanRanges, CutsByBytesLargestTableFirstAndLeavesNoGap) {
  TableDefinition small;
  small.leaves = {{.oid = 1, .name = {"public", "small"}, .pages = 0, .size_bytes = 0, .attachments = {}}};
  TableDefinition large;
  large.leaves = {{.oid = 2, .name = {"public", "large"}, .pages = 100, .size_bytes = 1000, .attachments = {}}, {.oid = 3, .name = {"public", "toasted"}, .pages = 2, .size_bytes = 900, .attachments = {}}};
  const std::vector<CopyRange> ranges = PlanRanges({small, large}, 100);
  EXPECT_EQ(ranges.front().table, 1u);
  EXPECT_EQ(ranges.back().table, 0u);
  EXPECT_EQ(ranges.back().end_block, UINT32_MAX);
  std::map<std::pair<size_t, size_t>, uint32_t> next;
  for (const CopyRange& range : ranges) {
    uint32_t& at = next[{range.table, range.leaf}];
    EXPECT_EQ(range.first_block, at);
    EXPECT_LT(range.first_block, range.end_block);
    at = range.end_block;
  }
  for (const auto& [leaf, end] : next) EXPECT_EQ(end, UINT32_MAX);
  EXPECT_EQ(ranges.size(), 11u + 2u + 1u);
}

TEST(CopyRows, EveryCutOfAMessageIsRefused) {
  std::string header = std::string("PGCOPY\n\377\r\n\0", 11) + std::string(8, '\0');
  std::string row;
  AppendBigEndian<uint16_t>(row, 2);
  AppendBigEndian<int32_t>(row, 4);
  AppendBigEndian<int32_t>(row, 42);
  AppendBigEndian<int32_t>(row, -1);
  const std::string message = header + row;
  for (size_t size = 0; size <= message.size(); ++size) {
    FirstFields receiver;
    CopyRows rows(2, receiver);
    const Status added = rows.Add(AsBytes(std::string_view(message).substr(0, size)));
    EXPECT_EQ(added.ok(), size == header.size() || size == message.size()) << size;
  }
  FirstFields receiver;
  CopyRows rows(2, receiver);
  ASSERT_TRUE(rows.Add(AsBytes(message)).ok());
  ASSERT_TRUE(rows.Add(AsBytes(row)).ok());
  EXPECT_FALSE(rows.Finish().ok()) << "without trailer";
  ASSERT_TRUE(rows.Add(AsBytes(std::string("\xff\xff"))).ok());
  ASSERT_TRUE(rows.Finish().ok());
  EXPECT_THAT(receiver.values, ::testing::ElementsAre(42, 42));
  CopyRows other(3, receiver);
  EXPECT_FALSE(other.Add(AsBytes(message)).ok()) << "another number of columns";
}

}  // namespace
}  // namespace sluice

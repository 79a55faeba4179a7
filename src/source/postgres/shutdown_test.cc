// What happens to a source whose stream we hold when it stops, crashes or throws its log away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "observability/errors/source_codes.h"
#include "pg_test_server.h"
#include "postgres/connection.h"
#include "source/postgres/pg_source.h"
#include "source/postgres/stream_recorder.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::StreamRecorder;

SourceConfig ConfigOf(const std::string& dsn) {
  SourceConfig config;
  config.dsn = dsn;
  return config;
}

struct Running {
  std::unique_ptr<PgSource> source;
  std::unique_ptr<ChangeStream> stream;
  Lsn start;
};

Running StartOn(const std::string& dsn) {
  Running running;
  auto source = PgSource::Connect(ConfigOf(dsn), {}, "/tmp/sluice-shutdown-test");
  EXPECT_TRUE(source.ok());
  running.source = std::move(source).value();
  EXPECT_TRUE(running.source->EnsurePublication(*running.source->ReadTables()).ok());
  auto copy = running.source->CreateSlotWithSnapshot();
  EXPECT_TRUE(copy.ok());
  running.start = (*copy)->snapshot_lsn();
  copy->reset();
  auto stream = running.source->OpenStream(running.start);
  EXPECT_TRUE(stream.ok());
  running.stream = std::move(stream).value();
  return running;
}

void Execute(const std::string& dsn, const std::string& sql) {
  auto connection = PgConnection::Connect(dsn);
  ASSERT_TRUE(connection.ok());
  const auto done = connection->Execute(sql);
  ASSERT_TRUE(done.ok()) << done.error().evidence;
}

TEST(Shutdown, AFastShutdownOfTheSourceDoesNotWaitForOurSinks) {
  testing::PgTestServer server;
  const std::string dsn = server.NewDatabase();
  Execute(dsn, "CREATE TABLE public.shot (id int PRIMARY KEY)");
  Running running = StartOn(dsn);
  Execute(dsn, "INSERT INTO public.shot VALUES (1)");
  StreamRecorder recorder;
  ASSERT_TRUE(recorder.ReadUntil(*running.stream, *running.source->CurrentLsn()).ok());
  // Nothing is acknowledged: a sink that commits once a minute. The reader goes on until it is told to let go.
  Error seen;
  std::jthread reader([&] {
    for (;;) {
      const auto batch = running.stream->Next(milliseconds(1000));
      if (batch.ok()) continue;
      seen = batch.error();
      running.stream.reset();
      return;
    }
  });
  const auto begun = std::chrono::steady_clock::now();
  server.Restart();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  reader.join();
  EXPECT_EQ(seen.kind, ErrorKind::kUnavailable);
  EXPECT_EQ(seen.code, slu::kSourceStopping) << seen.message;
  auto again = PgSource::Connect(ConfigOf(dsn), {}, "/tmp/sluice-shutdown-test");
  ASSERT_TRUE(again.ok());
  auto stream = (*again)->OpenStream(running.start);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  StreamRecorder replayed;
  ASSERT_TRUE(replayed.ReadUntil(**stream, *(*again)->CurrentLsn()).ok());
  EXPECT_THAT(replayed.changes(), ::testing::ElementsAre("insert public.shot b:00000001"));
}

TEST(Shutdown, AfterACrashOfTheSourceWhatWasNotAcknowledgedComesAgain) {
  testing::PgTestServer server;
  const std::string dsn = server.NewDatabase();
  Execute(dsn, "CREATE TABLE public.shot (id int PRIMARY KEY)");
  Running running = StartOn(dsn);
  Execute(dsn, "INSERT INTO public.shot VALUES (1)");
  StreamRecorder recorder;
  ASSERT_TRUE(recorder.ReadUntil(*running.stream, *running.source->CurrentLsn()).ok());
  server.Crash();
  Result<ChangeBatchPtr> broken = ChangeBatchPtr();
  for (int i = 0; i < 50 && broken.ok(); ++i) broken = running.stream->Next(milliseconds(100));
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().kind, ErrorKind::kUnavailable);
  auto again = PgSource::Connect(ConfigOf(dsn), {}, "/tmp/sluice-shutdown-test");
  ASSERT_TRUE(again.ok());
  auto stream = (*again)->OpenStream(running.start);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  StreamRecorder replayed;
  ASSERT_TRUE(replayed.ReadUntil(**stream, *(*again)->CurrentLsn()).ok());
  EXPECT_THAT(replayed.changes(), ::testing::ElementsAre("insert public.shot b:00000001"));
}

TEST(Shutdown, ASlotWhoseLogIsGoneIsLostAndSaysSo) {
  testing::PgTestServer server({.bin_folder = "", .extra_settings = "max_slot_wal_keep_size=16MB\nmin_wal_size=32MB\nmax_wal_size=32MB"});
  const std::string dsn = server.NewDatabase();
  Execute(dsn, "CREATE TABLE public.shot (id int PRIMARY KEY)");
  Running running = StartOn(dsn);
  running.stream.reset();
  for (int i = 0; i < 6; ++i) Execute(dsn, "SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000)), pg_switch_wal()");
  Execute(dsn, "CHECKPOINT");
  const auto slot = running.source->FindSlot();
  ASSERT_TRUE(slot.ok() && slot->has_value());
  EXPECT_TRUE((*slot)->lost);
  const auto stream = running.source->OpenStream(Lsn{UINT64_MAX});
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().kind, ErrorKind::kSourceLost);
  EXPECT_EQ(stream.error().code, slu::kSlotLost);
}

}  // namespace
}  // namespace sluice

#include "source/postgres/pg_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <thread>

#include "observability/errors/source_codes.h"
#include "pg_test_server.h"
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

}  // namespace
}  // namespace sluice

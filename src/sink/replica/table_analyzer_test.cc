#include "sink/replica/table_analyzer.h"

#include <gtest/gtest.h>

#include <chrono>

#include "pg_test_server.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/test_source.h"

namespace sluice {
namespace {

using testing::TestSource;
using std::chrono::steady_clock;

class TableAnalyzerTest : public ::testing::Test {
 protected:
  TableAnalyzerTest() {
    auto connection = PgConnection::Connect(dsn_);
    EXPECT_TRUE(connection.ok());
    EXPECT_TRUE(OpenBookkeeping(*connection, {12345, 1, "source", "sluice"}).ok());
  }

  void MakeCopied(const std::string& name, const std::string& sql) {
    replica_.Run(sql);
    replica_.Run("INSERT INTO sluice.table_state (namespace, name, state, oid, copy_lsn) VALUES ('public', '" + name + "', 'copied', 1, '0/1')");
  }
  bool Becomes(const std::string& question, const std::string& answer) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(20);
    while (replica_.Value(question) != answer)
      if (steady_clock::now() > deadline) return false;
    return true;
  }

  std::string dsn_ = testing::PgTestServer::Shared().NewDatabase();
  TestSource replica_{dsn_};
};

// Only when it is analyzed does the index's expression take that long.
constexpr const char* kSlowToAnalyze =
    "CREATE FUNCTION public.slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
    " IF current_setting('application_name') = 'sluice analyze' THEN PERFORM pg_sleep(120); END IF; RETURN i; END $$;"
    "CREATE TABLE public.t (id int); CREATE INDEX ON public.t (public.slow(id)); INSERT INTO public.t VALUES (1)";

TEST_F(TableAnalyzerTest, CopiedTablesGetStatisticsAndOthersDoNot) {
  MakeCopied("Hits \"x\"", "CREATE TABLE public.\"Hits \"\"x\"\"\" (id int) WITH (autovacuum_enabled = false); INSERT INTO public.\"Hits \"\"x\"\"\" SELECT generate_series(1, 100)");
  MakeCopied("root", "CREATE TABLE public.root (id int) PARTITION BY RANGE (id); CREATE TABLE public.leaf PARTITION OF public.root DEFAULT; INSERT INTO public.root SELECT generate_series(1, 100)");
  replica_.Run("CREATE TABLE public.users_own (id int); INSERT INTO public.users_own SELECT generate_series(1, 100)");
  TableAnalyzer analyzer(dsn_);
  analyzer.Wake();
  EXPECT_TRUE(Becomes("SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND tablename IN ('Hits \"x\"', 'root')", "2"));
  EXPECT_EQ(replica_.Value("SELECT count(*) FROM pg_stats WHERE tablename = 'users_own'"), "0");
}

TEST_F(TableAnalyzerTest, ATableThatIsLockedIsGivenUpAndTheNextOneDone) {
  MakeCopied("locked", "CREATE TABLE public.locked (id int); INSERT INTO public.locked VALUES (1)");
  MakeCopied("next", "CREATE TABLE public.next (id int); INSERT INTO public.next VALUES (1), (2)");
  TestSource holder(dsn_);
  holder.Run("BEGIN");
  holder.Run("LOCK TABLE public.locked");
  TableAnalyzer analyzer(dsn_);
  analyzer.Wake();
  EXPECT_TRUE(Becomes("SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND tablename = 'next'", "1"));
}

TEST_F(TableAnalyzerTest, ItsEndCancelsWhatIsUnderWay) {
  MakeCopied("t", kSlowToAnalyze);
  auto analyzer = std::make_unique<TableAnalyzer>(dsn_);
  analyzer->Wake();
  const std::string working = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice analyze' AND query LIKE 'ANALYZE%'";
  ASSERT_TRUE(Becomes(working, "1"));
  const auto before = steady_clock::now();
  analyzer.reset();
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(10));
  EXPECT_TRUE(Becomes(working, "0"));
}

TEST_F(TableAnalyzerTest, AServerThatCannotBeReachedIsNoFailure) {
  TableAnalyzer analyzer("host=/nowhere dbname=nothing");
  analyzer.Wake();
}

}  // namespace
}  // namespace sluice

// Every failpoint of the replica: killed there, or failing there, once and again during the recovery. What is
// sent again afterwards must leave the replica equal to the source, nothing lost and nothing twice.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "pg_test_server.h"
#include "sink/replica/replica_sink.h"
#include "sink/replica/test_source.h"

namespace sluice {
namespace {

using testing::BatchBuilder;
using testing::KeyOnly;
using testing::TestSource;
using testing::Tuple;
using testing::WithUnchanged;

constexpr Lsn kCopyLsn{1000};

class ReplicaCrashTest : public ::testing::Test {
 protected:
  static LogIdentity Log() { return {12345, 1, "source", "sluice"}; }

  /// The initial copy of two tables and, behind it, a small commit, a large one, one with a collision, one
  /// that comes in parts, and one with a new column.
  void SetUp() override {
    source_.Run("CREATE TABLE public.t (id int PRIMARY KEY, u int UNIQUE, big text); CREATE INDEX t_big ON public.t (big);"
                "CREATE TABLE public.log (what text); ALTER TABLE public.log REPLICA IDENTITY FULL;"
                "INSERT INTO public.t SELECT i, i, 'b' || i FROM generate_series(1, 400) i; INSERT INTO public.log VALUES ('a'), ('a')");
    tables_ = {source_.Describe("public", "t"), source_.Describe("public", "log")};
    TestSource snapshot(source_dsn_);
    snapshot.Run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM public.t");
    for (const TableDefinition& table : tables_) copied_.push_back(source_.Rows(table));
    const TableSchemaPtr t = tables_[0].schema;
    const TableSchemaPtr log = tables_[1].schema;
    BatchBuilder builder;
    const Tuple one = source_.Row(tables_[0], "id = 1");
    const Tuple a = source_.Rows(tables_[1]).front();
    source_.Run("DELETE FROM public.t WHERE id = 1; DELETE FROM public.log WHERE ctid = '(0,1)'; INSERT INTO public.log VALUES ('b')");
    builder.Begin(Lsn{2000}).Delete(t, OldTuple::kKey, KeyOnly(tables_[0], one)).Delete(log, OldTuple::kFull, a)
        .Insert(log, source_.Row(tables_[1], "what = 'b'"));
    batches_.push_back(builder.Build());
    source_.Run("UPDATE public.t SET u = u + 1000; INSERT INTO public.t SELECT i, i, 'n' FROM generate_series(500, 800) i");
    builder.Begin(Lsn{3000});
    for (const Tuple& row : source_.Rows(tables_[0], "id < 500")) builder.Update(t, OldTuple::kNone, {}, WithUnchanged(row, 2));
    for (const Tuple& row : source_.Rows(tables_[0], "id >= 500")) builder.Insert(t, row);
    batches_.push_back(builder.Build());
    source_.Run("UPDATE public.t SET u = 0 WHERE id = 2; UPDATE public.t SET u = 1002 WHERE id = 3; UPDATE public.t SET u = 1003 WHERE id = 2");
    builder.Begin(Lsn{4000}).Update(t, OldTuple::kNone, {}, source_.Row(tables_[0], "id = 3"))
        .Update(t, OldTuple::kNone, {}, source_.Row(tables_[0], "id = 2"));
    batches_.push_back(builder.Build());
    source_.Run("INSERT INTO public.t SELECT i, i, 'p' FROM generate_series(2000, 2003) i");
    for (int part = 0; part < 4; ++part) {
      builder.Begin(Lsn{5000}).Insert(t, source_.Row(tables_[0], "id = " + std::to_string(2000 + part)));
      batches_.push_back(builder.Build(/*ends_here=*/part == 3));
    }
    source_.Run("ALTER TABLE public.log ADD COLUMN note text; INSERT INTO public.log VALUES ('c', 'with a note')");
    const TableDefinition noted = source_.Describe("public", "log");
    builder.Begin(Lsn{6000}).Insert(noted.schema, source_.Row(noted, "what = 'c'"));
    batches_.push_back(builder.Build());
  }

  Status Copy(Sink& sink) {
    RETURN_IF_ERROR(sink.KeepCopies({}));
    RETURN_IF_ERROR(sink.PrepareTables(tables_, {{Log(), kCopyLsn}, Timestamp{}}));
    for (size_t i = 0; i < tables_.size(); ++i) {
      ASSIGN_OR_RETURN(auto writer, sink.OpenCopyWriter(tables_[i], BlockRange{}));
      for (const Tuple& tuple : copied_[i]) RETURN_IF_ERROR(writer->Rows(AsBytes(CopyForm(tuple)), 1));
      RETURN_IF_ERROR(writer->Finish());
    }
    return sink.FinishTables(tables_, {Log(), kCopyLsn}, Timestamp{});
  }

  /// What a pipeline does from start to end; what is behind the bookmark already is sent all the same.
  Status RunOnce() {
    ReplicaConfig config;
    config.dsn = replica_dsn_;
    config.commit_bytes_max = 200;  // Small commits wait for their end, parts are applied as they come.
    ASSIGN_OR_RETURN(const std::unique_ptr<Sink> sink, ReplicaSink::Open(config, Log()));
    if (sink->copied_tables().size() < tables_.size()) RETURN_IF_ERROR(Copy(*sink));
    RETURN_IF_ERROR(Stream(*sink));
    return sink->Follow(tables_[0], FollowExtent::kAll);
  }

  /// As RunOnce; in the midst a table is copied again beside the stream, under the same snapshot as the first time.
  Status RunOnceWithRefill() {
    RETURN_IF_ERROR(RunOnce());
    ReplicaConfig config;
    config.dsn = replica_dsn_;
    {
      ASSIGN_OR_RETURN(const std::unique_ptr<Sink> sink, ReplicaSink::Open(config, Log()));
      if (replica_.Value("SELECT to_regclass('public.refilled') IS NULL") == "t") {
        RETURN_IF_ERROR(sink->Forget(tables_[0].schema->name));
        ASSIGN_OR_RETURN(const std::unique_ptr<Sink> beside, sink->OpenBeside());
        RETURN_IF_ERROR(Copy(*beside));
        replica_.Run("CREATE TABLE public.refilled ()");
      }
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<Sink> sink, ReplicaSink::Open(config, Log()));
    RETURN_IF_ERROR(Stream(*sink));
    return PutRight(*sink);
  }

  /// One row that is there already, and one that the source does not have.
  Status PutRight(Sink& sink) {
    RowRepair repair;
    repair.schema = tables_[0].schema;
    const auto add = [&](const std::vector<std::optional<std::string>>& values) {
      std::string tuple;
      AppendBigEndian<int16_t>(tuple, static_cast<int16_t>(values.size()));
      for (const auto& value : values) {
        tuple += value ? 't' : 'n';
        if (!value) continue;
        AppendBigEndian<int32_t>(tuple, static_cast<int32_t>(value->size()));
        tuple += *value;
      }
      const size_t at = repair.bytes.size();
      repair.bytes.insert(repair.bytes.end(), AsBytes(tuple).begin(), AsBytes(tuple).end());
      return at;
    };
    std::vector<std::optional<std::string>> row{"2"}, key{"2"}, missing{"987654"};
    for (size_t i = 1; i < repair.schema->columns.size(); ++i) {
      row.push_back(source_.Value("SELECT " + repair.schema->columns[i].name + " FROM public.t WHERE id = 2"));
      key.push_back(std::nullopt);
      missing.push_back(std::nullopt);
    }
    const size_t key_at = add(key), row_at = add(row), missing_at = add(missing);
    repair.rows = {{key_at, row_at}, {missing_at, std::nullopt}};
    RETURN_IF_ERROR(sink.Repair({&repair, 1}));
    return sink.Commit({Log(), sink.bookmark()->position.lsn}, Timestamp{});
  }

  Status Stream(Sink& sink_ref) {
    Sink* const sink = &sink_ref;
    for (const ChangeBatchPtr& batch : batches_) {
      RETURN_IF_ERROR(sink->Write(batch));
      if (batch->ends_transaction()) RETURN_IF_ERROR(sink->Commit({Log(), batch->end_lsn}, Timestamp{}));
    }
    return Ok();
  }

  static std::string CopyForm(const Tuple& tuple) {
    TupleReader reader(AsBytes(tuple).data());
    std::string row;
    AppendBigEndian<int16_t>(row, static_cast<int16_t>(reader.columns()));
    for (size_t i = 0; i < reader.columns(); ++i) {
      const Value value = reader.Next();
      AppendBigEndian<int32_t>(row, value.kind == ValueKind::kNull ? -1 : static_cast<int32_t>(value.bytes.size()));
      row += AsText(value.bytes);
    }
    return row;
  }

  void Reset() { replica_.Run("SET client_min_messages = warning; DROP SCHEMA IF EXISTS sluice CASCADE; DROP TABLE IF EXISTS public.t, public.log, public.refilled"); }

  void ExpectEqual() {
    for (const char* table : {"t", "log"}) {
      const std::string sql = std::string("SELECT string_agg(x::text, ',' ORDER BY x::text) FROM public.") + table + " x";
      EXPECT_EQ(replica_.Value(sql), source_.Value(sql)) << table;
    }
    EXPECT_EQ(replica_.Value("SELECT lsn FROM sluice.bookmark"), ToString(Lsn{6008}));
  }

  std::string source_dsn_ = testing::PgTestServer::Shared().NewDatabase();
  std::string replica_dsn_ = testing::PgTestServer::Shared().NewDatabase();
  TestSource source_{source_dsn_};
  TestSource replica_{replica_dsn_};
  std::vector<TableDefinition> tables_;
  std::vector<std::vector<Tuple>> copied_;
  std::vector<ChangeBatchPtr> batches_;
};

std::vector<std::string_view> Failpoints() {
  std::vector<std::string_view> names;
  for (const std::string_view name : failpoint::All())
    if (name.starts_with("replica.")) names.push_back(name);
  return names;
}

TEST_F(ReplicaCrashTest, AnErrorAnywhereIsMadeGoodByOpeningAgain) {
  ASSERT_GT(Failpoints().size(), 10u);
  for (const std::string_view name : Failpoints()) {
    SCOPED_TRACE(name);
    Reset();
    // Once with a plain error, then while making that good with one that leaves the outcome open.
    for (const char* action : {"=error:1", "=unknown:1"}) {
      ASSERT_TRUE(failpoint::Arm(std::string(name) + action).ok());
      const Status done = RunOnceWithRefill();
      EXPECT_TRUE(!done.ok() || std::string_view(action) != "=error:1") << "never reached";
    }
    ASSERT_TRUE(failpoint::Arm("").ok());
    const Status done = RunOnceWithRefill();
    ASSERT_TRUE(done.ok()) << done.error().message;
    ExpectEqual();
  }
}

TEST_F(ReplicaCrashTest, AKillAnywhereLosesAndDoublesNothing) {
  for (const std::string_view name : Failpoints()) {
    SCOPED_TRACE(name);
    Reset();
    // The second child is killed in its recovery from the first one's death.
    for (const int hit : {1, 2}) {
      const pid_t pid = fork();
      ASSERT_GE(pid, 0);
      if (pid == 0) {
        const Status armed = failpoint::Arm(std::string(name) + "=kill:" + std::to_string(hit));
        _exit(armed.ok() && RunOnceWithRefill().ok() ? 0 : 1);
      }
      int status = 0;
      ASSERT_EQ(waitpid(pid, &status, 0), pid);
      const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
      EXPECT_TRUE(killed || (hit == 2 && WIFEXITED(status) && WEXITSTATUS(status) == 0)) << status;
    }
    const Status done = RunOnceWithRefill();
    ASSERT_TRUE(done.ok()) << done.error().message << " " << done.error().evidence;
    ExpectEqual();
  }
}

}  // namespace
}  // namespace sluice

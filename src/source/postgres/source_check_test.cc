#include "source/postgres/source_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "observability/errors/source_codes.h"
#include "pg_test_server.h"
#include "postgres/connection.h"
#include "source/postgres/pg_source.h"
#include "source/postgres/slot.h"

namespace sluice {
namespace {

using testing::PgTestServer;

const Finding* Find(const Findings& findings, const std::string& id, const std::string& object = "") {
  for (const Finding& finding : findings)
    if (finding.id == id && (object.empty() || finding.object == object)) return &finding;
  return nullptr;
}

void Execute(const std::string& dsn, const std::string& sql) {
  auto connection = PgConnection::Connect(dsn);
  ASSERT_TRUE(connection.ok());
  const auto done = connection->Execute(sql);
  ASSERT_TRUE(done.ok()) << done.error().evidence;
}

SourceConfig ConfigOf(const std::string& dsn) {
  SourceConfig config;
  config.dsn = dsn;
  return config;
}

std::string AsUser(const std::string& dsn, const std::string& user) { return dsn.substr(0, dsn.find(" user=")) + " user=" + user; }

TEST(SourceCheck, AServerThatCannotBeReachedIsAFinding) {
  const Findings findings = CheckSource(ConfigOf("host=/nowhere dbname=x"), {});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].id, "S001");
  EXPECT_EQ(findings[0].severity, Severity::kFail);
}

TEST(SourceCheck, AGoodSourceHasNoFailureAndABadOneNamesEachWithItsFix) {
  const std::string dsn = PgTestServer::Shared().NewDatabase();
  Execute(dsn, "CREATE TABLE public.good (id int PRIMARY KEY)");
  for (const Finding& finding : CheckSource(ConfigOf(dsn), {})) EXPECT_NE(finding.severity, Severity::kFail) << finding.id << " " << finding.found;
  Execute(dsn, "CREATE TABLE public.note (t text); CREATE UNLOGGED TABLE public.cache (id int PRIMARY KEY); CREATE PUBLICATION sluice FOR ALL TABLES;"
           "CREATE ROLE checked LOGIN; CREATE TABLE public.part (id int) PARTITION BY LIST (id); CREATE TABLE public.leaf PARTITION OF public.part DEFAULT");
  const Findings findings = CheckSource(ConfigOf(AsUser(dsn, "checked")), {});
  ASSERT_NE(Find(findings, "S030", "public.note"), nullptr);
  EXPECT_EQ(Find(findings, "S030", "public.note")->severity, Severity::kWarn);
  EXPECT_THAT(Find(findings, "S030", "public.note")->fix, ::testing::HasSubstr("REPLICA IDENTITY FULL"));
  EXPECT_NE(Find(findings, "S030", "public.leaf"), nullptr) << "a leaf needs an identity of its own";
  EXPECT_EQ(Find(findings, "S030", "public.good"), nullptr);
  EXPECT_EQ(Find(findings, "S034", "public.cache")->severity, Severity::kWarn);
  EXPECT_EQ(Find(findings, "S036", "public.good")->fix, "GRANT SELECT ON TABLE \"public\".\"good\" TO \"checked\";");
  EXPECT_EQ(Find(findings, "S002")->severity, Severity::kFail);
  EXPECT_EQ(Find(findings, "S032")->severity, Severity::kFail);
  EXPECT_EQ(Find(findings, "S013")->severity, Severity::kWarn);
}

TEST(PrivilegesSql, GivesARoleWhatCopyAndStreamNeedAndCanRunTwice) {
  const std::string dsn = PgTestServer::Shared().NewDatabase();
  Execute(dsn, "CREATE TABLE public.\"odd \"\"name\" (id serial PRIMARY KEY); CREATE TABLE public.part (id int PRIMARY KEY) PARTITION BY LIST (id);"
           "CREATE TABLE public.leaf PARTITION OF public.part DEFAULT; INSERT INTO public.part VALUES (1); CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY)");
  SourceConfig config = ConfigOf(dsn);
  config.slot = "least";
  config.publication = "least";
  auto admin = PgSource::Connect(config, {}, "/tmp/sluice-check-test");
  ASSERT_TRUE(admin.ok());
  const std::string script = PrivilegesSql(config, "least 'role\"", *(*admin)->ReadTables());
  char path[] = "/tmp/sluice-privileges-XXXXXX";
  ASSERT_GE(mkstemp(path), 0);
  std::ofstream(path) << script;
  for (int round = 0; round < 2; ++round)
    ASSERT_EQ(std::system(("psql -qX -v ON_ERROR_STOP=1 -d '" + dsn + "' -f " + path + " >/dev/null").c_str()), 0) << script;
  std::remove(path);
  config.dsn = AsUser(dsn, "'least \\'role\"'");
  EXPECT_EQ(RoleOf(config.dsn), "least 'role\"");
  for (const Finding& finding : CheckSource(config, {})) EXPECT_NE(finding.severity, Severity::kFail) << finding.id << " " << finding.object << " " << finding.found;
  auto source = PgSource::Connect(config, {}, "/tmp/sluice-check-test");
  ASSERT_TRUE(source.ok()) << source.error().message << source.error().evidence;
  const auto tables = (*source)->ReadTables();
  ASSERT_TRUE(tables.ok());
  EXPECT_EQ(tables->size(), 3u);
  EXPECT_TRUE((*source)->EnsurePublication(*tables).ok());
  auto copy = (*source)->ExportSnapshot(kSnapshotWaitMax);
  ASSERT_TRUE(copy.ok());
  auto reader = (*copy)->Open();
  ASSERT_TRUE(reader.ok());
  class Nothing final : public RowReceiver {
    Status Rows(Bytes, size_t) override { return Ok(); }
  } nothing;
  for (const CopyRange& range : (*copy)->Plan(*tables, 1 << 20)) {
    const Status read = (*reader)->Read((*tables)[range.table], range, nothing);
    EXPECT_TRUE(read.ok()) << read.error().message << read.error().evidence;
  }
}

TEST(CheckSlot, EveryStateHasItsOwnError) {
  SlotFacts good;
  good.plugin = "pgoutput";
  good.database = "db";
  good.slot_type = "logical";
  good.state.confirmed_flush_lsn = Lsn{100};
  const auto code = [](const std::optional<SlotFacts>& slot, uint64_t resume) {
    const Status status = CheckSlot(slot, "s", "db", Lsn{resume});
    return status.ok() ? 0 : status.error().code;
  };
  EXPECT_EQ(code(good, 100), 0);
  EXPECT_EQ(code(good, 200), 0);
  EXPECT_EQ(code(good, 99), slu::kSlotAhead);
  EXPECT_EQ(code(std::nullopt, 100), slu::kSlotMissing);
  SlotFacts lost = good;
  lost.state.lost = true;
  EXPECT_EQ(code(lost, 200), slu::kSlotLost);
  SlotFacts active = good;
  active.state.active = true;
  active.state.active_pid = 42;
  EXPECT_EQ(code(active, 200), slu::kSlotInUse);
  EXPECT_THAT(CheckSlot(active, "s", "db", Lsn{200}).error().message, ::testing::HasSubstr("42"));
  SlotFacts foreign = good;
  foreign.plugin = "test_decoding";
  EXPECT_EQ(code(foreign, 200), slu::kSlotForeign);
  foreign = good;
  foreign.two_phase = true;
  EXPECT_EQ(code(foreign, 200), slu::kSlotForeign);
}

}  // namespace
}  // namespace sluice

#include "sink/replica/replica_check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "pg_test_server.h"
#include "sink/replica/test_source.h"

namespace sluice {
namespace {

const Finding* Find(const Findings& findings, const std::string& id, const std::string& object = "") {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const Finding& f) { return f.id == id && (object.empty() || f.object == object); });
  return found == findings.end() ? nullptr : &*found;
}

class ReplicaCheckTest : public ::testing::Test {
 protected:
  std::string dsn_ = testing::PgTestServer::Shared().NewDatabase();
  testing::TestSource source_{testing::PgTestServer::Shared().NewDatabase()};
  testing::TestSource replica_{dsn_};
};

TEST_F(ReplicaCheckTest, AnEmptyDatabaseOfASuperuserHasNothingToFix) {
  source_.Run("SET search_path = public; CREATE EXTENSION hstore; CREATE TABLE public.t (id int PRIMARY KEY, h public.hstore)");
  ReplicaConfig config;
  config.dsn = dsn_;
  const Findings findings = CheckReplica(config, LogIdentity{1, 1, "elsewhere", "sluice"}, {source_.Describe("public", "t")});
  for (const Finding& finding : findings) EXPECT_LE(finding.severity, Severity::kInfo) << finding.id << " " << finding.found;
  for (const char* id : {"T001", "T002", "T005", "T010", "T011", "T020", "T030"}) EXPECT_NE(Find(findings, id), nullptr) << id;
  EXPECT_EQ(replica_.Value("SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice'"), "0");
}

TEST_F(ReplicaCheckTest, TablesOfOthersAndMissingPrivilegesAreNamedWithTheirFix) {
  source_.Run("CREATE TABLE public.a (id int PRIMARY KEY); CREATE TABLE public.b (id int PRIMARY KEY)");
  replica_.Run("DO $$ BEGIN CREATE ROLE check_me LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
               "CREATE TABLE public.a (id text); CREATE TABLE public.b (id int PRIMARY KEY); INSERT INTO public.b VALUES (1);"
               "GRANT SELECT ON ALL TABLES IN SCHEMA public TO check_me");
  ReplicaConfig config;
  config.dsn = dsn_ + " ";
  config.dsn.replace(config.dsn.find("user=postgres"), 13, "user=check_me");
  const Findings findings = CheckReplica(config, std::nullopt, {source_.Describe("public", "a"), source_.Describe("public", "b")});
  for (const char* object : {"public.a", "public.b"}) {
    const Finding* finding = Find(findings, "T020", object);
    ASSERT_NE(finding, nullptr) << object;
    EXPECT_EQ(finding->severity, Severity::kFail);
    EXPECT_FALSE(finding->fix.empty());
  }
  ASSERT_NE(Find(findings, "T010"), nullptr);
  EXPECT_EQ(Find(findings, "T010")->severity, Severity::kFail);
  ASSERT_NE(Find(findings, "T011"), nullptr);
  EXPECT_EQ(Find(findings, "T011")->severity, Severity::kWarn);
}

TEST_F(ReplicaCheckTest, AServerThatIsNotThereIsOneFinding) {
  ReplicaConfig config;
  config.dsn = "host=/nonexistent dbname=x password=secret";
  const Findings findings = CheckReplica(config, std::nullopt, {});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].id, "T001");
  EXPECT_EQ(findings[0].severity, Severity::kFail);
  EXPECT_EQ((findings[0].object + findings[0].found).find("secret"), std::string::npos);
}

}  // namespace
}  // namespace sluice

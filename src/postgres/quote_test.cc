#include "postgres/quote.h"

#include <gtest/gtest.h>

#include <random>

#include "pg_test_server.h"
#include "postgres/connection.h"

namespace sluice {
namespace {

TEST(Quote, TheServerReadsBackAnyBytesAsIdentifierAndLiteral) {
  auto connection = PgConnection::Connect(testing::PgTestServer::Shared().NewDatabase());
  ASSERT_TRUE(connection.ok()) << connection.error().message << connection.error().evidence;
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (size_t i = 0, length = 1 + random() % 63; i < length; ++i) text += static_cast<char>(1 + random() % 127);
    const auto read = connection->Execute("SELECT " + QuoteLiteral(text) + " AS " + QuoteIdentifier(text));
    ASSERT_TRUE(read.ok()) << text;
    EXPECT_EQ(Field(*read, 0, 0), text);
    EXPECT_EQ(std::string_view(PQfname(read->get(), 0)), text);
  }
}

TEST(Connection, OutputFormatsArePinnedWhateverTheDatabaseSays) {
  const std::string dsn = testing::PgTestServer::Shared().NewDatabase();
  {
    auto admin = PgConnection::Connect(dsn);
    ASSERT_TRUE(admin.ok());
    ASSERT_TRUE(admin->Execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET DateStyle = ''German''', current_database()); END $$").ok());
  }
  for (const bool replication : {false, true}) {
    auto connection = PgConnection::Connect(dsn, {.application_name = "test", .replication = replication});
    ASSERT_TRUE(connection.ok()) << connection.error().evidence;
    EXPECT_EQ(*connection->QueryValue("SHOW DateStyle"), "ISO, YMD");
  }
}

TEST(Connection, ARefusalIsToldFromAnOutage) {
  auto unreachable = PgConnection::Connect("host=/nowhere dbname=x");
  ASSERT_FALSE(unreachable.ok());
  EXPECT_EQ(unreachable.error().kind, ErrorKind::kUnavailable);
  auto unknown = PgConnection::Connect(testing::PgTestServer::Shared().Dsn("nosuch"));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind, ErrorKind::kNeedsOperator);
}

TEST(Connection, APasswordIsNeverShown) {
  EXPECT_EQ(RedactDsn("postgresql://u:hunter2@h:5433/db"), "user=u dbname=db host=h port=5433");
}

}  // namespace
}  // namespace sluice

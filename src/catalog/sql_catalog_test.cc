#include "catalog/sql_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/failpoint.h"
#include "catalog/postgres_database.h"
#include "catalog/sqlite_database.h"
#include "iceberg/snapshot_producer.h"
#include "pg_test_server.h"

namespace sluice {
namespace {

using iceberg::Properties;
using ::testing::ElementsAre;

const TableIdentifier kShot{"public", "shot"};
const TableIdentifier kPlayer{"public", "player"};

enum class Kind { kSqlite, kPostgres };

class SqlCatalogTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-catalog-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    if (GetParam() == Kind::kPostgres) dsn_ = testing::PgTestServer::Shared().NewDatabase();
    store_ = ObjectStore::Open(folder_).value();
    catalog_ = OpenCatalog();
    ASSERT_TRUE(catalog_->CreateNamespace("public").ok());
  }
  void TearDown() override {
    ASSERT_TRUE(failpoint::Arm("").ok());
    catalog_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<SqlCatalog> OpenCatalog(SqlCatalog::Options options = {}) {
    auto database = GetParam() == Kind::kPostgres ? OpenPostgresDatabase(dsn_, "sluice") : OpenSqliteDatabase(folder_ + "/catalog.db");
    EXPECT_TRUE(database.ok()) << database.error().message;
    auto catalog = SqlCatalog::Open(std::move(options), std::move(database).value(), *store_);
    EXPECT_TRUE(catalog.ok()) << catalog.error().message << " " << catalog.error().evidence;
    return std::move(catalog).value();
  }

  CatalogTable Create(const TableIdentifier& table) {
    iceberg::NewTable definition;
    definition.uuid = iceberg::NewUuid();
    definition.location = catalog_->DefaultLocation(table);
    definition.schema.fields = {{1, "id", true, iceberg::Primitive(iceberg::TypeId::kLong), ""}};
    auto created = catalog_->CreateTable(table, definition);
    EXPECT_TRUE(created.ok()) << created.error().message;
    return created.value();
  }

  static TableCommit Set(const TableIdentifier& table, const CatalogTable& base,
                         const std::string& value) {
    return {table,
            base,
            {iceberg::AssertUuid{base.metadata->table_uuid}},
            {iceberg::SetProperties{{{"value", value}}}}};
  }

  std::string Value(const TableIdentifier& table) {
    const auto loaded = catalog_->LoadTable(table);
    EXPECT_TRUE(loaded.ok() && *loaded);
    const auto found = (*loaded)->metadata->properties.find("value");
    return found == (*loaded)->metadata->properties.end() ? "" : found->second;
  }

  size_t MetadataFiles(const TableIdentifier& table) {
    return store_->List(catalog_->DefaultLocation(table)).value().size();
  }

  std::string folder_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<SqlCatalog> catalog_;
  std::string dsn_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, SqlCatalogTest, ::testing::Values(Kind::kSqlite, Kind::kPostgres), [](const auto& kind) { return kind.param == Kind::kSqlite ? "Sqlite" : "Postgres"; });

class SqliteCatalogTest : public SqlCatalogTest {};
INSTANTIATE_TEST_SUITE_P(Kinds, SqliteCatalogTest, ::testing::Values(Kind::kSqlite));

class PostgresCatalogTest : public SqlCatalogTest {};
INSTANTIATE_TEST_SUITE_P(Kinds, PostgresCatalogTest, ::testing::Values(Kind::kPostgres));

TEST_P(SqlCatalogTest, KeepsNamespacesAndTheirProperties) {
  EXPECT_EQ(catalog_->NamespaceProperties("sluice").value(), std::nullopt);
  ASSERT_TRUE(catalog_->CreateNamespace("sluice").ok());
  ASSERT_TRUE(catalog_->Commit({}, NamespaceUpdate{"sluice", {{"lsn", "0/1"}}}).ok());
  ASSERT_TRUE(catalog_->CreateNamespace("sluice").ok());  // Changes nothing.
  EXPECT_EQ(OpenCatalog()->NamespaceProperties("sluice").value(),
            (Properties{{"exists", "true"}, {"lsn", "0/1"}}));
  EXPECT_THAT(catalog_->ListNamespaces().value(), ElementsAre("public", "sluice"));
}

TEST_P(SqlCatalogTest, CreatesLoadsListsAndDropsTables) {
  const CatalogTable created = Create(kShot);
  EXPECT_TRUE(
      created.metadata_location.starts_with(store_->root_uri() + "/public/shot/metadata/00000-"));
  EXPECT_TRUE(created.metadata_location.ends_with(".metadata.json"));
  Create(kPlayer);
  EXPECT_THAT(catalog_->ListTables("public").value(), ElementsAre(kPlayer, kShot));
  const auto loaded = OpenCatalog()->LoadTable(kShot).value();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->metadata_location, created.metadata_location);
  EXPECT_EQ(*loaded->metadata, *created.metadata);
  ASSERT_TRUE(catalog_->DropTable(kShot).ok());
  ASSERT_TRUE(catalog_->DropTable(kShot).ok());
  EXPECT_EQ(catalog_->LoadTable(kShot).value(), std::nullopt);
}

TEST_P(SqlCatalogTest, RefusesATableThatExistsAndANamespaceThatDoesNot) {
  Create(kShot);
  const auto again = catalog_->CreateTable(kShot, {"u", "file:///x", {}, {}, {}, {}, 2});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind, ErrorKind::kConflict);
  iceberg::NewTable elsewhere;
  elsewhere.uuid = "u";
  elsewhere.location = store_->root_uri() + "/x";
  const auto homeless = catalog_->CreateTable({"nowhere", "t"}, elsewhere);
  ASSERT_FALSE(homeless.ok());
  EXPECT_EQ(homeless.error().kind, ErrorKind::kNeedsOperator);
  EXPECT_TRUE(store_->List(elsewhere.location).value().empty());
}

TEST_P(SqlCatalogTest, ACommitGoesOnFromTheOneBefore) {
  const CatalogTable created = Create(kShot);
  const CatalogTable first =
      catalog_->Commit({Set(kShot, created, "1")}, std::nullopt).value().front();
  const CatalogTable second =
      catalog_->Commit({Set(kShot, first, "2")}, std::nullopt).value().front();
  EXPECT_NE(second.metadata_location.find("/00002-"), std::string::npos);
  EXPECT_EQ(Value(kShot), "2");
  ASSERT_EQ(second.metadata->metadata_log.size(), 2U);
  EXPECT_EQ(second.metadata->metadata_log[0].metadata_file, created.metadata_location);
  EXPECT_EQ(second.metadata->metadata_log[1].metadata_file, first.metadata_location);
}

TEST_P(SqlCatalogTest, TheSecondOfTwoWritersGetsAConflictAndLeavesNothing) {
  const CatalogTable base = Create(kShot);
  const auto other = OpenCatalog();
  ASSERT_TRUE(other->Commit({Set(kShot, base, "theirs")}, std::nullopt).ok());
  const size_t files = MetadataFiles(kShot);
  const auto ours = catalog_->Commit({Set(kShot, base, "ours")}, std::nullopt);
  ASSERT_FALSE(ours.ok());
  EXPECT_EQ(ours.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(Value(kShot), "theirs");
  EXPECT_EQ(MetadataFiles(kShot), files);
}

TEST_P(SqlCatalogTest, OfManyWritersAtOnceExactlyOneWinsEachRound) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 10;
  CatalogTable base = Create(kShot);
  std::vector<std::unique_ptr<SqlCatalog>> catalogs;
  for (int i = 0; i < kWriters; ++i) catalogs.push_back(OpenCatalog());
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> won = 0;
    std::atomic<int> conflicts = 0;
    {
      std::vector<std::jthread> writers;
      for (const auto& catalog : catalogs)
        writers.emplace_back([&, commit = Set(kShot, base, std::to_string(round))] {
          const auto done = catalog->Commit({commit}, std::nullopt);
          if (done.ok()) ++won;
          if (!done.ok() && done.error().kind == ErrorKind::kConflict) ++conflicts;
        });
    }
    EXPECT_EQ(won, 1);
    EXPECT_EQ(conflicts, kWriters - 1);
    base = *catalog_->LoadTable(kShot).value();
  }
  EXPECT_EQ(base.metadata->metadata_log.size(), static_cast<size_t>(kRounds));
}

TEST_P(SqlCatalogTest, SeveralTablesAndTheNamespaceChangeTogetherOrNotAtAll) {
  CatalogTable shot = Create(kShot);
  CatalogTable player = Create(kPlayer);
  NamespaceUpdate bookmark{"public", {{"lsn", "1"}}, {}, {{"lsn", std::nullopt}}};
  auto done = catalog_->Commit({Set(kShot, shot, "1"), Set(kPlayer, player, "1")}, bookmark);
  ASSERT_TRUE(done.ok()) << done.error().message;
  ASSERT_EQ(done->size(), 2U);
  EXPECT_EQ(Value(kShot), "1");
  EXPECT_EQ(Value(kPlayer), "1");
  // The second table is stale now: nothing of the whole commit may happen.
  bookmark = {"public", {{"lsn", "2"}}, {}, {{"lsn", "1"}}};
  const auto stale =
      catalog_->Commit({Set(kShot, (*done)[0], "2"), Set(kPlayer, player, "2")}, bookmark);
  ASSERT_FALSE(stale.ok());
  EXPECT_EQ(stale.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(Value(kShot), "1");
  EXPECT_EQ(catalog_->NamespaceProperties("public").value()->at("lsn"), "1");
}

TEST_P(SqlCatalogTest, AnUnexpectedPropertyStopsTheWholeCommit) {
  const CatalogTable shot = Create(kShot);
  ASSERT_TRUE(catalog_->Commit({}, NamespaceUpdate{"public", {{"epoch", "5"}}}).ok());
  const std::vector<NamespaceUpdate> updates = {
      {"public", {{"lsn", "9"}}, {}, {{"epoch", "4"}}},
      {"public", {{"lsn", "9"}}, {}, {{"epoch", std::nullopt}}},
      {"public", {{"lsn", "9"}}, {}, {{"absent", "x"}}},
  };
  for (const NamespaceUpdate& update : updates) {
    const auto refused = catalog_->Commit({Set(kShot, shot, "1")}, update);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  }
  EXPECT_EQ(Value(kShot), "");
  EXPECT_FALSE(catalog_->NamespaceProperties("public").value()->contains("lsn"));
  ASSERT_TRUE(catalog_
                  ->Commit({Set(kShot, shot, "1")},
                           NamespaceUpdate{"public", {}, {"epoch"}, {{"epoch", "5"}}})
                  .ok());
  EXPECT_FALSE(catalog_->NamespaceProperties("public").value()->contains("epoch"));
}

TEST_P(SqlCatalogTest, OldMetadataFilesAreDeletedAfterTheCommit) {
  auto catalog = OpenCatalog({.previous_metadata_files_max = 3});
  CatalogTable table = Create(kShot);
  for (int i = 0; i < 8; ++i)
    table = catalog->Commit({Set(kShot, table, std::to_string(i))}, std::nullopt).value().front();
  EXPECT_EQ(table.metadata->metadata_log.size(), 3U);
  EXPECT_EQ(MetadataFiles(kShot), 4U);
  for (const auto& entry : table.metadata->metadata_log)
    EXPECT_TRUE(store_->Exists(entry.metadata_file).value());
}

TEST_P(SqlCatalogTest, AFailureBeforeTheCommitChangesNothing) {
  const CatalogTable shot = Create(kShot);
  for (const char* at : {"catalog.metadata_written=error", "catalog.before_commit=error"}) {
    ASSERT_TRUE(failpoint::Arm(at).ok());
    const auto failed = catalog_->Commit({Set(kShot, shot, "1")}, std::nullopt);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().kind, ErrorKind::kUnavailable);
    EXPECT_EQ(Value(kShot), "");
  }
  ASSERT_TRUE(catalog_->Commit({Set(kShot, shot, "2")}, std::nullopt).ok());
}

TEST_P(SqlCatalogTest, AFailureAfterTheCommitIsUnknownAndTheCommitStands) {
  const CatalogTable shot = Create(kShot);
  ASSERT_TRUE(failpoint::Arm("catalog.after_commit=error").ok());
  const auto failed = catalog_->Commit({Set(kShot, shot, "1")}, std::nullopt);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_EQ(Value(kShot), "1");
}

TEST_P(SqlCatalogTest, KilledAtAnyPointTheCatalogIsWholeAndGoesOn) {
  CatalogTable shot = Create(kShot);
  const struct {
    const char* failpoint;
    bool committed;
  } kills[] = {{"storage.written_not_flushed=kill", false},
               {"catalog.metadata_written=kill", false},
               {"catalog.before_commit=kill", false},
               {"catalog.after_commit=kill", true}};
  int round = 0;
  for (const auto& kill : kills) {
    const std::string value = std::to_string(++round);
    catalog_.reset();  // Connections must not cross a fork.
    const pid_t child = fork();
    if (child == 0) {
      const auto catalog = OpenCatalog();
      if (failpoint::Arm(kill.failpoint).ok())
        static_cast<void>(catalog->Commit({Set(kShot, shot, value)}, std::nullopt).ok());
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << kill.failpoint;
    catalog_ = OpenCatalog();
    EXPECT_EQ(Value(kShot) == value, kill.committed) << kill.failpoint;
    shot = *catalog_->LoadTable(kShot).value();
    const auto next = catalog_->Commit({Set(kShot, shot, value + "+")}, std::nullopt);
    ASSERT_TRUE(next.ok()) << kill.failpoint;
    shot = next->front();
  }
}

TEST_P(SqliteCatalogTest, AFileThatIsNoCatalogIsRefusedAndLeftAlone) {
  const std::string path = folder_ + "/notes.txt";
  const std::string text(10000, 'x');
  ASSERT_TRUE(store_->Put("file://" + path, text).ok());
  ASSERT_FALSE(OpenSqliteDatabase(path).ok());
  EXPECT_EQ(store_->Get("file://" + path).value(), text);
  EXPECT_FALSE(OpenSqliteDatabase(folder_ + "/missing/catalog.db").ok());
}

TEST_P(SqliteCatalogTest, ACatalogOfJavasFirstSchemaIsTakenOver) {
  const std::string path = folder_ + "/old.db";
  auto old = OpenSqliteDatabase(path).value();
  ASSERT_TRUE(old->Change("CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,"
                          " metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), PRIMARY KEY (catalog_name, table_namespace, table_name))")
                  .ok());
  const auto catalog = SqlCatalog::Open({}, std::move(old), *store_);
  ASSERT_TRUE(catalog.ok()) << catalog.error().message;
  ASSERT_TRUE((*catalog)->CreateNamespace("public").ok());
  iceberg::NewTable definition;
  definition.uuid = "u";
  definition.location = (*catalog)->DefaultLocation(kShot);
  EXPECT_TRUE((*catalog)->CreateTable(kShot, definition).ok());
}

TEST_P(SqliteCatalogTest, ALockHeldForTooLongIsUnavailable) {
  const CatalogTable shot = Create(kShot);
  auto impatient = SqlCatalog::Open({}, OpenSqliteDatabase(folder_ + "/catalog.db", 50).value(), *store_).value();
  {
    const auto other = OpenSqliteDatabase(folder_ + "/catalog.db").value();
    const auto held = CatalogTransaction::Begin(*other);
    ASSERT_TRUE(held.ok());
    const auto busy = impatient->Commit({Set(kShot, shot, "1")}, std::nullopt);
    ASSERT_FALSE(busy.ok());
    EXPECT_EQ(busy.error().kind, ErrorKind::kUnavailable);
    EXPECT_EQ(MetadataFiles(kShot), 1U);
  }
  EXPECT_TRUE(impatient->Commit({Set(kShot, shot, "1")}, std::nullopt).ok());
}

// Whose server restarts, goes away in a commit, or loses the reply of one.
TEST_P(PostgresCatalogTest, ABrokenConnectionIsMadeAgain) {
  CatalogTable shot = Create(kShot);
  const auto admin = OpenPostgresDatabase(dsn_, "admin").value();
  const char* const end_others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
  ASSERT_TRUE(admin->Query(end_others).ok());
  shot = catalog_->Commit({Set(kShot, shot, "1")}, std::nullopt).value().front();
  ASSERT_TRUE(admin->Change("CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$").ok());
  ASSERT_TRUE(admin->Change("CREATE CONSTRAINT TRIGGER ends AFTER UPDATE ON iceberg_tables DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ends()").ok());
  const auto ended = catalog_->Commit({Set(kShot, shot, "2")}, std::nullopt);  // Its COMMIT has no reply.
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().kind, ErrorKind::kUnavailable) << "it was looked at, and had not happened";
  EXPECT_EQ(Value(kShot), "1");
  EXPECT_EQ(MetadataFiles(kShot), 2U);
  ASSERT_TRUE(admin->Change("DROP TRIGGER ends ON iceberg_tables").ok());
  EXPECT_TRUE(catalog_->Commit({Set(kShot, shot, "3")}, std::nullopt).ok());
}

TEST_P(PostgresCatalogTest, ARoleThatMayNotMakeTablesUsesThoseThatAreThere) {
  const auto admin = OpenPostgresDatabase(dsn_, "admin").value();
  for (const char* const sql : {"DROP ROLE IF EXISTS catalog_user", "CREATE ROLE catalog_user LOGIN", "REVOKE CREATE ON SCHEMA public FROM public",
                                "GRANT SELECT, INSERT, UPDATE, DELETE ON iceberg_tables, iceberg_namespace_properties TO catalog_user"})
    ASSERT_TRUE(admin->Change(sql).ok()) << sql;
  auto restricted = OpenPostgresDatabase(dsn_ + " user=catalog_user", "sluice");
  ASSERT_TRUE(restricted.ok()) << restricted.error().message;
  const auto catalog = SqlCatalog::Open({}, std::move(restricted).value(), *store_);
  ASSERT_TRUE(catalog.ok()) << catalog.error().evidence;
  EXPECT_TRUE((*catalog)->CreateNamespace("more").ok());
}

TEST_P(SqlCatalogTest, OpenedToReadItMakesNothingAndRefusesChanges) {
  const auto open = [&](const std::string& file, const std::string& dsn) {
    auto database = GetParam() == Kind::kPostgres ? OpenPostgresDatabase(dsn, "sluice", CatalogAccess::kRead) : OpenSqliteToRead(file);
    EXPECT_TRUE(database.ok()) << database.error().message;
    return SqlCatalog::OpenToRead({}, std::move(database).value(), *store_);
  };
  Create({"public", "t"});
  auto reader = open(folder_ + "/catalog.db", dsn_);
  ASSERT_TRUE(reader.ok() && *reader != nullptr);
  EXPECT_EQ((*reader)->ListTables("public")->size(), 1u);
  EXPECT_TRUE((*reader)->MetadataLocation({"public", "t"})->has_value());
  EXPECT_FALSE((*reader)->MetadataLocation({"public", "u"})->has_value());
  EXPECT_FALSE((*reader)->CreateNamespace("more").ok());
  EXPECT_FALSE((*reader)->DropTable({"public", "t"}).ok());
  EXPECT_EQ(catalog_->ListNamespaces()->size(), 1u);

  const std::string empty = folder_ + "/empty.db", database = GetParam() == Kind::kPostgres ? testing::PgTestServer::Shared().NewDatabase() : "";
  if (GetParam() == Kind::kSqlite) {
    EXPECT_FALSE(OpenSqliteToRead(empty).ok());
    EXPECT_FALSE(std::filesystem::exists(empty));
    std::ofstream(empty).flush();
  }
  for (int twice = 0; twice < 2; ++twice) {
    const auto nothing = open(empty, database);
    ASSERT_TRUE(nothing.ok());
    EXPECT_EQ(*nothing, nullptr) << "it made the tables";
  }
}

TEST_P(SqlCatalogTest, HostileNamesStayInsideTheLake) {
  const TableIdentifier hostile{"../../etc", "a'; DROP TABLE iceberg_tables; --/.."};
  ASSERT_TRUE(catalog_->CreateNamespace(hostile.name_space).ok());
  const CatalogTable table = Create(hostile);
  EXPECT_TRUE(table.metadata_location.starts_with(store_->root_uri() + "/~2e.~2f..~2fetc/"));
  EXPECT_TRUE(catalog_->LoadTable(hostile).value().has_value());
}

}  // namespace
}  // namespace sluice

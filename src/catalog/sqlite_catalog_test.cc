#include "catalog/sqlite_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/failpoint.h"
#include "catalog/sqlite_database.h"
#include "iceberg/snapshot_producer.h"

namespace sluice {
namespace {

using iceberg::Properties;
using ::testing::ElementsAre;

const TableIdentifier kShot{"public", "shot"};
const TableIdentifier kPlayer{"public", "player"};

class SqliteCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-catalog-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    store_ = ObjectStore::Open(folder_).value();
    catalog_ = OpenCatalog();
    ASSERT_TRUE(catalog_->CreateNamespace("public").ok());
  }
  void TearDown() override {
    ASSERT_TRUE(failpoint::Arm("").ok());
    catalog_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<SqliteCatalog> OpenCatalog() {
    auto catalog = SqliteCatalog::Open({folder_ + "/catalog.db"}, *store_);
    EXPECT_TRUE(catalog.ok()) << catalog.error().message;
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
  std::unique_ptr<SqliteCatalog> catalog_;
};

TEST_F(SqliteCatalogTest, KeepsNamespacesAndTheirProperties) {
  EXPECT_EQ(catalog_->NamespaceProperties("sluice").value(), std::nullopt);
  ASSERT_TRUE(catalog_->CreateNamespace("sluice").ok());
  ASSERT_TRUE(catalog_->Commit({}, NamespaceUpdate{"sluice", {{"lsn", "0/1"}}}).ok());
  ASSERT_TRUE(catalog_->CreateNamespace("sluice").ok());  // Changes nothing.
  EXPECT_EQ(OpenCatalog()->NamespaceProperties("sluice").value(),
            (Properties{{"exists", "true"}, {"lsn", "0/1"}}));
  EXPECT_THAT(catalog_->ListNamespaces().value(), ElementsAre("public", "sluice"));
}

TEST_F(SqliteCatalogTest, CreatesLoadsListsAndDropsTables) {
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

TEST_F(SqliteCatalogTest, RefusesATableThatExistsAndANamespaceThatDoesNot) {
  Create(kShot);
  const auto again = catalog_->CreateTable(kShot, {"u", "file:///x", {}, {}, {}, 2});
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

TEST_F(SqliteCatalogTest, ACommitGoesOnFromTheOneBefore) {
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

TEST_F(SqliteCatalogTest, TheSecondOfTwoWritersGetsAConflictAndLeavesNothing) {
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

TEST_F(SqliteCatalogTest, OfManyWritersAtOnceExactlyOneWinsEachRound) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 10;
  CatalogTable base = Create(kShot);
  std::vector<std::unique_ptr<SqliteCatalog>> catalogs;
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

TEST_F(SqliteCatalogTest, SeveralTablesAndTheNamespaceChangeTogetherOrNotAtAll) {
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

TEST_F(SqliteCatalogTest, AnUnexpectedPropertyStopsTheWholeCommit) {
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

TEST_F(SqliteCatalogTest, OldMetadataFilesAreDeletedAfterTheCommit) {
  auto catalog = SqliteCatalog::Open({folder_ + "/catalog.db", "sluice", 1000, 3}, *store_).value();
  CatalogTable table = Create(kShot);
  for (int i = 0; i < 8; ++i)
    table = catalog->Commit({Set(kShot, table, std::to_string(i))}, std::nullopt).value().front();
  EXPECT_EQ(table.metadata->metadata_log.size(), 3U);
  EXPECT_EQ(MetadataFiles(kShot), 4U);
  for (const auto& entry : table.metadata->metadata_log)
    EXPECT_TRUE(store_->Exists(entry.metadata_file).value());
}

TEST_F(SqliteCatalogTest, AFailureBeforeTheCommitChangesNothing) {
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

TEST_F(SqliteCatalogTest, AFailureAfterTheCommitIsUnknownAndTheCommitStands) {
  const CatalogTable shot = Create(kShot);
  ASSERT_TRUE(failpoint::Arm("catalog.after_commit=error").ok());
  const auto failed = catalog_->Commit({Set(kShot, shot, "1")}, std::nullopt);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_EQ(Value(kShot), "1");
}

TEST_F(SqliteCatalogTest, KilledAtAnyPointTheCatalogIsWholeAndGoesOn) {
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
    catalog_.reset();  // SQLite connections must not cross a fork.
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

TEST_F(SqliteCatalogTest, AFileThatIsNoCatalogIsRefusedAndLeftAlone) {
  const std::string path = folder_ + "/notes.txt";
  const std::string text(10000, 'x');
  ASSERT_TRUE(store_->Put("file://" + path, text).ok());
  const auto opened = SqliteCatalog::Open({path}, *store_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(store_->Get("file://" + path).value(), text);
  EXPECT_FALSE(SqliteCatalog::Open({folder_ + "/missing/catalog.db"}, *store_).ok());
}

TEST_F(SqliteCatalogTest, ACatalogOfJavasFirstSchemaIsTakenOver) {
  const std::string path = folder_ + "/old.db";
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  ASSERT_TRUE(RunSql(handle,
                     "CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, "
                     "table_namespace VARCHAR(255) NOT NULL,"
                     " table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), "
                     "previous_metadata_location "
                     "VARCHAR(1000), PRIMARY KEY (catalog_name, table_namespace, table_name))")
                  .ok());
  sqlite3_close(handle);
  const auto catalog = SqliteCatalog::Open({path}, *store_);
  ASSERT_TRUE(catalog.ok()) << catalog.error().message;
  ASSERT_TRUE((*catalog)->CreateNamespace("public").ok());
  iceberg::NewTable definition;
  definition.uuid = "u";
  definition.location = (*catalog)->DefaultLocation(kShot);
  EXPECT_TRUE((*catalog)->CreateTable(kShot, definition).ok());
}

TEST_F(SqliteCatalogTest, ALockHeldForTooLongIsUnavailable) {
  const CatalogTable shot = Create(kShot);
  auto impatient =
      SqliteCatalog::Open({folder_ + "/catalog.db", "sluice", 50, 100}, *store_).value();
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/catalog.db").c_str(), &handle), SQLITE_OK);
  {
    const auto held = SqliteTransaction::Begin(handle);
    ASSERT_TRUE(held.ok());
    const auto busy = impatient->Commit({Set(kShot, shot, "1")}, std::nullopt);
    ASSERT_FALSE(busy.ok());
    EXPECT_EQ(busy.error().kind, ErrorKind::kUnavailable);
    EXPECT_EQ(MetadataFiles(kShot), 1U);
  }
  sqlite3_close(handle);
  EXPECT_TRUE(impatient->Commit({Set(kShot, shot, "1")}, std::nullopt).ok());
}

TEST_F(SqliteCatalogTest, HostileNamesStayInsideTheLake) {
  const TableIdentifier hostile{"../../etc", "a'; DROP TABLE iceberg_tables; --/.."};
  ASSERT_TRUE(catalog_->CreateNamespace(hostile.name_space).ok());
  const CatalogTable table = Create(hostile);
  EXPECT_TRUE(table.metadata_location.starts_with(store_->root_uri() + "/~2e.~2f..~2fetc/"));
  EXPECT_TRUE(catalog_->LoadTable(hostile).value().has_value());
}

}  // namespace
}  // namespace sluice

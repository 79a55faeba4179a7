#include "catalog/remote_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "http_test_server.h"
#include "iceberg/damage.h"
#include "iceberg/snapshot_producer.h"
#include "observability/error_catalog.h"
#include "storage/s3.h"

namespace sluice {
namespace {

using iceberg::Properties;
using Json = nlohmann::ordered_json;
using sluice::testing::HttpTestServer;
using sluice::testing::TestReply;
using sluice::testing::TestRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const TableIdentifier kShot{"public", "shot"};

TestReply Refuse(int status, const std::string& type = "", const std::string& message = "") {
  return {status, Json{{"error", {{"message", message}, {"type", type}, {"code", status}}}}.dump()};
}

/// As much of a catalog as commits need: tables as JSON, requirements, and transactions that are atomic.
class FakeRestServer {
 public:
  /// What becomes of a request that would be answered.
  enum class Fate { kAnswered, kReplyLost, kRequestLost, kUnavailable, kBusy, kSentTwice };

  FakeRestServer() : server_([this](const TestRequest& request) { return Answer(request); }) {}

  std::string url() const { return server_.url(); }

  std::deque<Fate> of_commits;      ///< Of the next ones; then all are answered.
  std::deque<TestReply> instead;    ///< Given to the next requests in place of what would be.
  std::atomic<int> commits = 0;
  std::vector<TestRequest> seen;
  Json config = {{"defaults", Json::object()}, {"overrides", {{"prefix", "p|q"}}}, {"endpoints", {"POST /v1/{prefix}/transactions/commit"}}};
  std::map<std::string, Json> tables;
  std::function<void()> after_commit;

 private:
  std::optional<TestReply> Answer(const TestRequest& request) {
    seen.push_back(request);
    if (!instead.empty()) {
      TestReply reply = instead.front();
      instead.pop_front();
      return reply;
    }
    if (request.target.starts_with("/v1/config")) return TestReply{200, config.dump()};
    if (!request.target.starts_with("/v1/p%7Cq/")) return Refuse(404, "NotFoundException");
    const std::string path = request.target.substr(10);
    if (request.method == "POST" && path == "transactions/commit" && OffersTransactions()) return CommitAs(NextFate(), request);
    if (request.method == "POST" && path == "namespaces") return TestReply{200, "{}"};
    if (path == "namespaces?parent=public") return TestReply{200, R"({"namespaces":[]})"};
    if (path == "namespaces") return TestReply{200, R"({"namespaces":[["public"]],"next-page-token":"more"})"};
    if (path == "namespaces?pageToken=more") return TestReply{200, R"({"namespaces":[["a","b"]]})"};
    if (path == "namespaces?parent=a%1Fb") return TestReply{200, R"({"namespaces":[["a","b","c"]]})"};
    if (path.starts_with("namespaces?parent=")) return TestReply{200, R"({"namespaces":[]})"};
    const size_t table = path.find("/tables/");
    if (request.method == "POST" && path.ends_with("/tables")) return CreateEmpty(Json::parse(request.body));
    if (table == std::string::npos) return path.ends_with("/tables") ? ListTables() : Refuse(404, "NotFoundException");
    const std::string name = path.substr(table + 8, path.find('?') - table - 8);
    if (request.method == "POST" && !OffersTransactions()) return CommitAs(NextFate(), request);
    if (request.method == "POST") return Create(name, Json::parse(request.body));
    const auto found = tables.find(name);
    if (found == tables.end()) return Refuse(404, "NoSuchTableException");
    return TestReply{200, Json{{"metadata-location", "file:/lake/m.json"}, {"metadata", found->second}}.dump()};
  }

  bool OffersTransactions() const { return config.dump().find("transactions/commit") != std::string::npos; }

  /// As servers make tables: empty, with a UUID of their own.
  TestReply CreateEmpty(const Json& request) {
    Json updates = Json::array({{{"action", "assign-uuid"}, {"uuid", iceberg::NewUuid()}}, {{"action", "set-location"}, {"location", request["location"]}},
                                {{"action", "add-schema"}, {"schema", request["schema"]}}, {{"action", "set-properties"}, {"updates", request["properties"]}}});
    updates[3]["updates"].erase("format-version");
    return Create(request["name"], {{"updates", std::move(updates)}});
  }

  Fate NextFate() {
    ++commits;
    if (of_commits.empty()) return Fate::kAnswered;
    const Fate fate = of_commits.front();
    of_commits.pop_front();
    return fate;
  }

  std::optional<TestReply> CommitAs(Fate fate, const TestRequest& request) {
    if (fate == Fate::kRequestLost) return std::nullopt;
    if (fate == Fate::kUnavailable) return Refuse(503);
    if (fate == Fate::kBusy) return TestReply{429, "", "Retry-After: 1\r\n"};
    TestReply reply = Transact(Json::parse(request.body));
    if (fate == Fate::kSentTwice) reply = Transact(Json::parse(request.body));
    if (after_commit) std::exchange(after_commit, nullptr)();
    if (fate == Fate::kReplyLost) return std::nullopt;
    return reply;
  }

  TestReply ListTables() const {
    Json list = {{"identifiers", Json::array()}};
    for (const auto& [name, metadata] : tables) list["identifiers"].push_back({{"namespace", {"public"}}, {"name", name}});
    return {200, list.dump()};
  }

  TestReply Create(const std::string& name, const Json& request) {
    if (tables.contains(name)) return Refuse(409, "AlreadyExistsException");
    Json table = {{"format-version", 2}, {"last-sequence-number", 0}, {"last-updated-ms", 1}, {"last-column-id", 1}, {"current-schema-id", 0}, {"default-spec-id", 0}, {"last-partition-id", 999},
                  {"default-sort-order-id", 0}, {"partition-specs", {{{"spec-id", 0}, {"fields", Json::array()}}}}, {"sort-orders", {{{"order-id", 0}, {"fields", Json::array()}}}},
                  {"properties", Json::object()}, {"snapshots", Json::array()}, {"refs", Json::object()}};
    Apply(request, table);
    tables[name] = std::move(table);
    return {200, "{}"};
  }

  static bool Holds(const Json& requirement, const Json& table) {
    if (requirement["type"] == "assert-table-uuid") return requirement["uuid"] == table["table-uuid"];
    if (requirement["type"] != "assert-ref-snapshot-id") return true;
    const Json main = table["refs"].contains("main") ? table["refs"]["main"]["snapshot-id"] : Json();
    return requirement["snapshot-id"] == main;
  }

  static void Apply(const Json& change, Json& table) {
    for (const Json& update : change["updates"]) {
      const std::string action = update["action"];
      if (action == "assign-uuid") table["table-uuid"] = update["uuid"];
      if (action == "set-location") table["location"] = update["location"];
      if (action == "add-schema") table["schemas"] = Json::array({update["schema"]});
      if (action == "set-properties") table["properties"].update(update["updates"]);
      if (action == "remove-properties") for (const Json& key : update["removals"]) table["properties"].erase(key.get<std::string>());
      if (action == "add-snapshot") {
        table["snapshots"].push_back(update["snapshot"]);
        table["last-sequence-number"] = update["snapshot"]["sequence-number"];
      }
      if (action == "set-snapshot-ref") {
        table["refs"]["main"] = {{"snapshot-id", update["snapshot-id"]}, {"type", "branch"}};
        table["current-snapshot-id"] = update["snapshot-id"];
      }
    }
  }

  TestReply Transact(const Json& request) {
    std::map<std::string, Json> changed = tables;
    for (const Json& change : request.contains("table-changes") ? request["table-changes"] : Json::array({request})) {
      const auto table = changed.find(change["identifier"]["name"]);
      if (table == changed.end()) return Refuse(404, "NoSuchTableException");
      for (const Json& requirement : change["requirements"])
        if (!Holds(requirement, tables.at(table->first))) return Refuse(409, "CommitFailedException", "Requirement failed");
      Apply(change, table->second);
    }
    tables = std::move(changed);
    return {204};
  }

  HttpTestServer server_;  // Last: its thread uses all the rest.
};

using Fate = FakeRestServer::Fate;

class RemoteCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-remote-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    store_ = ObjectStore::Open(folder_).value();
    config_.uri = server_.url();
    limits_.first_pause = std::chrono::milliseconds(1);
    limits_.pause_max = std::chrono::milliseconds(5);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<std::unique_ptr<RemoteCatalog>> TryOpen(CatalogAccess access = CatalogAccess::kWrite) { return RemoteCatalog::Open(config_, {}, *store_, access, limits_); }

  std::unique_ptr<RemoteCatalog> Open() {
    auto catalog = TryOpen();
    EXPECT_TRUE(catalog.ok()) << catalog.error().message << " " << catalog.error().evidence;
    return std::move(catalog).value();
  }

  CatalogTable Create(RemoteCatalog& catalog) {
    iceberg::NewTable definition;
    definition.uuid = iceberg::NewUuid();
    definition.location = catalog.DefaultLocation(kShot);
    definition.schema.fields = {{1, "id", true, iceberg::Primitive(iceberg::TypeId::kLong), ""}};
    auto created = catalog.CreateTable(kShot, definition);
    EXPECT_TRUE(created.ok()) << created.error().message << " " << created.error().evidence;
    return created.value();
  }

  /// As a sink does when it opens a lake.
  static Status TakeEpoch(RemoteCatalog& catalog, const std::string& before, const std::string& after) {
    NamespaceUpdate take{"sluice", {{"epoch", after}}};
    take.expected["epoch"] = before.empty() ? std::nullopt : std::optional(before);
    const auto taken = catalog.Commit({}, take);
    return taken.ok() ? Ok() : Status(taken.error());
  }

  static NamespaceUpdate Bookmark(const std::string& epoch, const std::string& lsn) {
    NamespaceUpdate update{"sluice", {{"lsn", lsn}}};
    update.expected["epoch"] = epoch;
    return update;
  }

  static TableCommit Set(const CatalogTable& base, const std::string& value) {
    return {kShot, base, {iceberg::AssertUuid{base.metadata->table_uuid}}, {iceberg::SetProperties{{{"value", value}}}}};
  }

  static std::string ValueOf(Result<std::optional<Properties>> properties, const std::string& key) {
    if (!properties.ok() || !*properties) return "no properties";
    const auto found = (**properties).find(key);
    return found == (**properties).end() ? "" : found->second;
  }

  static std::string Value(RemoteCatalog& catalog) {
    const auto loaded = catalog.LoadTable(kShot);
    if (!loaded.ok() || !*loaded) return "no table";
    const auto found = (*loaded)->metadata->properties.find("value");
    return found == (*loaded)->metadata->properties.end() ? "" : found->second;
  }

  std::string folder_;
  std::unique_ptr<ObjectStore> store_;
  FakeRestServer server_;
  RestCatalogConfig config_;
  RestLimits limits_;
};

TEST_F(RemoteCatalogTest, ATableAndPropertiesChangeTogether) {
  const auto catalog = Open();
  const CatalogTable table = Create(*catalog);
  EXPECT_EQ(table.metadata_location, "file:///lake/m.json");
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  const auto committed = catalog->Commit({Set(table, "new")}, Bookmark("1", "0/10"));
  ASSERT_TRUE(committed.ok()) << committed.error().message;
  EXPECT_EQ(committed->front().metadata->properties.at("value"), "new");
  EXPECT_EQ(ValueOf(catalog->NamespaceProperties("sluice"), "lsn"), "0/10");
  NamespaceUpdate remove{"sluice", {}, {"lsn", "nothing"}};
  remove.expected["epoch"] = "1";
  ASSERT_TRUE(catalog->Commit({}, remove).ok());
  const Properties left = catalog->NamespaceProperties("sluice").value().value();
  EXPECT_THAT(left, ElementsAre(::testing::Pair("epoch", "1")));
}

TEST_F(RemoteCatalogTest, TheLedgerIsNoTableOfTheLake) {
  const auto catalog = Open();
  Create(*catalog);
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  EXPECT_TRUE(server_.tables.contains(kLedgerTable));
  EXPECT_THAT(catalog->ListTables("public").value(), ElementsAre(kShot));
}

TEST_F(RemoteCatalogTest, NamespacesOfAllLevelsAndPagesAreListed) {
  const auto catalog = Open();
  EXPECT_THAT(catalog->ListNamespaces().value(), ElementsAre("a.b", "a.b.c", "public"));
}

TEST_F(RemoteCatalogTest, WhoHasAnOldEpochNeverCommitsAgain) {
  const auto old = Open(), young = Open();
  const CatalogTable table = Create(*old);
  ASSERT_TRUE(TakeEpoch(*old, "", "1").ok());
  ASSERT_TRUE(old->Commit({Set(table, "old")}, Bookmark("1", "0/10")).ok());
  ASSERT_TRUE(TakeEpoch(*young, "1", "2").ok());
  const auto refused = old->Commit({Set(table, "late")}, Bookmark("1", "0/20"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_FALSE(TakeEpoch(*old, "1", "2").ok());
  EXPECT_EQ(Value(*young), "old");
  EXPECT_EQ(ValueOf(young->NamespaceProperties("sluice"), "lsn"), "0/10");
  // The server refuses it, not the client by what it knows.
  EXPECT_GE(server_.commits, 4);
}

TEST_F(RemoteCatalogTest, AReplyThatIsLostAfterTheEffectIsASuccess) {
  const auto catalog = Open();
  const CatalogTable table = Create(*catalog);
  server_.of_commits = {Fate::kReplyLost};
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  server_.of_commits = {Fate::kReplyLost};
  const auto committed = catalog->Commit({Set(table, "new")}, Bookmark("1", "0/10"));
  ASSERT_TRUE(committed.ok()) << committed.error().message;
  EXPECT_EQ(Value(*catalog), "new");
  EXPECT_EQ(server_.commits, 2);
}

TEST_F(RemoteCatalogTest, ARequestThatIsLostIsFencedOffAndSentAgain) {
  for (const Fate fate : {Fate::kRequestLost, Fate::kUnavailable}) {
    server_.tables.clear();
    const auto catalog = Open();
    const CatalogTable table = Create(*catalog);
    ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
    const Json before = server_.tables[kLedgerTable]["current-snapshot-id"];
    server_.of_commits = {fate};
    ASSERT_TRUE(catalog->Commit({Set(table, "new")}, Bookmark("1", "0/10")).ok());
    EXPECT_EQ(Value(*catalog), "new");
    EXPECT_NE(server_.tables[kLedgerTable]["current-snapshot-id"], before);  // What was sent first would come too late.
    EXPECT_EQ(ValueOf(catalog->NamespaceProperties("sluice"), "epoch"), "1");
  }
}

TEST_F(RemoteCatalogTest, AFenceWhoseReplyIsLostIsSeen) {
  const auto catalog = Open();
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  server_.of_commits = {Fate::kRequestLost, Fate::kReplyLost, Fate::kReplyLost};
  ASSERT_TRUE(catalog->Commit({}, Bookmark("1", "0/10")).ok());
  EXPECT_EQ(ValueOf(catalog->NamespaceProperties("sluice"), "lsn"), "0/10");
  EXPECT_EQ(server_.commits, 4);
}

TEST_F(RemoteCatalogTest, AServerThatStaysAwayLeavesTheOutcomeOpen) {
  const auto catalog = Open();
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  server_.of_commits.assign(20, Fate::kRequestLost);
  const auto lost = catalog->Commit({}, Bookmark("1", "0/10"));
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_EQ(lost.error().code, slu::kCatalogUnknown);
}

TEST_F(RemoteCatalogTest, AConflictWithOnesOwnCommitSentTwiceIsASuccess) {
  const auto catalog = Open();
  const CatalogTable table = Create(*catalog);
  server_.of_commits = {Fate::kSentTwice};
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  const int64_t snapshot = iceberg::NewSnapshotId(*table.metadata);
  iceberg::Snapshot made;
  made.snapshot_id = snapshot;
  made.sequence_number = 1;
  made.summary = {{"operation", "append"}};
  made.manifest_list = folder_ + "/list.avro";
  server_.of_commits = {Fate::kSentTwice};
  const TableCommit append{kShot, table, {iceberg::AssertRefSnapshotId{"main", std::nullopt}}, {iceberg::AddSnapshot{made}, iceberg::SetSnapshotRef{"main", {snapshot, false, {}, {}, {}}}}};
  const auto committed = catalog->Commit({append}, Bookmark("1", "0/10"));
  ASSERT_TRUE(committed.ok()) << committed.error().message;
  EXPECT_EQ(committed->front().metadata->current_snapshot_id, snapshot);
}

TEST_F(RemoteCatalogTest, WhatTookOverBetweenACommitAndALookTellsWhetherItHappened) {
  const auto old = Open(), young = Open();
  const CatalogTable table = Create(*old);
  ASSERT_TRUE(TakeEpoch(*old, "", "1").ok());
  const std::string ledger = server_.tables[kLedgerTable].dump();
  // It moves on as another process does, on the server's own thread.
  const auto move_on = [this] {
    Json& now = server_.tables[kLedgerTable];
    now["properties"]["sluice-ledger.previous"] = std::to_string(now["current-snapshot-id"].get<int64_t>());
    now["properties"]["epoch"] = "2";
    now["snapshots"].push_back({{"snapshot-id", 77}, {"sequence-number", 9}, {"timestamp-ms", 1}, {"summary", {{"operation", "append"}}}, {"manifest-list", "x"}});
    now["current-snapshot-id"] = now["refs"]["main"]["snapshot-id"] = 77;
  };
  server_.of_commits = {Fate::kReplyLost};
  server_.after_commit = move_on;
  EXPECT_TRUE(old->Commit({Set(table, "in time")}, Bookmark("1", "0/10")).ok());
  server_.tables[kLedgerTable] = Json::parse(ledger);
  server_.of_commits = {Fate::kUnavailable};
  const auto also_old = Open();
  ASSERT_TRUE(also_old->Commit({}, Bookmark("1", "0/11")).ok());  // Fenced, then sent again.
  move_on();
  const auto refused = also_old->Commit({Set(table, "late")}, Bookmark("1", "0/12"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

TEST_F(RemoteCatalogTest, AForeignCommitRightAfterOursIsNotTakenForOurs) {
  const auto catalog = Open();
  const CatalogTable table = Create(*catalog);
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  server_.after_commit = [this] {
    Json& shot = server_.tables["shot"];
    shot["snapshots"].push_back({{"snapshot-id", 5}, {"sequence-number", 1}, {"timestamp-ms", 1}, {"summary", {{"operation", "append"}}}, {"manifest-list", "x"}});
    shot["current-snapshot-id"] = 5;
  };
  const auto committed = catalog->Commit({Set(table, "new")}, Bookmark("1", "0/10"));
  ASSERT_FALSE(committed.ok());
  EXPECT_EQ(committed.error().kind, ErrorKind::kOutcomeUnknown);
}

TEST_F(RemoteCatalogTest, ABusyServerIsAskedAgainWithoutAFence) {
  const auto catalog = Open();
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  const Json before = server_.tables[kLedgerTable]["current-snapshot-id"];
  server_.of_commits = {Fate::kBusy, Fate::kBusy};
  ASSERT_TRUE(catalog->Commit({}, Bookmark("1", "0/10")).ok());
  EXPECT_EQ(server_.tables[kLedgerTable]["current-snapshot-id"], before);
}

TEST_F(RemoteCatalogTest, ALedgerKeepsFewSnapshots) {
  const auto catalog = Open();
  for (int epoch = 0; epoch < 12; ++epoch) ASSERT_TRUE(TakeEpoch(*catalog, epoch == 0 ? "" : std::to_string(epoch), std::to_string(epoch + 1)).ok());
  std::string last;
  for (const TestRequest& request : server_.seen)
    if (request.target.ends_with("/transactions/commit")) last = request.body;
  EXPECT_THAT(last, HasSubstr("remove-snapshots"));
  const auto lists = store_->List(store_->root_uri()).value();
  EXPECT_LT(lists.size(), 12u);
}

TEST_F(RemoteCatalogTest, OneTableCanBeCommittedByItself) {
  const auto catalog = Open();
  const CatalogTable table = Create(*catalog);
  const auto committed = catalog->Commit({Set(table, "alone"), Set(table, "alone")}, std::nullopt);
  ASSERT_TRUE(committed.ok()) << committed.error().message;
  EXPECT_EQ(Value(*catalog), "alone");
  server_.of_commits = {Fate::kReplyLost};
  const auto lost = catalog->Commit({Set(table, "lost"), Set(table, "lost")}, std::nullopt);
  EXPECT_EQ(lost.error().kind, ErrorKind::kOutcomeUnknown);
  server_.tables.clear();
  EXPECT_EQ(catalog->Commit({Set(table, "gone"), Set(table, "gone")}, std::nullopt).error().kind, ErrorKind::kConflict);
}

class OneTableCatalogTest : public RemoteCatalogTest {
 protected:
  OneTableCatalogTest() { server_.config["endpoints"] = {"POST /v1/{prefix}/namespaces/{namespace}/tables", "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}"}; }

  TableCommit Append(const CatalogTable& base) {
    iceberg::Snapshot made;
    made.snapshot_id = iceberg::NewSnapshotId(*base.metadata);
    made.parent_snapshot_id = base.metadata->current_snapshot_id;
    made.sequence_number = base.metadata->last_sequence_number + 1;
    made.summary = {{"operation", "append"}};
    made.manifest_list = folder_ + "/list.avro";
    return {kShot, base, {iceberg::AssertUuid{base.metadata->table_uuid}}, {iceberg::AddSnapshot{made}, iceberg::SetSnapshotRef{"main", {made.snapshot_id, false, {}, {}, {}}}}};
  }
  std::optional<int64_t> Main() { return Open()->LoadTable(kShot).value()->metadata->current_snapshot_id; }
  static Json Foreign(int64_t id) { return {{"snapshot-id", id}, {"sequence-number", 1}, {"timestamp-ms", 1}, {"summary", {{"operation", "append"}}}, {"manifest-list", "x"}}; }
};

TEST_F(OneTableCatalogTest, ATableAndThePropertiesAreCommittedOneAfterTheOther) {
  const auto catalog = Open(), young = Open();
  EXPECT_FALSE(catalog->commits_many_tables());
  const CatalogTable table = Create(*catalog);
  EXPECT_NE(table.metadata->table_uuid, table.metadata->properties.at("sluice-created-as"));
  ASSERT_TRUE(TakeEpoch(*catalog, "", "1").ok());
  const TableCommit append = Append(table);
  const auto committed = catalog->Commit({append}, std::nullopt);
  ASSERT_TRUE(committed.ok()) << committed.error().message << committed.error().evidence;
  EXPECT_EQ(Main(), committed->front().metadata->current_snapshot_id);
  EXPECT_EQ(catalog->Commit({Append(table)}, std::nullopt).error().kind, ErrorKind::kConflict);
  ASSERT_TRUE(catalog->Commit({}, Bookmark("1", "0/10")).ok());
  EXPECT_THAT(catalog->NamespaceProperties("sluice").value().value(), ElementsAre(::testing::Pair("epoch", "1"), ::testing::Pair("lsn", "0/10")));
  ASSERT_TRUE(TakeEpoch(*young, "1", "2").ok());
  EXPECT_EQ(catalog->Commit({}, Bookmark("1", "0/20")).error().kind, ErrorKind::kConflict);
  config_.removes_orphans = true;
  EXPECT_EQ(TryOpen().error().code, slu::kRestRejected) << "a request of a process that ended may still come";
  for (const TestRequest& request : server_.seen) EXPECT_THAT(request.target, Not(HasSubstr("transactions")));
}

TEST_F(OneTableCatalogTest, ARequestOfATableIsRepeatedUntilItIsKnownWhatBecameOfIt) {
  for (const auto& [fate, requests] : {std::pair{Fate::kReplyLost, 1}, {Fate::kRequestLost, 2}, {Fate::kUnavailable, 2}, {Fate::kSentTwice, 1}}) {
    SCOPED_TRACE(static_cast<int>(fate));
    server_.tables.clear();
    server_.commits = 0;
    const auto catalog = Open();
    const TableCommit append = Append(Create(*catalog));
    server_.of_commits = {fate};
    const auto committed = catalog->Commit({append}, std::nullopt);
    ASSERT_TRUE(committed.ok()) << committed.error().message << committed.error().evidence;
    EXPECT_EQ(server_.tables["shot"]["snapshots"].size(), 1u);
    EXPECT_EQ(server_.commits, requests);
  }
}

TEST_F(OneTableCatalogTest, WhatCannotBeToldIsSaidToBeUnknown) {
  const auto catalog = Open();
  const CatalogTable table = Create(*catalog);
  server_.of_commits.assign(20, Fate::kRequestLost);
  EXPECT_EQ(catalog->Commit({Append(table)}, std::nullopt).error().kind, ErrorKind::kOutcomeUnknown);
  server_.of_commits = {Fate::kRequestLost, Fate::kBusy, Fate::kBusy, Fate::kBusy, Fate::kBusy};  // The first one may be on its way.
  EXPECT_EQ(catalog->Commit({Append(table)}, std::nullopt).error().kind, ErrorKind::kOutcomeUnknown);
  server_.of_commits = {Fate::kReplyLost};
  server_.after_commit = [this] {  // Somebody has gone on from ours.
    server_.tables["shot"]["snapshots"].push_back(Foreign(5));
    server_.tables["shot"]["current-snapshot-id"] = server_.tables["shot"]["refs"]["main"]["snapshot-id"] = 5;
  };
  EXPECT_EQ(catalog->Commit({Append(table)}, std::nullopt).error().kind, ErrorKind::kOutcomeUnknown);
  server_.of_commits = {Fate::kReplyLost};  // Nothing tells a change without a snapshot from none.
  EXPECT_EQ(catalog->Commit({Set(*catalog->LoadTable(kShot).value(), "x")}, std::nullopt).error().kind, ErrorKind::kOutcomeUnknown);
}

TEST_F(OneTableCatalogTest, WhereSomebodyElseWasFirstALostRequestIsAConflict) {
  const auto catalog = Open();
  const CatalogTable table = Create(*catalog);
  Json& shot = server_.tables["shot"];
  shot["snapshots"].push_back(Foreign(5));
  shot["refs"]["main"] = {{"snapshot-id", 5}, {"type", "branch"}};
  shot["current-snapshot-id"] = 5;
  server_.of_commits = {Fate::kRequestLost};
  EXPECT_EQ(catalog->Commit({Append(table)}, std::nullopt).error().kind, ErrorKind::kConflict);
}

TEST_F(OneTableCatalogTest, ALedgerWhoseMakerEndedBetweenItsStepsIsMade) {
  server_.of_commits.assign(4, Fate::kRequestLost);
  EXPECT_FALSE(TakeEpoch(*Open(), "", "1").ok());
  ASSERT_TRUE(server_.tables.contains(kLedgerTable));
  EXPECT_TRUE(server_.tables[kLedgerTable]["snapshots"].empty());
  ASSERT_TRUE(TakeEpoch(*Open(), "", "1").ok());
  EXPECT_EQ(ValueOf(Open()->NamespaceProperties("sluice"), "epoch"), "1");
  EXPECT_FALSE(TakeEpoch(*Open(), "", "1").ok());
}

/// What looks for keys of AWS starts its SDK, which must be taken down while all statics are still there.
class AwsEnds final : public ::testing::Environment {
  void TearDown() override { const S3Library ends; }
};
const auto* const kAwsEnds = ::testing::AddGlobalTestEnvironment(new AwsEnds);

TEST_F(OneTableCatalogTest, GlueIsKnownByItsSignatureAndTakesNoOtherNames) {
  server_.config.erase("endpoints");  // It lists none, and has no transactions all the same.
  config_.signing_service = "glue";
  config_.signing_region = "eu-central-1";
  StorageConfig storage;
  storage.access_key = "id";
  storage.secret_key = "secret";
  const auto catalog = RemoteCatalog::Open(config_, storage, *store_, CatalogAccess::kWrite, limits_);
  ASSERT_TRUE(catalog.ok()) << catalog.error().message;
  EXPECT_FALSE((*catalog)->commits_many_tables());
  EXPECT_TRUE((*catalog)->CreateNamespace("public").ok());
  for (const char* const name : {"Public", "a.b", "ü", ""}) EXPECT_EQ((*catalog)->CreateNamespace(name).error().code, slu::kRestName) << name;
  iceberg::NewTable definition;
  definition.uuid = iceberg::NewUuid();
  definition.location = (*catalog)->DefaultLocation(kShot);
  definition.schema.fields = {{1, "id", true, iceberg::Primitive(iceberg::TypeId::kLong), ""}};
  EXPECT_EQ((*catalog)->CreateTable({"public", "Shot"}, definition).error().code, slu::kRestName);
  EXPECT_TRUE((*catalog)->CreateTable(kShot, definition).ok());
  EXPECT_THAT((*catalog)->ListNamespaces().value(), ElementsAre("a.b", "public"));  // Nothing is below them.
  config_.signing_service = "s3tables";
  EXPECT_EQ(RemoteCatalog::Open(config_, storage, *store_, CatalogAccess::kWrite, limits_).error().code, slu::kRestLocation);
  EXPECT_TRUE(RemoteCatalog::Open(config_, storage, *store_, CatalogAccess::kRead, limits_).ok());
}

TEST_F(RemoteCatalogTest, AServerWithoutTransactionsIsReadAndNotWritten) {
  server_.config["endpoints"] = {"GET /v1/{prefix}/namespaces"};
  const auto refused = TryOpen();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kRestNoCommits);
  const auto reading = TryOpen(CatalogAccess::kRead);
  ASSERT_TRUE(reading.ok());
  EXPECT_THAT((*reading)->ListNamespaces().value(), ElementsAre("a.b", "a.b.c", "public"));
  EXPECT_FALSE((*reading)->CreateNamespace("x").ok());
  EXPECT_FALSE((*reading)->DropTable(kShot).ok());
  EXPECT_FALSE((*reading)->Commit({}, NamespaceUpdate{"sluice", {}}).ok());
}

TEST_F(RemoteCatalogTest, ATableThatWasPutElsewhereIsRefused) {
  const auto catalog = Open();
  iceberg::NewTable definition;
  definition.uuid = iceberg::NewUuid();
  definition.location = "s3://elsewhere/t";
  definition.schema.fields = {{1, "id", true, iceberg::Primitive(iceberg::TypeId::kLong), ""}};
  const auto created = catalog->CreateTable(kShot, definition);
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().code, slu::kRestLocation);
}

TEST_F(RemoteCatalogTest, ATokenIsRenewedWhenItIsRefused) {
  config_.client_id = "sluice";
  config_.client_secret = "a+b/c";
  server_.instead = {{200, R"({"access_token":"first","token_type":"bearer","expires_in":3600})"}};
  const auto catalog = Open();
  EXPECT_THAT(server_.seen[0].body, HasSubstr("client_id=sluice&client_secret=a%2Bb%2Fc&scope=catalog"));
  EXPECT_THAT(server_.seen[1].head, HasSubstr("Authorization: Bearer first"));
  server_.instead = {Refuse(419, "AuthenticationTimeoutException"), {200, R"({"access_token":"second","expires_in":3600})"}};
  ASSERT_TRUE(catalog->ListNamespaces().ok());
  EXPECT_THAT(server_.seen.back().head, HasSubstr("Authorization: Bearer second"));
  server_.instead = {Refuse(401), {200, R"({"access_token":"third","expires_in":3600})"}, Refuse(401)};
  const auto refused = catalog->ListNamespaces();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kRestCredentials);
  EXPECT_THAT(refused.error().evidence, Not(HasSubstr("third")));
}

TEST_F(RemoteCatalogTest, ATokenThatSoonExpiresIsRenewedBeforehand) {
  config_.client_id = "sluice";
  config_.client_secret = "secret";
  server_.instead = {{200, R"({"access_token":"short","expires_in":0})"}};
  const auto catalog = Open();
  EXPECT_THAT(server_.seen.back().head, HasSubstr("Bearer short"));  // 0 is no time: it is kept until it is refused.
  server_.instead = {Refuse(401), {200, R"({"access_token":"again","expires_in":1})"}};
  ASSERT_TRUE(catalog->ListTables("public").ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  server_.instead = {{200, R"({"access_token":"fresh","expires_in":3600})"}};
  ASSERT_TRUE(catalog->ListTables("public").ok());
  EXPECT_THAT(server_.seen.back().head, HasSubstr("Bearer fresh"));
}

TEST_F(RemoteCatalogTest, ARefusedClientIsToldByTheServersWordsAlone) {
  config_.client_id = "sluice";
  config_.client_secret = "top-secret";
  server_.instead = {{401, R"({"error":"invalid_client","error_description":"no such client"})"}};
  const auto refused = TryOpen();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kRestCredentials);
  EXPECT_EQ(refused.error().evidence, "invalid_client: no such client");
  server_.instead = {{200, R"({"access_token":"a\r\nX-Evil: 1"})"}};
  EXPECT_EQ(TryOpen().error().code, slu::kRestAnswer);
}

TEST_F(RemoteCatalogTest, EachRefusalHasItsCode) {
  const auto catalog = Open();
  const std::vector<std::pair<int, int>> codes{{400, slu::kRestRejected}, {403, slu::kRestForbidden}, {401, slu::kRestCredentials}, {302, slu::kRestRejected}, {501, slu::kRestRejected}};
  for (const auto& [status, code] : codes) {
    server_.instead = {Refuse(status, "Type", "words of the server")};
    const auto refused = catalog->LoadTable(kShot);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, code) << status;
    EXPECT_THAT(refused.error().evidence, HasSubstr("words of the server"));
  }
  for (const TestReply& reply : {TestReply{404, "<html>not found</html>"}, TestReply{409, ""}}) {
    server_.instead = {reply};
    EXPECT_FALSE(catalog->LoadTable(kShot).ok()) << reply.status;  // It is not said that there is no such table.
  }
  server_.instead.assign(4, Refuse(503));
  const auto away = catalog->LoadTable(kShot);
  EXPECT_EQ(away.error().kind, ErrorKind::kUnavailable);
  server_.instead.assign(3, Refuse(503));
  EXPECT_TRUE(catalog->LoadTable(kShot).ok());
}

TEST_F(RemoteCatalogTest, OverridesOfTheServerCountAndLeadNowhereElse) {
  config_.warehouse = "a b/c";
  server_.config["overrides"]["namespace-separator"] = "%2E";
  server_.config["overrides"]["uri"] = server_.url() + "/";
  const auto catalog = Open();
  EXPECT_THAT(server_.seen.front().target, HasSubstr("/v1/config?warehouse=a%20b%2Fc"));
  static_cast<void>(catalog->LoadTable({"a.b", "t/ü"}).ok());
  EXPECT_EQ(server_.seen.back().target, "/v1/p%7Cq/namespaces/a%2Eb/tables/t%2F%C3%BC");
  server_.config["overrides"]["uri"] = "http://evil.example/";
  EXPECT_EQ(TryOpen().error().code, slu::kRestRejected);
  server_.config["overrides"] = {{"prefix", "a?b/c d"}};
  EXPECT_TRUE(TryOpen().ok());  // Encoded.
  server_.config["overrides"] = {{"namespace-separator", "/../?"}};
  EXPECT_EQ(TryOpen().error().code, slu::kRestAnswer);
}

TEST_F(RemoteCatalogTest, FilesThatNoMetadataNamesGoWhereThatIsAskedForAndTheServerCannotNeedThem) {
  EXPECT_FALSE(Open()->names_all_files());
  config_.removes_orphans = true;
  EXPECT_TRUE(Open()->names_all_files());
  server_.config["defaults"]["nessie.default-branch.name"] = "main";
  EXPECT_EQ(TryOpen().error().code, slu::kRestRejected);
  config_.removes_orphans = false;
  EXPECT_FALSE(Open()->names_all_files());
}

TEST_F(RemoteCatalogTest, AnAnswerLargerThanTheLimitIsNotTaken) {
  limits_.http.reply_bytes_max = 10'000;
  const auto catalog = Open();
  server_.instead = {{200, "\"" + std::string(20'000, 'x') + "\""}};
  const auto large = catalog->LoadTable(kShot);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, slu::kRestAnswer);
}

TEST_F(RemoteCatalogTest, BadJsonIsAnErrorAndNeverACrash) {
  const auto catalog = Open();
  Create(*catalog);
  const std::string good = Json{{"metadata-location", "file:/m"}, {"metadata", server_.tables["shot"]}}.dump();
  int failed = 0;
  const auto read = [&](const std::string& bytes) {
    server_.instead = {{200, bytes}};
    failed += !catalog->LoadTable(kShot).ok();
    server_.instead = {{200, bytes}};
    failed += !catalog->ListTables("public").ok();
    server_.instead = {{200, bytes}};
    failed += !catalog->NamespaceProperties("public").ok();
    server_.instead.clear();
  };
  for (const char* const text : {"", "[]", "null", "{}", "7", "{\"metadata\":[]}", "{\"metadata\":{}}", "<html>", "{\"namespaces\":[[]],\"identifiers\":[7]}", "{\"identifiers\":[{\"name\":[]}]}"}) read(text);
  EXPECT_GT(failed, 20);
  for (size_t size = 1; size < good.size(); size += 37) read(good.substr(0, size));
  iceberg::ReadDamaged("{\"identifiers\":[{\"name\":\"a\"}],\"metadata\":{}}", 100, read);
}

}  // namespace
}  // namespace sluice

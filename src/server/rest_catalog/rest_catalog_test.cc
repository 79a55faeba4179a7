#include "server/rest_catalog/rest_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catalog/open_catalog.h"
#include "iceberg/snapshot_producer.h"
#include "server/rest_catalog/catalog_server.h"

namespace sluice {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

/// One moment, at which one table is as the test says.
class OneMoment final : public Moments {
 public:
  Result<uint64_t> Find(std::string_view wish) override {
    if (wish == "now") return 0x5c9a01f2e8;
    return Error{ErrorKind::kNeedsOperator, "no such moment"};
  }
  Result<std::optional<TableAtMoment>> Load(const TableIdentifier& table, uint64_t moment) override {
    EXPECT_EQ(moment, 0x5c9a01f2e8u);
    return table.name == "shot" ? std::optional(then) : std::nullopt;
  }

  TableAtMoment then;
};

class RestCatalogTest : public ::testing::Test {
 protected:
  RestCatalogTest() {
    char name[] = "/tmp/sluice-rest-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    config_.warehouse = folder_ + "/lake";
    lake_ = std::make_unique<LakeReader>(config_, std::set<std::string>{"sluice"});
    Serve({.name = "main"});
  }
  ~RestCatalogTest() override { std::filesystem::remove_all(folder_); }

  void Serve(RestCatalogOptions options) { rest_ = std::make_unique<RestCatalog>(std::move(options), *lake_, moments_); }

  /// As sluice run does.
  Catalog& Writer() {
    if (!writer_) {
      store_ = ObjectStore::Open(config_.warehouse).value();
      writer_ = OpenCatalog(config_, *store_).value();
    }
    return *writer_;
  }

  CatalogTable Create(const TableIdentifier& table) {
    EXPECT_TRUE(Writer().CreateNamespace(table.name_space).ok());
    iceberg::NewTable definition;
    definition.uuid = iceberg::NewUuid();
    definition.location = Writer().DefaultLocation(table);
    definition.schema.fields = {{1, "id", true, iceberg::Primitive(iceberg::TypeId::kLong), ""}};
    return Writer().CreateTable(table, definition).value();
  }

  HttpResponse Ask(const std::string& method, const std::string& target, std::vector<std::pair<std::string, std::string>> headers = {}, const std::string& body = "") {
    HttpRequest request{.method = method, .target = target, .body = body};
    request.headers.Add("Host", "127.0.0.1:8181");
    for (auto& [name, value] : headers) request.headers.Add(name, value);
    return rest_->Answer(request);
  }
  HttpResponse Get(const std::string& target) { return Ask("GET", target); }

  static std::string TypeOf(const HttpResponse& response) { return json::parse(response.body)["error"]["type"]; }

  std::string folder_;
  LakeConfig config_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Catalog> writer_;
  std::unique_ptr<LakeReader> lake_;
  OneMoment moments_;
  std::unique_ptr<RestCatalog> rest_;
};

TEST_F(RestCatalogTest, BeforeThereIsACatalogItIsEmptyAndStaysMissing) {
  EXPECT_EQ(Get("/v1/namespaces").body, R"({"namespaces":[]})");
  EXPECT_EQ(Get("/v1/namespaces/public").status, 404);
  EXPECT_EQ(TypeOf(Get("/v1/namespaces/public/tables/shot")), "NoSuchTableException");
  EXPECT_FALSE(std::filesystem::exists(config_.warehouse));
}

TEST_F(RestCatalogTest, SaysWhatItServes) {
  const json config = json::parse(Get("/v1/config?warehouse=x").body);
  EXPECT_TRUE(config["defaults"].empty());
  EXPECT_TRUE(config["overrides"].empty());
  EXPECT_THAT(config["endpoints"].dump(), HasSubstr("GET /v1/{prefix}/namespaces/{namespace}/tables/{table}"));
}

TEST_F(RestCatalogTest, WhoAsksForAMomentReadsAllTablesAsOfIt) {
  const json config = json::parse(Get("/v1/config?warehouse=lake%40now").body);
  const std::string prefix = config["overrides"]["prefix"];
  EXPECT_EQ(prefix, "at-0000005c9a01f2e8");
  EXPECT_TRUE(json::parse(Get("/v1/config?warehouse=lake").body)["overrides"].empty());
  EXPECT_EQ(Get("/v1/config?warehouse=lake%40yesterday").status, 400);
  EXPECT_THAT(Get("/v1/config?warehouse=lake%40").body, HasSubstr("no such moment"));
  const CatalogTable created = Create({"public", "shot"});
  Create({"public", "other"});
  moments_.then.metadata_location = created.metadata_location;
  const std::string path = "/v1/" + prefix + "/namespaces/public/tables/";
  const HttpResponse empty = Get(path + "shot");
  ASSERT_EQ(empty.status, 200) << empty.body;
  EXPECT_EQ(json::parse(empty.body)["metadata"]["current-snapshot-id"], -1);
  EXPECT_EQ(json::parse(empty.body)["metadata-location"], created.metadata_location);
  const std::string etag(empty.headers.Get("ETag"));
  EXPECT_EQ(Ask("GET", path + "shot", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(Ask("GET", "/v1/namespaces/public/tables/shot", {{"If-None-Match", etag}}).status, 200) << "it is another answer";
  moments_.then.snapshot_id = 77;  // Which that file does not have.
  EXPECT_EQ(Get(path + "shot").status, 500);
  moments_.then.stays = true;
  EXPECT_EQ(json::parse(Get(path + "shot").body)["metadata"]["table-uuid"], created.metadata->table_uuid);
  moments_.then.missing = "it was copied later";
  EXPECT_THAT(Get(path + "shot").body, HasSubstr("it was copied later"));
  EXPECT_EQ(TypeOf(Get(path + "shot")), "NoSuchTableException");
  EXPECT_EQ(Get(path + "nothing").status, 404);
  EXPECT_EQ(Get(path + "shot?snapshots=some").status, 400);
  EXPECT_EQ(json::parse(Get("/v1/" + prefix + "/namespaces/public/tables").body)["identifiers"].size(), 2u);
  EXPECT_EQ(Ask("HEAD", path + "shot").status, 204);
  EXPECT_EQ(Ask("DELETE", path + "shot").status, 403);
  for (const std::string wrong : {"/v1/at/x/namespaces/public/tables/shot", "/v1/at-5c/namespaces/public/tables/shot", "/v1/at-0000005c9a01f2eg/namespaces/public/tables/shot"}) EXPECT_EQ(Get(wrong).status, 404) << wrong;
}

TEST_F(RestCatalogTest, LoadsATableAsTheCatalogHasItAtThatMoment) {
  const CatalogTable created = Create({"public", "shot"});
  const HttpResponse first = Get("/v1/namespaces/public/tables/shot");
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(json::parse(first.body)["metadata-location"], created.metadata_location);
  EXPECT_EQ(json::parse(first.body)["metadata"]["table-uuid"], created.metadata->table_uuid);
  const auto next = Writer().Commit({{{"public", "shot"}, created, {}, {iceberg::SetProperties{{{"a", "b"}}}}}}, std::nullopt).value();
  const json second = json::parse(Get("/v1/main/namespaces/public/tables/shot?snapshots=refs").body);
  EXPECT_EQ(second["metadata-location"], next.front().metadata_location);
  EXPECT_EQ(second["metadata"]["properties"]["a"], "b");
  EXPECT_EQ(Ask("HEAD", "/v1/namespaces/public/tables/shot").status, 204);
  EXPECT_EQ(Get("/v1/namespaces/public/tables/shot?snapshots=none").status, 400);
}

TEST_F(RestCatalogTest, WhatAReaderHasAlreadyIsNotSentAgain) {
  const CatalogTable created = Create({"public", "shot"});
  const std::string etag(Get("/v1/namespaces/public/tables/shot").headers.Get("ETag"));
  const std::string path = "/v1/namespaces/public/tables/shot";
  for (const std::string& known : {etag, "\"x\", W/" + etag, std::string("*")}) {
    const HttpResponse same = Ask("GET", path, {{"If-None-Match", known}});
    EXPECT_EQ(same.status, 304) << known;
    EXPECT_EQ(same.headers.Get("ETag"), etag);
  }
  EXPECT_EQ(Ask("GET", path + "?snapshots=refs", {{"If-None-Match", etag}}).status, 200);
  ASSERT_TRUE(Writer().Commit({{{"public", "shot"}, created, {}, {iceberg::SetProperties{{{"a", "b"}}}}}}, std::nullopt).ok());
  EXPECT_EQ(Ask("GET", path, {{"If-None-Match", etag}}).status, 200);
}

TEST_F(RestCatalogTest, ListsNamespacesOfSeveralLevelsAndHidesTheBookmark) {
  Create({"public", "shot"});
  Create({"a.b", "x/y"});
  ASSERT_TRUE(Writer().CreateNamespace("sluice").ok());
  EXPECT_EQ(Get("/v1/namespaces").body, R"({"namespaces":[["a"],["public"]]})");
  EXPECT_EQ(Get("/v1/namespaces?parent=a").body, R"({"namespaces":[["a","b"]]})");
  EXPECT_EQ(Get("/v1/namespaces?parent=z").status, 404);
  EXPECT_EQ(Get("/v1/namespaces/a%1Fb/tables").body, R"({"identifiers":[{"namespace":["a","b"],"name":"x/y"}]})");
  EXPECT_EQ(Get("/v1/namespaces/a%1Fb/tables/x%2Fy").status, 200);
  EXPECT_EQ(json::parse(Get("/v1/namespaces/a%1Fb").body)["namespace"], json({"a", "b"}));
  EXPECT_EQ(Ask("HEAD", "/v1/namespaces/a").status, 204);
  for (const char* const hidden : {"/v1/namespaces/sluice", "/v1/namespaces/sluice/tables"}) EXPECT_EQ(TypeOf(Get(hidden)), "NoSuchNamespaceException") << hidden;
}

TEST_F(RestCatalogTest, TheTableOfCutsIsSeenBesideTheBookmarkWhichIsNot) {
  Create({"sluice", "cuts"});
  NamespaceUpdate bookmark;
  bookmark.name_space = "sluice";
  bookmark.set["sluice.lsn"] = "0/1";
  ASSERT_TRUE(Writer().Commit({}, bookmark).ok());
  EXPECT_EQ(Get("/v1/namespaces").body, R"({"namespaces":[["sluice"]]})");
  EXPECT_EQ(Get("/v1/namespaces/sluice/tables/cuts").status, 200);
  EXPECT_EQ(json::parse(Get("/v1/namespaces/sluice").body)["properties"], json::object());
}

TEST_F(RestCatalogTest, LongListsComeInPages) {
  for (const char* const name : {"t1", "t2", "t3"}) Create({"public", name});
  const json first = json::parse(Get("/v1/namespaces/public/tables?pageToken=&pageSize=2").body);
  EXPECT_EQ(first["identifiers"].size(), 2u);
  const json second = json::parse(Get("/v1/namespaces/public/tables?pageSize=2&pageToken=" + first["next-page-token"].get<std::string>()).body);
  EXPECT_EQ(second["identifiers"].size(), 1u);
  EXPECT_FALSE(second.contains("next-page-token"));
}

TEST_F(RestCatalogTest, EveryWriteIsRefused) {
  Create({"public", "shot"});
  for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{{"POST", "/v1/namespaces"}, {"DELETE", "/v1/namespaces/public"}, {"POST", "/v1/namespaces/public/properties"},
       {"POST", "/v1/namespaces/public/tables"}, {"POST", "/v1/namespaces/public/register"}, {"POST", "/v1/namespaces/public/tables/shot"}, {"DELETE", "/v1/namespaces/public/tables/shot"},
       {"POST", "/v1/tables/rename"}, {"POST", "/v1/transactions/commit"}, {"POST", "/v1/config"}}) {
    const HttpResponse refused = Ask(method, target, {}, "{}");
    EXPECT_EQ(refused.status, 403) << method << target;
    EXPECT_EQ(TypeOf(refused), "UnsupportedOperationException");
    EXPECT_THAT(refused.body, HasSubstr("read-only: sluice writes the lake"));
  }
  EXPECT_EQ(Ask("POST", "/v1/namespaces/public/tables/shot/metrics", {}, "{}").status, 204);
  EXPECT_EQ(Get("/v1/namespaces/public/views").status, 404);
}

TEST_F(RestCatalogTest, ReadingChangesNoByteOfTheCatalog) {
  Create({"public", "shot"});
  writer_.reset();
  const auto bytes = [&] { return store_->Get("file://" + config_.warehouse + "/catalog.db").value(); };
  const std::string before = bytes();
  EXPECT_EQ(Get("/v1/namespaces/public/tables/shot").status, 200);
  EXPECT_EQ(bytes(), before);
  EXPECT_FALSE(OpenCatalogToRead(config_, *store_).value()->CreateNamespace("x").ok());
}

TEST_F(RestCatalogTest, AMetadataFileThatIsGoneOrDamagedIsNotTheReadersFault) {
  const CatalogTable created = Create({"public", "shot"});
  ASSERT_TRUE(store_->Put(created.metadata_location, "{").ok());
  EXPECT_EQ(Get("/v1/namespaces/public/tables/shot").status, 500);
  ASSERT_TRUE(store_->Remove(created.metadata_location).ok());
  EXPECT_EQ(Get("/v1/namespaces/public/tables/shot").status, 503);
}

TEST_F(RestCatalogTest, WithATokenNobodyElseIsAnswered) {
  Create({"public", "shot"});
  Serve({.name = "main", .token = "the-one-token-0123", .clients = {{"spark", "spark-secret-01234"}}});
  EXPECT_EQ(Get("/v1/config").status, 401);
  EXPECT_EQ(Get("/v1/config").headers.Get("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(Ask("GET", "/v1/namespaces", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(Ask("GET", "/v1/namespaces", {{"Authorization", "Bearer the-one-token-0123"}}).status, 200);
  EXPECT_EQ(Ask("DELETE", "/v1/namespaces/public").status, 401);
}

TEST_F(RestCatalogTest, AClientLogsInByItsSecret) {
  Create({"public", "shot"});
  Serve({.name = "main", .clients = {{"spark", "spark-secret-01234"}}});
  const auto token_for = [&](const std::string& form, std::vector<std::pair<std::string, std::string>> headers = {}) { return Ask("POST", "/v1/oauth/tokens", std::move(headers), form); };
  const HttpResponse given = token_for("grant_type=client_credentials&client_id=spark&client_secret=spark-secret-01234&scope=catalog");
  ASSERT_EQ(given.status, 200) << given.body;
  const std::string token = json::parse(given.body)["access_token"];
  EXPECT_EQ(Ask("GET", "/v1/namespaces", {{"Authorization", "Bearer " + token}}).status, 200);
  EXPECT_EQ(token_for("grant_type=client_credentials", {{"Authorization", "Basic c3Bhcms6c3Bhcmstc2VjcmV0LTAxMjM0"}}).status, 200);
  EXPECT_EQ(token_for("grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=" + token).status, 200);
  const HttpResponse wrong = token_for("grant_type=client_credentials&client_id=spark&client_secret=spark-secret-0123x");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(json::parse(wrong.body)["error"], "invalid_client");
  EXPECT_EQ(json::parse(token_for("grant_type=password").body)["error"], "unsupported_grant_type");
  EXPECT_EQ(token_for("grant_type=%").status, 400);
}

TEST_F(RestCatalogTest, WithoutATokenABrowserCannotBeLedHere) {
  HttpRequest request{.method = "GET", .target = "/v1/config"};
  EXPECT_EQ(rest_->Answer(request).status, 403);
  for (const char* const host : {"evil.example", "evil.example:8181", "127.0.0.1.evil.example"}) {
    HttpRequest led = request;
    led.headers.Add("Host", host);
    EXPECT_EQ(rest_->Answer(led).status, 403) << host;
  }
  for (const char* const host : {"localhost", "localhost:8181", "127.0.0.1", "[::1]:8181", "[::1]"}) {
    HttpRequest meant = request;
    meant.headers.Add("Host", host);
    EXPECT_EQ(rest_->Answer(meant).status, 200) << host;
  }
}

TEST_F(RestCatalogTest, PathsThatAreMalformedAreRefused) {
  for (const char* const target : {"/v1/%", "//", "/v1/namespaces/%00", "/v1/namespaces/%ff/tables", "*"}) EXPECT_EQ(TypeOf(Get(target)), "BadRequestException") << target;
}

TEST(StoreSettings, NameTheStoreAndNoSecret) {
  LakeConfig lake;
  lake.warehouse = "/srv/lake";
  EXPECT_TRUE(StoreSettings(lake).empty());
  lake.warehouse = "s3://bucket/x";
  lake.storage.endpoint = "https://minio:9000";
  lake.storage.access_key = "AKIA";
  lake.storage.secret_key = lake.storage.session_token = "hush";
  EXPECT_EQ(StoreSettings(lake), (std::map<std::string, std::string>{{"client.region", "us-east-1"}, {"s3.endpoint", "https://minio:9000"}, {"s3.path-style-access", "true"}, {"s3.region", "us-east-1"}}));
}

}  // namespace
}  // namespace sluice

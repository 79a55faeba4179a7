#include "storage/s3_uploads.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "http_test_server.h"
#include "observability/error_catalog.h"
#include "storage/s3.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TestReply;
using testing::TestRequest;

/// What looks for keys of AWS starts its SDK, which must be taken down while all statics are still there.
class AwsEnds final : public ::testing::Environment {
  void TearDown() override { const S3Library ends; }
};
const auto* const kAwsEnds = ::testing::AddGlobalTestEnvironment(new AwsEnds);

class S3UploadsTest : public ::testing::Test {
 protected:
  StorageConfig Config() const { return {server_.url() + "/", "", "key", "secret", "", "", "", ""}; }

  static TestReply Page(const std::vector<std::string>& keys, const std::string& more = "") {
    std::string body = "<ListMultipartUploadsResult>" + more;
    for (const std::string& key : keys) body += "<Upload><Key>" + key + "</Key><UploadId>id+1</UploadId><Initiated>2026-03-01T12:00:00Z</Initiated></Upload>";
    return {200, body + "</ListMultipartUploadsResult>"};
  }
  static TestReply Refusal(int status, const std::string& code) { return {status, "<Error><Code>" + code + "</Code></Error>"}; }

  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  std::vector<std::string> Listed(const std::string& path) {
    const auto listed = uploads_.List(path);
    EXPECT_TRUE(listed.ok()) << listed.error().message;
    std::vector<std::string> uris;
    if (listed.ok())
      for (const UnfinishedUpload& upload : *listed) uris.push_back(upload.uri);
    return uris;
  }

  std::mutex mutex_;  // Guards both.
  std::vector<std::string> asked_;
  std::vector<TestReply> replies_;
  testing::HttpTestServer server_{[this](const TestRequest& request) -> std::optional<TestReply> {
    const std::lock_guard lock(mutex_);
    asked_.push_back(request.method + " " + request.target);
    if (replies_.empty()) return TestReply{204};
    TestReply reply = replies_.front();
    replies_.erase(replies_.begin());
    return reply;
  }};
  S3Uploads uploads_{"lake", Config()};
};

TEST_F(S3UploadsTest, AreListedBelowAFolderPageByPage) {
  replies_ = {Page({"w/t/data/a.parquet"}, "<IsTruncated>true</IsTruncated><NextKeyMarker>w/t/data/a.parquet</NextKeyMarker><NextUploadIdMarker>id+1</NextUploadIdMarker>"), Page({"w/t/data/b.parquet"})};
  const auto listed = uploads_.List("lake/w/t");
  ASSERT_TRUE(listed.ok()) << listed.error().message;
  ASSERT_THAT(*listed, SizeIs(2));
  EXPECT_EQ(listed->at(0).uri, "s3://lake/w/t/data/a.parquet");
  EXPECT_EQ(listed->at(0).id, "id+1");
  EXPECT_EQ(listed->at(1).uri, "s3://lake/w/t/data/b.parquet");
  EXPECT_THAT(asked(), ElementsAre("GET /lake?uploads=&max-uploads=1000&prefix=w%2Ft%2F",
                                   "GET /lake?uploads=&max-uploads=1000&prefix=w%2Ft%2F&key-marker=w%2Ft%2Fdata%2Fa.parquet&upload-id-marker=id%2B1"));
}

TEST_F(S3UploadsTest, ThatAStoreNamesBesideTheFolderAreNotTaken) {
  replies_ = {Page({"w/t2/data/a.parquet", "x", "w/t"})};
  EXPECT_THAT(Listed("lake/w/t"), IsEmpty());
}

TEST_F(S3UploadsTest, EndHoweverManyPagesAStoreHas) {
  replies_.assign(200, Page({"w/t/a"}, "<IsTruncated>true</IsTruncated><NextKeyMarker>w/t/a</NextKeyMarker>"));
  EXPECT_THAT(Listed("lake/w/t"), SizeIs(100));
}

TEST_F(S3UploadsTest, AreWhatTheFirstPagesHaveWhereAStoreRefusesTheNext) {
  replies_ = {Page({"w/t/a"}, "<IsTruncated>true</IsTruncated><NextKeyMarker>w/t/a</NextKeyMarker>"), Refusal(400, "InvalidArgument")};
  EXPECT_THAT(Listed("lake/w/t"), SizeIs(1));
}

TEST_F(S3UploadsTest, AreAbortedByTheirId) {
  replies_ = {TestReply{204}, Refusal(404, "NoSuchUpload")};
  EXPECT_TRUE(uploads_.Abort("lake/w/p~20q/t=1/a b.parquet", "id+1").ok());
  EXPECT_TRUE(uploads_.Abort("lake/w/gone", "2").ok());
  EXPECT_THAT(asked(), ElementsAre("DELETE /lake/w/p~20q/t%3D1/a%20b.parquet?uploadId=id%2B1", "DELETE /lake/w/gone?uploadId=2"));
}

TEST_F(S3UploadsTest, ThatAreRefusedNameThePermission) {
  replies_ = {Refusal(403, "AccessDenied"), {403, "<html/>"}, Refusal(403, "AccessDenied")};
  for (int i = 0; i < 2; ++i) {
    const Error listing = uploads_.List("lake/w").error();
    EXPECT_EQ(listing.kind, ErrorKind::kNeedsOperator);
    EXPECT_EQ(listing.code, slu::kStoragePermission);
    EXPECT_THAT(listing.message, HasSubstr("s3:ListBucketMultipartUploads"));
  }
  EXPECT_THAT(uploads_.Abort("lake/w/a", "1").error().message, HasSubstr("s3:AbortMultipartUpload"));
}

TEST_F(S3UploadsTest, ThatAStoreDoesNotOfferAreNotAskedForAgain) {
  replies_ = {Refusal(501, "NotImplemented"), {405, ""}};
  for (size_t number = 1; number <= 2; ++number) {
    const Error error = uploads_.List("lake/w").error();
    EXPECT_EQ(error.kind, ErrorKind::kNeedsOperator);
    EXPECT_THAT(error.message, HasSubstr("does not offer"));
    EXPECT_THAT(asked(), SizeIs(number));
  }
}

TEST_F(S3UploadsTest, AreAskedForAgainWhereTheStoreIsBusy) {
  replies_ = {Refusal(503, "SlowDown"), Page({"w/a"})};
  EXPECT_THAT(Listed("lake/w"), SizeIs(1));
}

TEST_F(S3UploadsTest, OfKeysThatAreNotKnownAreAnErrorOfCredentials) {
  replies_ = {Refusal(403, "SignatureDoesNotMatch"), Refusal(403, "InvalidAccessKeyId")};
  EXPECT_EQ(uploads_.List("lake/w").error().code, slu::kStorageCredentials);
  EXPECT_EQ(uploads_.List("lake/w").error().code, slu::kStorageCredentials);
}

}  // namespace
}  // namespace sluice

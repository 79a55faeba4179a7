#include "sink/lake/left_uploads.h"

#include <arrow/io/interfaces.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "observability/error_catalog.h"
#include "sink/lake/key_index_space.h"
#include "sink/lake/lake_maintenance.h"
#include "sink/lake/lake_sink_fixture.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Timestamp kNow = std::chrono::sys_days(std::chrono::year{2026} / 3 / 1);
constexpr std::chrono::hours kAfter{72};

int64_t HoursAgo(int hours) { return (kNow - std::chrono::hours(hours)).time_since_epoch().count() / 1000; }

/// A folder that has unfinished uploads as a bucket has them, and may refuse to tell or to abort.
class StoreWithUploads final : public ObjectStore {
 public:
  explicit StoreWithUploads(std::unique_ptr<ObjectStore> store) : ObjectStore(store->root_uri(), store->uri_prefix()), store_(std::move(store)) {}

  void Begin(const std::string& uri, int64_t initiated_ms) { uploads_.push_back({uri, "id-" + uri, initiated_ms}); }
  void RefuseWith(Error error) { refusal_ = std::move(error); }

  std::vector<std::string> left() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> uris;
    for (const UnfinishedUpload& upload : uploads_) uris.push_back(upload.uri.substr(upload.uri.rfind('/') + 1));
    return uris;
  }

  Result<std::vector<UnfinishedUpload>> ListUploads(const std::string& uri) override {
    const std::lock_guard lock(mutex_);
    if (refusal_) return *refusal_;
    std::vector<UnfinishedUpload> below = uploads_;
    std::erase_if(below, [&](const UnfinishedUpload& upload) { return !upload.uri.starts_with(uri + "/"); });
    return below;
  }
  Status AbortUpload(const UnfinishedUpload& aborted) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(uploads_, [&](const UnfinishedUpload& upload) { return upload.id == aborted.id; });
    return Ok();
  }

  Status PutAll(std::span<const ObjectBytes> objects) override { return store_->PutAll(objects); }
  Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& uri) override { return store_->OpenInput(uri); }
  Result<std::shared_ptr<arrow::io::OutputStream>> OpenOutput(const std::string& uri) override { return store_->OpenOutput(uri); }
  Result<std::vector<ObjectInfo>> List(const std::string& uri) override { return store_->List(uri); }
  Status Remove(const std::string& uri) override { return store_->Remove(uri); }
  Result<bool> Exists(const std::string& uri) override { return store_->Exists(uri); }

 protected:
  Status PutPath(const std::string& path, std::string_view bytes) override { return store_->Put(UriOf(path), bytes); }

 private:
  const std::unique_ptr<ObjectStore> store_;

  mutable std::mutex mutex_;  // Guards both.
  std::vector<UnfinishedUpload> uploads_;
  std::optional<Error> refusal_;
};

/// A table in the lake, and uploads below it and beside it. The running process has epoch 3.
class LeftUploadsTest : public testing::LakeSinkFixture {
 protected:
  void SetUp() override {
    Open();
    Copy(testing::TestSchema("t"), {{1, "a", "x"}});
    sink_.reset();
    location_ = Table().metadata->location;
    auto opened = ObjectStore::Open(config_.warehouse);
    ASSERT_OK(opened);
    store_ = std::make_unique<StoreWithUploads>(std::move(*opened));
    store_->Begin(location_ + "/data/e000002-crashed.parquet", HoursAgo(0));
    store_->Begin(location_ + "/data/e000003-on-its-way.parquet", HoursAgo(1000));
    store_->Begin(location_ + "/data/e000004-of-whoever-came-later.parquet", HoursAgo(1000));
    store_->Begin(location_ + "/data/part-0-spark.parquet", HoursAgo(71));
    store_->Begin(location_ + "/data/part-1-spark.parquet", HoursAgo(73));
    store_->Begin(location_ + "2/data/e000001-of-another-table.parquet", HoursAgo(1000));
  }

  const std::vector<std::string> kStay{"e000003-on-its-way.parquet", "e000004-of-whoever-came-later.parquet", "part-0-spark.parquet", "e000001-of-another-table.parquet"};

  std::string location_;
  std::unique_ptr<StoreWithUploads> store_;
};

TEST_F(LeftUploadsTest, AreThoseThatNobodyAliveCanGoOnWith) {
  const AbortedUploads aborted = AbortLeftUploads(*store_, location_, {3, kNow - kAfter}, {});
  ASSERT_OK(aborted.status);
  EXPECT_EQ(aborted.count, 2);
  EXPECT_EQ(store_->left(), kStay);
}

TEST_F(LeftUploadsTest, AFolderHasNone) {
  auto folder = ObjectStore::Open(config_.warehouse);
  ASSERT_OK(folder);
  EXPECT_EQ(AbortLeftUploads(**folder, location_, {3, kNow - kAfter}, {}).count, 0);
}

/// Looks for orphans when their time has come, as often as asked to. Returns what was said meanwhile.
std::string LookForOrphans(const LakeConfig& config, StoreWithUploads& store, const iceberg::TableMetadataPtr& table, int times) {
  ::testing::internal::CaptureStderr();
  {
    auto catalog = OpenCatalog(config, store);
    iceberg::ManifestCache manifests(store, 1 << 20);
    KeyIndexSpace space("", 1 << 20);
    const LakeContext context{store, manifests, config, space, 3};
    Garbage garbage(store, {});
    testing::SetClock clock(kNow);
    clock.Set(kNow - std::chrono::minutes(10) - std::chrono::hours(24) * (times - 1));
    LakeMaintenance maintenance(context, **catalog, clock, garbage);
    for (int time = 0; time <= times; ++time) {
      maintenance.Offer({"public", "t"}, table);
      maintenance.WaitUntilIdle();
      clock.Set(kNow - std::chrono::hours(24) * (times - 1 - time));
    }
  }
  return ::testing::internal::GetCapturedStderr();
}

TEST_F(LeftUploadsTest, AreAbortedWhereOrphansAreLookedFor) {
  const std::string said = LookForOrphans(config_, *store_, Table().metadata, 1);
  EXPECT_EQ(store_->left(), kStay);
  EXPECT_THAT(said, HasSubstr("left unfinished were aborted"));
}

TEST_F(LeftUploadsTest, ThatAStoreDoesNotTellOfAreSaidToStayOnce) {
  store_->RefuseWith({ErrorKind::kNeedsOperator, "the store does not permit s3:ListBucketMultipartUploads", slu::kStoragePermission});
  const std::string said = LookForOrphans(config_, *store_, Table().metadata, 3);
  EXPECT_THAT(said, HasSubstr("s3:ListBucketMultipartUploads"));
  EXPECT_EQ(said.find("s3:ListBucketMultipartUploads"), said.rfind("s3:ListBucketMultipartUploads")) << said;
  EXPECT_THAT(said, Not(HasSubstr("orphans_failed")));
}

TEST_F(LeftUploadsTest, ThatAStoreGaveNoAnswerOfAreSaidToStayEachTime) {
  store_->RefuseWith({ErrorKind::kUnavailable, "no answer", slu::kStorageFailed});
  const std::string said = LookForOrphans(config_, *store_, Table().metadata, 2);
  EXPECT_NE(said.find("no answer"), said.rfind("no answer")) << said;
}

}  // namespace
}  // namespace sluice

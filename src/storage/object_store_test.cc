#include "storage/object_store.h"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "storage/canonical_path.h"

namespace sluice {
namespace {

class ObjectStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-store-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    auto store = ObjectStore::Open(folder_ + "//lake/./x/");
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(store).value();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Uri(const std::string& name) const { return store_->root_uri() + "/" + name; }

  std::string folder_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(ObjectStoreTest, SpellsALocationInOneWay) {
  EXPECT_EQ(store_->root_uri(), "file://" + folder_ + "/lake/x");
  auto same = ObjectStore::Open("file://" + folder_ + "/lake//x");
  ASSERT_TRUE(same.ok());
  EXPECT_EQ((*same)->root_uri(), store_->root_uri());
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/lake/x"));
}

TEST_F(ObjectStoreTest, RefusesALocationThatReadersWouldTakeApartOtherwise) {
  for (const std::string bad : {"/a/../b", "/a?b", "/a#b", "/a%20b", "relative/path", "", "s3://", "s3://bucket/../x", "s3://bucket/a%20b"}) {
    const auto store = ObjectStore::Open(bad);
    ASSERT_FALSE(store.ok()) << bad;
    EXPECT_EQ(store.error().kind, ErrorKind::kNeedsOperator);
  }
}

TEST_F(ObjectStoreTest, GivesBackWhatWasPut) {
  const std::string uri = Uri("deep/er/object with blank");
  ASSERT_TRUE(store_->Put(uri, "0123456789").ok());
  EXPECT_EQ(store_->Get(uri).value(), "0123456789");
  EXPECT_EQ(store_->GetRange(uri, 3, 4).value(), "3456");
  EXPECT_EQ(store_->GetRange(uri, 8, 100).value(), "89");
  EXPECT_EQ(store_->GetRange(uri, 100, 1).value(), "");
  EXPECT_TRUE(store_->Exists(uri).value());
  ASSERT_TRUE(store_->Put(uri, "new").ok());
  EXPECT_EQ(store_->Get(uri).value(), "new");
}

TEST_F(ObjectStoreTest, FindsWhatOthersSpellOtherwise) {
  EXPECT_EQ(CanonicalUri("file:/a/b"), "file:///a/b");
  EXPECT_EQ(CanonicalUri("file:///a/b"), "file:///a/b");
  EXPECT_EQ(CanonicalUri("s3a://bucket/a"), "s3://bucket/a");
  EXPECT_EQ(CanonicalUri("s3://bucket/a"), "s3://bucket/a");
  ASSERT_TRUE(store_->Put(Uri("by spark"), "rows").ok());
  const std::string theirs = "file:" + Uri("by spark").substr(std::string("file://").size());
  EXPECT_EQ(store_->Get(theirs).value(), "rows");
  ASSERT_TRUE(store_->Remove(theirs).ok());
  EXPECT_FALSE(store_->Exists(Uri("by spark")).value());
}

TEST_F(ObjectStoreTest, ListsAndRemovesObjects) {
  const std::vector<ObjectBytes> objects = {{Uri("t/a"), "1"}, {Uri("t/b/c"), "22"}};
  ASSERT_TRUE(store_->PutAll(objects).ok());
  auto listed = store_->List(Uri("t")).value();
  ASSERT_EQ(listed.size(), 2U);
  std::sort(listed.begin(), listed.end(), [](auto& a, auto& b) { return a.uri < b.uri; });
  EXPECT_EQ(listed[0].uri, Uri("t/a"));
  EXPECT_EQ(listed[1].uri, Uri("t/b/c"));
  EXPECT_EQ(listed[1].size_bytes, 2);
  ASSERT_TRUE(store_->Remove(Uri("t/a")).ok());
  ASSERT_TRUE(store_->Remove(Uri("t/a")).ok());
  EXPECT_FALSE(store_->Exists(Uri("t/a")).value());
  EXPECT_TRUE(store_->List(Uri("nothing")).value().empty());
}

TEST_F(ObjectStoreTest, SaysThatAnObjectIsMissing) {
  const auto missing = store_->Get(Uri("missing"));
  ASSERT_FALSE(missing.ok());
  EXPECT_TRUE(IsNotFound(missing.error()));
  EXPECT_FALSE(store_->Get("s3://other/place").ok());
}

TEST_F(ObjectStoreTest, ReportsALackOfSpaceAsUnavailableAndLeavesNothingBehind) {
  const rlimit small{
      1000, RLIM_INFINITY};  // EFBIG stands in for ENOSPC: both fail in the middle of a write.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status put = store_->Put(Uri("large"), std::string(5000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().kind, ErrorKind::kUnavailable);
  EXPECT_FALSE(put.error().evidence.empty());
  EXPECT_FALSE(store_->Exists(Uri("large")).value());
}

TEST_F(ObjectStoreTest, AFileInTheWayOfAFolderNeedsTheOperator) {
  ASSERT_TRUE(store_->Put(Uri("a"), "x").ok());
  const Status put = store_->Put(Uri("a/b"), "x");
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().kind, ErrorKind::kNeedsOperator);
}

TEST_F(ObjectStoreTest, AStreamIsThereOnceClosedAndGoneIfAbandoned) {
  {
    auto stream = store_->OpenOutput(Uri("data/s")).value();
    ASSERT_TRUE(stream->Write("abc", 3).ok());
    EXPECT_EQ(stream->Tell().ValueOrDie(), 3);
    ASSERT_TRUE(stream->Close().ok());
    auto abandoned = store_->OpenOutput(Uri("data/t")).value();
    ASSERT_TRUE(abandoned->Write("abc", 3).ok());
  }
  EXPECT_EQ(store_->Get(Uri("data/s")).value(), "abc");
  EXPECT_FALSE(store_->Exists(Uri("data/t")).value());
}

TEST(SafePathSegment, NeverMapsTwoNamesToOne) {
  EXPECT_EQ(SafePathSegment("shot_2"), "shot_2");
  EXPECT_EQ(SafePathSegment("Mixed Case"), "Mixed~20Case");
  EXPECT_EQ(SafePathSegment("a/b?c#%~"), "a~2fb~3fc~23~25~7e");
  EXPECT_EQ(SafePathSegment(".."), "~2e.");
  EXPECT_EQ(SafePathSegment("\xc3\xa9"), "~c3~a9");
}

}  // namespace
}  // namespace sluice

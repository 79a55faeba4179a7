#include "iceberg/manifest_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "iceberg/manifest_list_avro.h"

namespace sluice::iceberg {
namespace {

class ManifestCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-cache-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    store_ = ObjectStore::Open(folder_).value();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string WriteList(const std::string& name) {
    ManifestFile manifest;
    manifest.path = name;
    const std::string uri = store_->root_uri() + "/" + name;
    EXPECT_TRUE(store_
                    ->Put(uri, EncodeManifestList({2, 1, std::nullopt, 1, std::nullopt},
                                                  std::vector{manifest}))
                    .ok());
    return uri;
  }

  std::string folder_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(ManifestCacheTest, ReadsOnce) {
  ManifestCache cache(*store_, 1 << 20);
  const std::string uri = WriteList("a");
  EXPECT_EQ(cache.ReadManifestList(uri).value()->front().path, "a");
  ASSERT_TRUE(store_->Remove(uri).ok());
  EXPECT_TRUE(cache.ReadManifestList(uri).ok());
  EXPECT_FALSE(ManifestCache(*store_, 1 << 20).ReadManifestList(uri).ok());
}

TEST_F(ManifestCacheTest, StaysWithinItsCapacityAndForgetsTheLeastUsed) {
  constexpr size_t kCapacity = 4096;
  ManifestCache cache(*store_, kCapacity);
  const std::string used = WriteList("used");
  const std::string idle = WriteList("idle");
  ASSERT_TRUE(cache.ReadManifestList(idle).ok());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(cache.ReadManifestList(used).ok());
    ASSERT_TRUE(cache.ReadManifestList(WriteList(std::to_string(i))).ok());
    ASSERT_LE(cache.held_bytes(), kCapacity);
  }
  ASSERT_TRUE(store_->Remove(used).ok());
  ASSERT_TRUE(store_->Remove(idle).ok());
  EXPECT_TRUE(cache.ReadManifestList(used).ok());
  EXPECT_FALSE(cache.ReadManifestList(idle).ok());
}

TEST_F(ManifestCacheTest, NamesTheFileThatIsDamaged) {
  ManifestCache cache(*store_, 1 << 20);
  const std::string uri = store_->root_uri() + "/damaged.avro";
  ASSERT_TRUE(store_->Put(uri, "Obj\1 nothing").ok());
  const auto read = cache.ReadManifestList(uri);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(read.error().message.find("damaged.avro"), std::string::npos);
}

}  // namespace
}  // namespace sluice::iceberg

#include "storage/azure.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "observability/error_catalog.h"
#include "storage/canonical_path.h"
#include "storage/object_store.h"

namespace sluice {
namespace {

/// Nobody answers there.
std::unique_ptr<ObjectStore> OpenedWith(const std::string& key) {
  StorageConfig config;
  config.endpoint = "http://127.0.0.1:1";
  config.secret_key = key;
  auto store = ObjectStore::Open("abfss://lake@company.dfs.core.windows.net/deep/", config);
  EXPECT_TRUE(store.ok());
  return std::move(store).value();
}

TEST(Azure, APlaceIsAContainerOfAnAccountAndAFolder) {
  const auto place = ParseAzurePlace("abfss://lake@company.dfs.core.windows.net//deep/warehouse/");
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->prefix, "abfss://lake@company.dfs.core.windows.net/");
  EXPECT_EQ(place->container, "lake");
  EXPECT_EQ(place->account, "company");
  EXPECT_EQ(place->suffix, "core.windows.net");
  EXPECT_EQ(place->path, "deep/warehouse");
  EXPECT_EQ(ParseAzurePlace("wasbs://lake@company.blob.core.chinacloudapi.cn/w")->prefix, "abfss://lake@company.dfs.core.chinacloudapi.cn/");
  EXPECT_EQ(CanonicalUri("abfs://lake@company.blob.core.windows.net/a.blob.b"), "abfss://lake@company.dfs.core.windows.net/a.blob.b");
  EXPECT_EQ(CanonicalUri("abfss://lake@company.dfs.core.windows.net/a.blob.b"), "abfss://lake@company.dfs.core.windows.net/a.blob.b");
  EXPECT_EQ(CanonicalUri("gcs://lake/w"), "gs://lake/w");
  for (const char* const wrong : {"abfss://lake@company.windows.net/w", "abfss://", "abfss://lake/warehouse", "abfss://@company.dfs.core.windows.net/w", "abfss://lake@company/w", "abfss://lake@.net/w", "abfss://lake@company.dfs.core.windows.net",
                                  "abfss://lake@company.dfs.core.windows.net/", "abfs://lake/w@company.dfs.core.windows.net", "abfss://lake@company.dfs.core.windows.net/../w"}) {
    const auto refused = ParseAzurePlace(wrong);
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_EQ(refused.error().code, slu::kStorageLocation);
    EXPECT_EQ(refused.error().kind, ErrorKind::kNeedsOperator);
  }
}

TEST(Azure, AKeyThatIsNoneIsAnError) {
  const auto store = OpenedWith("no base64!");
  const std::string uri = store->root_uri() + "/x";
  // Arrow lets the client's exceptions through from some of these.
  EXPECT_EQ(store->Put(uri, "x").error().code, slu::kStorageCredentials);
  EXPECT_FALSE(store->Get(uri).ok());
  EXPECT_FALSE(store->List(store->root_uri()).ok());
  EXPECT_FALSE(store->Exists(uri).ok());
  EXPECT_FALSE(store->Remove(uri).ok());
}

TEST(Azure, UrisOfAStoreAreThoseOfItsReaders) {
  const auto store = OpenedWith("a2V5");
  EXPECT_EQ(store->root_uri(), "abfss://lake@company.dfs.core.windows.net/deep");
  EXPECT_EQ(store->Get("abfss://other@company.dfs.core.windows.net/deep/x").error().code, slu::kStorageLocation);
  EXPECT_EQ(ObjectStore::Open("ftp://host/x").error().code, slu::kStorageLocation);
}

}  // namespace
}  // namespace sluice

#include "server/rest_catalog/metadata_document.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(MetadataDocument, KeepsSnapshotsThatABranchOrTagNamesAndEverythingElse) {
  const std::string all = R"({"format-version":2,"current-snapshot-id":9223372036854775807,"refs":{"main":{"snapshot-id":9223372036854775807,"type":"branch"},"t":{"snapshot-id":2,"type":"tag"}},)"
                          R"("snapshots":[{"snapshot-id":1},{"snapshot-id":2},{"snapshot-id":9223372036854775807}],"x":{"y":[1]}})";
  const std::string few = R"({"format-version":2,"current-snapshot-id":9223372036854775807,"refs":{"main":{"snapshot-id":9223372036854775807,"type":"branch"},"t":{"snapshot-id":2,"type":"tag"}},)"
                          R"("snapshots":[{"snapshot-id":2},{"snapshot-id":9223372036854775807}],"x":{"y":[1]}})";
  EXPECT_EQ(KeepReferencedSnapshots(all).value(), few);
  EXPECT_TRUE(CheckMetadataDocument(all).ok());
}

TEST(MetadataDocument, ShowsATableAsOfASnapshotWithItsColumnsOfThen) {
  const std::string now = R"({"current-schema-id":1,"current-snapshot-id":3,"refs":{"main":{"snapshot-id":3,"type":"branch"},"t":{"snapshot-id":2,"type":"tag"}},)"
                          R"("snapshots":[{"snapshot-id":1,"schema-id":0},{"snapshot-id":2},{"snapshot-id":3,"schema-id":1}],"snapshot-log":[{"snapshot-id":1},{"snapshot-id":2},{"snapshot-id":3}]})";
  EXPECT_EQ(AsOfSnapshot(now, 1).value(),
            R"({"current-schema-id":0,"current-snapshot-id":1,"refs":{"main":{"snapshot-id":1,"type":"branch"},"t":{"snapshot-id":2,"type":"tag"}},)"
            R"("snapshots":[{"snapshot-id":1,"schema-id":0},{"snapshot-id":2},{"snapshot-id":3,"schema-id":1}],"snapshot-log":[{"snapshot-id":1}]})");
  EXPECT_EQ(AsOfSnapshot(now, std::nullopt).value(),
            R"({"current-schema-id":1,"current-snapshot-id":-1,"refs":{"t":{"snapshot-id":2,"type":"tag"}},)"
            R"("snapshots":[{"snapshot-id":1,"schema-id":0},{"snapshot-id":2},{"snapshot-id":3,"schema-id":1}],"snapshot-log":[]})");
  EXPECT_FALSE(AsOfSnapshot(now, 9).ok()) << "there is no such snapshot";
  EXPECT_EQ(AsOfSnapshot(R"({"snapshots":[{"snapshot-id":5}],"refs":7})", 5).value(), R"({"snapshots":[{"snapshot-id":5}],"refs":{"main":{"snapshot-id":5,"type":"branch"}},"current-snapshot-id":5})");
  EXPECT_EQ(AsOfSnapshot(R"({"snapshots":[{"snapshot-id":5,"schema-id":2}]})", 5).value(),
            R"({"snapshots":[{"snapshot-id":5,"schema-id":2}],"current-snapshot-id":5,"refs":{"main":{"snapshot-id":5,"type":"branch"}},"current-schema-id":2})");
}

TEST(MetadataDocument, AnEmptyTableStaysAsItIs) {
  const std::string empty = R"({"current-snapshot-id":-1,"refs":{},"snapshots":[]})";
  EXPECT_EQ(KeepReferencedSnapshots(empty).value(), empty);
}

TEST(MetadataDocument, WhatIsNoJsonObjectIsCorrupt) {
  for (const std::string& bad : {std::string(), std::string("[]"), std::string("{"), std::string("1"), std::string("{\"a\":1}x"), "{\"a\":" + std::string(1000, '[') + std::string(1000, ']') + "}"}) {
    EXPECT_FALSE(CheckMetadataDocument(bad).ok()) << bad.substr(0, 20);
    EXPECT_FALSE(KeepReferencedSnapshots(bad).ok()) << bad.substr(0, 20);
    EXPECT_FALSE(AsOfSnapshot(bad, std::nullopt).ok()) << bad.substr(0, 20);
  }
}

}  // namespace
}  // namespace sluice

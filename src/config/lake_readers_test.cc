#include "config/lake_readers.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using enum ReaderEngine;

TEST(LakeReaders, WithoutReadersNothingIsGivenUp) { EXPECT_EQ(NeedsOf({}), ReaderNeeds{}); }

TEST(LakeReaders, SeveralNeedWhatEachOfThemNeeds) {
  const ReaderNeeds needs = NeedsOf({kSpark, kRedshift, kPyIceberg});
  EXPECT_EQ(needs, (ReaderNeeds{.no_uuid = true, .no_lists = true, .names_ignore_case = true, .no_reserved_names = true, .text_characters_max = 16'384}));
}

TEST(LakeReaders, EachNeedsOnlyWhatItLacks) {
  for (const std::string& name : ReaderEngineNames()) {
    const ReaderEngine reader = *ParseReaderEngine(name);
    EXPECT_EQ(NameOf(reader), name);
    const ReaderNeeds needs = NeedsOf({reader});
    EXPECT_EQ(needs.no_uuid, reader == kRedshift || reader == kSnowflake) << name;
    EXPECT_EQ(needs.no_lists, reader == kRedshift) << name;
    EXPECT_EQ(needs.names_ignore_case, reader != kSnowflake && reader != kPyIceberg && reader != kClickHouse) << name;
    EXPECT_EQ(needs.no_reserved_names, reader == kSpark || reader == kDatabricks) << name;
    EXPECT_EQ(needs.text_characters_max.has_value(), reader == kRedshift) << name;
  }
  EXPECT_FALSE(ParseReaderEngine("excel"));
}

TEST(LakeReaders, Format3IsRefusedByWhoReadsNoDeletionVectors) {
  std::vector<ReaderEngine> all;
  for (const std::string& name : ReaderEngineNames()) all.push_back(*ParseReaderEngine(name));
  EXPECT_EQ(ReadersRefuseFormat(all, 3), "athena, clickhouse");
  EXPECT_EQ(ReadersRefuseFormat(all, 2), "");
  EXPECT_EQ(ReadersRefuseFormat({kSpark, kRedshift}, 3), "");
}

TEST(LakeReaders, AMessageNamesThoseWhoNeedIt) { EXPECT_EQ(ReadersThat({kSnowflake, kSpark, kRedshift}, &ReaderNeeds::no_uuid), "snowflake, redshift"); }

}  // namespace
}  // namespace sluice

#include "iceberg/transform.h"

#include <gtest/gtest.h>

#include <limits>

#include "iceberg/partition_spec.h"

namespace sluice::iceberg {
namespace {

Transform Parsed(std::string_view text) { return ParseTransform(text).value(); }
const Type kTimestamptz = Primitive(TypeId::kTimestamptz);
const Type kDate = Primitive(TypeId::kDate);

// 2017-11-16T22:31:08 and its date.
constexpr int64_t kMoment = 1510871468000000;
constexpr int32_t kDay = 17486;

TEST(Transform, HashesAsTheSpecificationsTestVectorsSay) {
  EXPECT_EQ(BucketHash(Primitive(TypeId::kInt), int32_t{34}), 2017239379);
  EXPECT_EQ(BucketHash(Primitive(TypeId::kLong), int64_t{34}), 2017239379);
  EXPECT_EQ(BucketHash(Primitive(TypeId::kString), std::string("iceberg")), 1210000089);
  EXPECT_EQ(BucketHash(Primitive(TypeId::kUuid),
                       std::string("\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c"
                                   "\xb7\x85\xe7")),
            1488055340);
  EXPECT_EQ(BucketHash(Decimal(9, 2), Int128{1420}), -500754589);
  EXPECT_EQ(BucketHash(kDate, kDay), -653330422);
  EXPECT_EQ(BucketHash(Primitive(TypeId::kTimestamp), kMoment), -2047944441);
  EXPECT_EQ(BucketHash(Primitive(TypeId::kTimestampNs), kMoment * 1000), -2047944441);
  EXPECT_EQ(BucketHash(Primitive(TypeId::kBinary), std::string("\0\1\2\3", 4)), -188683207);
}

TEST(Transform, BucketIsNeverNegative) {
  EXPECT_EQ(Apply(Parsed("bucket[16]"), kDate, kDay), Literal((-653330422 & 0x7fffffff) % 16));
}

TEST(Transform, TimeGoesDownNotTowardsZero) {
  EXPECT_EQ(Apply(Parsed("year"), kTimestamptz, kMoment), Literal(int32_t{47}));
  EXPECT_EQ(Apply(Parsed("month"), kTimestamptz, kMoment), Literal(int32_t{574}));
  EXPECT_EQ(Apply(Parsed("day"), kTimestamptz, kMoment), Literal(kDay));
  EXPECT_EQ(Apply(Parsed("hour"), kTimestamptz, kMoment), Literal(int32_t{419686}));
  EXPECT_EQ(Apply(Parsed("year"), kTimestamptz, int64_t{-1}), Literal(int32_t{-1}));
  EXPECT_EQ(Apply(Parsed("month"), kTimestamptz, int64_t{-1}), Literal(int32_t{-1}));
  EXPECT_EQ(Apply(Parsed("day"), kTimestamptz, int64_t{-1}), Literal(int32_t{-1}));
  EXPECT_EQ(Apply(Parsed("hour"), kTimestamptz, int64_t{-1}), Literal(int32_t{-1}));
  EXPECT_EQ(Apply(Parsed("day"), kDate, kDay), Literal(kDay));
}

TEST(Transform, ReachesTheLatestTimestampThatFits) {
  // 294247-01-10T04:00:54.775807
  constexpr int64_t kLatest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Apply(Parsed("year"), kTimestamptz, kLatest), Literal(int32_t{294247 - 1970}));
  EXPECT_EQ(Apply(Parsed("month"), kTimestamptz, kLatest), Literal(int32_t{(294247 - 1970) * 12}));
}

TEST(Transform, TruncatesDownwards) {
  const Transform ten = Parsed("truncate[10]");
  EXPECT_EQ(Apply(ten, Primitive(TypeId::kInt), int32_t{1}), Literal(int32_t{0}));
  EXPECT_EQ(Apply(ten, Primitive(TypeId::kInt), int32_t{-1}), Literal(int32_t{-10}));
  EXPECT_EQ(Apply(ten, Primitive(TypeId::kLong), int64_t{-11}), Literal(int64_t{-20}));
  EXPECT_EQ(Apply(Parsed("truncate[50]"), Decimal(9, 2), Int128{1065}), Literal(Int128{1050}));
  EXPECT_EQ(Apply(Parsed("truncate[3]"), Primitive(TypeId::kString), std::string("iceberg")),
            Literal(std::string("ice")));
  EXPECT_EQ(
      Apply(Parsed("truncate[1]"), Primitive(TypeId::kString), std::string("\xc3\xa9t\xc3\xa9")),
      Literal(std::string("\xc3\xa9")));
  EXPECT_EQ(Apply(Parsed("truncate[2]"), Primitive(TypeId::kBinary), std::string("\xff\xfe\xfd")),
            Literal(std::string("\xff\xfe")));
}

TEST(Transform, NullStaysNullAndVoidGivesNull) {
  for (const char* text : {"identity", "bucket[4]", "day"})
    EXPECT_TRUE(IsNull(Apply(Parsed(text), kTimestamptz, Literal()))) << text;
  EXPECT_TRUE(IsNull(Apply(Parsed("void"), kTimestamptz, kMoment)));
}

TEST(Transform, ReadsWhatItWritesAndRefusesTheRest) {
  for (const char* text :
       {"identity", "bucket[16]", "truncate[3]", "year", "month", "day", "hour", "void"})
    EXPECT_EQ(ToString(Parsed(text)), text);
  for (const char* text :
       {"", "Day", "bucket[0]", "bucket[-1]", "bucket[]", "bucket[1", "truncate[1]x", "zorder"})
    EXPECT_FALSE(ParseTransform(text).ok()) << text;
}

TEST(Transform, RefusesTypesItDoesNotApplyTo) {
  EXPECT_EQ(ResultType(Parsed("day"), kTimestamptz).value().id, TypeId::kDate);
  EXPECT_EQ(ResultType(Parsed("truncate[4]"), Decimal(10, 2)).value(), Decimal(10, 2));
  EXPECT_FALSE(ResultType(Parsed("hour"), kDate).ok());
  EXPECT_FALSE(ResultType(Parsed("bucket[4]"), Primitive(TypeId::kDouble)).ok());
  EXPECT_FALSE(ResultType(Parsed("truncate[4]"), kDate).ok());
  EXPECT_FALSE(ResultType(Parsed("identity"), ListOf(2, kDate)).ok());
}

TEST(Transform, SpeaksForPeople) {
  EXPECT_EQ(ToHumanText(Parsed("day"), kTimestamptz, kDay), "2017-11-16");
  EXPECT_EQ(ToHumanText(Parsed("hour"), kTimestamptz, int32_t{419686}), "2017-11-16-22");
  EXPECT_EQ(ToHumanText(Parsed("month"), kTimestamptz, int32_t{-1}), "1969-12");
  EXPECT_EQ(ToHumanText(Parsed("identity"), Decimal(9, 2), Int128{-5}), "-0.05");
  EXPECT_EQ(ToHumanText(Parsed("identity"), kDate, Literal()), "null");
}

TEST(PartitionPath, HoldsNothingThatAPathCouldTakeApart) {
  Schema schema;
  schema.fields = {{1, "a", false, Primitive(TypeId::kString), ""},
                   {2, "at", false, kTimestamptz, ""}};
  PartitionSpec spec;
  spec.fields = {{2, 1000, "at_day", Parsed("day")}, {1, 1001, "a b", Parsed("identity")}};
  EXPECT_EQ(PartitionPath(spec, schema, {kDay, std::string("../x?%#")}),
            "at_day=2017-11-16/a~20b=..~2fx~3f~25~23");
}

}  // namespace
}  // namespace sluice::iceberg

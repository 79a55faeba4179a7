#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace sluice {
namespace {

using namespace std::string_view_literals;

TEST(Bytes, NumbersAreBigEndian) {
  std::string bytes;
  AppendBigEndian<int16_t>(bytes, -2);
  AppendBigEndian<int32_t>(bytes, 0x01020304);
  EXPECT_EQ(bytes, "\xff\xfe\x01\x02\x03\x04"sv);
}

template <class T>
void ComesBack(T number) {
  std::array<std::byte, sizeof(T)> bytes;
  StoreBigEndian(bytes.data(), number);
  EXPECT_EQ(LoadBigEndian<T>(bytes.data()), number);
}

TEST(Bytes, EveryWidthComesBackAtItsLimits) {
  ComesBack<int8_t>(-128);
  ComesBack<uint16_t>(65535);
  ComesBack<int16_t>(std::numeric_limits<int16_t>::min());
  ComesBack<int32_t>(std::numeric_limits<int32_t>::min());
  ComesBack<uint64_t>(std::numeric_limits<uint64_t>::max());
  ComesBack<int64_t>(std::numeric_limits<int64_t>::min());
}

TEST(ByteReader, ReadsFieldsOneAfterTheOther) {
  ByteReader reader(AsBytes("\x00\x05hello\0rest"sv));
  EXPECT_EQ(reader.Read<int16_t>(), 5);
  EXPECT_EQ(reader.ReadCString(), "hello");
  EXPECT_EQ(AsText(reader.ReadBytes(4)), "rest");
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, AfterAReadBeyondTheEndEverythingIsNothing) {
  ByteReader reader(AsBytes("abc"sv));
  EXPECT_EQ(reader.Read<int32_t>(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Read<int8_t>(), 0) << "the three bytes that are there must not come now";
  EXPECT_TRUE(reader.ReadBytes(1).empty());
  EXPECT_TRUE(reader.ReadCString().empty());
}

TEST(ByteReader, AHugeLengthReadsNothing) {
  ByteReader reader(AsBytes("abc"sv));
  EXPECT_TRUE(reader.ReadBytes(std::numeric_limits<size_t>::max()).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, ATextWithoutItsZeroIsNoText) {
  ByteReader reader(AsBytes("abc"sv));
  EXPECT_EQ(reader.ReadCString(), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, AnEmptyTextAndNoBytesAreFine) {
  ByteReader reader(AsBytes("\0"sv));
  EXPECT_EQ(reader.ReadCString(), "");
  EXPECT_TRUE(reader.ReadBytes(0).empty());
  EXPECT_TRUE(reader.ok());
}

}  // namespace
}  // namespace sluice

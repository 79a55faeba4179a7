#include "change/tuple.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>

namespace sluice {
namespace {

/// null | unchanged | text "ab" | binary of four bytes | empty text.
std::string Sample() {
  std::string bytes;
  AppendBigEndian<int16_t>(bytes, 5);
  bytes += "nut";
  AppendBigEndian<int32_t>(bytes, 2);
  bytes += "abb";
  AppendBigEndian<int32_t>(bytes, 4);
  bytes += "1234t";
  AppendBigEndian<int32_t>(bytes, 0);
  return bytes;
}

/// In memory of its own, so that a sanitizer sees a read beyond the end.
size_t MeasureCopy(std::string_view bytes, size_t columns) {
  const std::unique_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return MeasureTuple(Bytes(copy.get(), bytes.size()), columns);
}

TEST(Tuple, IsReadAsItWasWritten) {
  const std::string bytes = Sample();
  ASSERT_EQ(MeasureTuple(AsBytes(bytes), 5), bytes.size());
  EXPECT_EQ(MeasureTuple(AsBytes(bytes + "rest"), 5), bytes.size());
  TupleReader reader(AsBytes(bytes).data());
  ASSERT_EQ(reader.columns(), 5u);
  EXPECT_EQ(reader.Next().kind, ValueKind::kNull);
  EXPECT_EQ(reader.Next().kind, ValueKind::kUnchanged);
  const Value text = reader.Next();
  EXPECT_EQ(text.kind, ValueKind::kText);
  EXPECT_EQ(AsText(text.bytes), "ab");
  const Value binary = reader.Next();
  EXPECT_EQ(binary.kind, ValueKind::kBinary);
  EXPECT_EQ(AsText(binary.bytes), "1234");
  const Value empty = reader.Next();
  EXPECT_EQ(empty.kind, ValueKind::kText);
  EXPECT_TRUE(empty.bytes.empty());
}

TEST(Tuple, EveryPrefixAndEveryOtherNumberOfColumnsIsRefused) {
  const std::string bytes = Sample();
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_EQ(MeasureCopy(std::string_view(bytes).substr(0, size), 5), 0u) << size;
  EXPECT_EQ(MeasureCopy(bytes, 4), 0u);
  EXPECT_EQ(MeasureCopy(bytes, 6), 0u);
}

TEST(Tuple, ALengthIsNeverTrusted) {
  for (const int32_t length : {-1, INT32_MIN, INT32_MAX, 3}) {
    std::string bytes;
    AppendBigEndian<int16_t>(bytes, 1);
    bytes += 't';
    AppendBigEndian<int32_t>(bytes, length);
    EXPECT_EQ(MeasureCopy(bytes + "ab", 1), 0u) << length;
  }
}

TEST(Tuple, DamageIsRefusedOrStaysInside) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = Sample();
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const size_t size = MeasureCopy(bytes, 5);
    EXPECT_LE(size, bytes.size());
    refused += size == 0 ? 1 : 0;
  }
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace sluice

#include "iceberg/deletion_vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sluice::iceberg {
namespace {

Roaring Of(std::vector<uint32_t> rows) { return Roaring(rows.size(), rows.data()); }

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[c & 15];
  }
  return text;
}

TEST(DeletionVector, IsTheBytesThatIcebergsJavaLibraryWrites) {
  EXPECT_EQ(Hex(EncodeDeletionVector(Roaring())), "0000000cd1d339640000000000000000bf18480c");
  EXPECT_EQ(Hex(EncodeDeletionVector(Of({0}))), "00000022d1d339640100000000000000000000003a3000000100000000000000100000000000f7a6b4b5");
  EXPECT_EQ(Hex(EncodeDeletionVector(Of({1}))), "00000022d1d339640100000000000000000000003a3000000100000000000000100000000100eebd85f4");
  // core/src/test/resources/org/apache/iceberg/deletes/small-alternating-values-position-index.bin
  EXPECT_EQ(Hex(EncodeDeletionVector(Of({1, 3, 5, 7, 9}))),
            "0000002ad1d339640100000000000000000000003a30000001000000000004001000000001000300050007000900b3fb20be");
}

// Arrays, bitmaps and runs; few and many containers.
std::vector<Roaring> Shapes() {
  std::mt19937 random(7);
  std::vector<Roaring> shapes{Roaring(), Of({0}), Of({UINT32_MAX})};
  Roaring dense, runs, wide;
  for (int i = 0; i < 30'000; ++i) dense.add(static_cast<uint32_t>(random() % 65'536));
  runs.addRange(10, 70'000);
  runs.addRange(1u << 20, (1u << 20) + 65'536);
  for (int i = 0; i < 5000; ++i) wide.add(static_cast<uint32_t>(random()));
  shapes.insert(shapes.end(), {dense, runs, wide, dense | runs, dense | runs | wide});
  return shapes;
}

TEST(DeletionVector, IsReadAsItWasWritten) {
  for (const Roaring& rows : Shapes()) {
    const auto read = DecodeDeletionVector(EncodeDeletionVector(rows));
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_TRUE(*read == rows) << rows.cardinality();
  }
}

TEST(DeletionVector, DamageIsFound) {
  const std::string whole = EncodeDeletionVector(Of({1, 3, 5, 7, 9}));
  for (size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(DecodeDeletionVector(std::string_view(whole).substr(0, length)).ok()) << length;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bent = whole;
    bent[at] = static_cast<char>(bent[at] ^ 0x10);
    EXPECT_FALSE(DecodeDeletionVector(bent).ok()) << at;
  }
}

/// A vector around a bitmap that may be nonsense, with a checksum that is right.
std::string Framed(std::string bitmap) {
  std::string blob = EncodeDeletionVector(Of({1}));
  std::string summed = blob.substr(4, 16) + bitmap;
  std::string framed;
  for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(summed.size() >> shift);
  framed += summed;
  uint32_t crc = 0xffffffff;
  for (const char c : summed) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
  }
  crc = ~crc;
  for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(crc >> shift);
  return framed;
}

TEST(DeletionVector, ABitmapThatLiesIsRefusedWithoutHarm) {
  const std::string whole = EncodeDeletionVector(Of({1, 3, 5, 7, 9}));
  const std::string bitmap = whole.substr(20, whole.size() - 24);
  ASSERT_TRUE(DecodeDeletionVector(Framed(bitmap)).ok());
  std::mt19937 random(11);
  size_t refused = 0;
  for (const Roaring& rows : Shapes()) {
    const std::string blob = EncodeDeletionVector(rows);
    if (blob.size() < 40) continue;
    for (int i = 0; i < 500; ++i) {
      std::string bent = blob.substr(20, blob.size() - 24);
      bent[random() % std::min<size_t>(bent.size(), 64)] = static_cast<char>(random());
      if (i % 3 == 0) bent.resize(random() % bent.size());
      refused += !DecodeDeletionVector(Framed(bent)).ok();
    }
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_FALSE(DecodeDeletionVector(Framed(std::string("\x3a\x30\0\0\xff\xff\xff\xff", 8))).ok()) << "more containers than there can be";
  EXPECT_FALSE(DecodeDeletionVector(Framed(bitmap + "x")).ok()) << "something behind it";
  std::string unsorted = bitmap;
  unsorted[unsorted.size() - 2] = 1;  // The last of 1, 3, 5, 7, 9.
  EXPECT_FALSE(DecodeDeletionVector(Framed(unsorted)).ok());
}

TEST(VectorFile, HoldsItsVectorWhereItSays) {
  const Roaring rows = Of({4, 5});
  const VectorFile file = EncodeVectorFile({"s3://lake/b \"quoted\".parquet", &rows});
  EXPECT_TRUE(file.bytes.starts_with("PFA1"));
  EXPECT_TRUE(file.bytes.ends_with("PFA1"));
  const auto read = DecodeDeletionVector(std::string_view(file.bytes).substr(static_cast<size_t>(file.offset), static_cast<size_t>(file.size_bytes)));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(*read == rows);
  // The footer's list of blobs is a list, though it has one element.
  EXPECT_THAT(file.bytes, ::testing::HasSubstr(R"({"blobs":[{"type":"deletion-vector-v1","fields":[2147483645],"snapshot-id":-1,"sequence-number":-1,"offset":4,)"));
  EXPECT_THAT(file.bytes, ::testing::HasSubstr(R"("referenced-data-file":"s3://lake/b \"quoted\".parquet","cardinality":"2"}}],"properties")"));
}

}  // namespace
}  // namespace sluice::iceberg

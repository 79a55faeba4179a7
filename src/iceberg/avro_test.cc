#include "iceberg/avro.h"

#include <gtest/gtest.h>

#include <limits>

namespace sluice::iceberg {
namespace {

std::string Encoded(int64_t value) {
  std::string bytes;
  AvroEncoder(bytes).Long(value);
  return bytes;
}

TEST(Avro, EncodesLongsInZigzag) {
  EXPECT_EQ(Encoded(0), std::string(1, '\0'));
  EXPECT_EQ(Encoded(-1), "\x01");
  EXPECT_EQ(Encoded(1), "\x02");
  EXPECT_EQ(Encoded(-64), "\x7f");
  EXPECT_EQ(Encoded(64), "\x80\x01");
  for (const int64_t value :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    const std::string bytes = Encoded(value);
    AvroDecoder in(bytes);
    AvroType type;
    type.kind = AvroType::Kind::kLong;
    EXPECT_EQ(in.Long(type), value);
    EXPECT_TRUE(in.ok());
    EXPECT_TRUE(in.at_end());
  }
}

TEST(Avro, SkipsEverythingItDoesNotKnow) {
  const char* const schema = R"({"type":"record","name":"r","fields":[
      {"name":"a","type":{"type":"map","values":{"type":"array","items":"double"}}},
      {"name":"b","type":["null",{"type":"enum","name":"e","symbols":["x"]}]},
      {"name":"c","type":{"type":"fixed","name":"f","size":3}},
      {"name":"d","type":["f","float","boolean","int","string","bytes"]}]})";
  const AvroTypePtr type = ParseAvroSchema(schema).value();
  std::string bytes;
  AvroEncoder out(bytes);
  out.Long(1);  // a: one pair
  out.Bytes("key");
  out.Long(-2);  // two items, and their size
  out.Long(16);
  out.Raw(std::string(16, 'd'));
  out.Long(0);
  out.Long(0);
  out.Long(1);  // b: the enum
  out.Long(0);
  out.Raw("abc");  // c
  out.Long(4);     // d: the string
  out.Bytes("text");
  AvroDecoder in(bytes);
  in.Skip(*type);
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.at_end());
}

TEST(Avro, RefusesSchemasThatRecurseOrNestWithoutEnd) {
  EXPECT_FALSE(
      ParseAvroSchema(R"({"type":"record","name":"r","fields":[{"name":"a","type":["null","r"]}]})")
          .ok());
  std::string deep = R"("int")";
  for (int i = 0; i < 1000; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_FALSE(ParseAvroSchema(deep).ok());
  // The same depth by way of names, where the text itself is flat.
  std::string named =
      R"({"type":"record","name":"top","fields":[{"name":"f","type":{"type":"record","name":"r0","fields":[]}})";
  for (int i = 1; i < 1000; ++i)
    named += R"(,{"name":"f","type":{"type":"record","name":"r)" + std::to_string(i) +
             R"(","fields":[{"name":"g","type":"r)" + std::to_string(i - 1) + R"("}]}})";
  EXPECT_FALSE(ParseAvroSchema(named + "]}").ok());
  for (const char* bad :
       {"", "{", "[]", "1", "null", R"("unknown")", R"({"type":"fixed","name":"f","size":-1})",
        R"({"type":"fixed","name":"f","size":99999999999})", R"([["null"],"int"])"})
    EXPECT_FALSE(ParseAvroSchema(bad).ok()) << bad;
}

TEST(Avro, ItemsWithoutSizeDoNotRunForever) {
  const AvroTypePtr type = ParseAvroSchema(R"({"type":"array","items":"null"})").value();
  std::string bytes;
  AvroEncoder out(bytes);
  out.Long(std::numeric_limits<int64_t>::max());
  AvroDecoder in(bytes);
  in.Skip(*type);
  EXPECT_FALSE(in.ok());
}

TEST(Avro, AnArrayOfMoreItemsThanBytesIsRefusedBeforeItsFirst) {
  const AvroTypePtr type =
      ParseAvroSchema(R"({"type":"array","items":{"type":"record","name":"r","fields":[]}})").value();
  const std::string bytes = Encoded(1000) + "abc";
  AvroDecoder in(bytes);
  int items = 0;
  in.Array(*type, [&](const AvroType&) { ++items; });
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(items, 0);
}

TEST(Avro, ARecordNamedAThousandTimesIsHeldOnce) {
  std::string wide = R"({"type":"record","name":"wide","fields":[{"name":"a","type":"long"}]})";
  std::string text = R"({"type":"record","name":"top","fields":[{"name":"f","type":)" + wide + "}";
  for (int i = 0; i < 1000; ++i) text += R"(,{"name":"g","type":{"type":"wide"}})";
  const AvroTypePtr top = ParseAvroSchema(text + "]}").value();
  for (const AvroType::Field& field : top->fields) EXPECT_EQ(field.type, top->fields.front().type);
}

TEST(Avro, LengthsBeyondTheEndAllocateNothing) {
  AvroType type;
  type.kind = AvroType::Kind::kBytes;
  for (const int64_t length : {int64_t{5}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    const std::string bytes = Encoded(length) + "abc";
    AvroDecoder in(bytes);
    EXPECT_EQ(in.Bytes(type), std::nullopt);
    EXPECT_FALSE(in.ok());
  }
}

TEST(Avro, ReadsPlainBlocksAndNamesTheCompressionItLacks) {
  const auto with_codec = [](const std::string& codec) {
    std::string file("Obj\1", 4);
    AvroEncoder out(file);
    out.Long(2);
    out.Bytes("avro.schema");
    out.Bytes(R"({"type":"record","name":"r","fields":[{"name":"a","type":"long"}]})");
    out.Bytes("avro.codec");
    out.Bytes(codec);
    out.Long(0);
    out.Raw("0123456789abcdef");
    out.Long(2);
    out.Bytes("\x02\x04");
    out.Raw("0123456789abcdef");
    return ReadAvroFile(file);
  };
  const auto plain = with_codec("null");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->record_count, 2);
  EXPECT_EQ(plain->records, "\x02\x04");
  const auto packed = with_codec("zstandard");
  ASSERT_FALSE(packed.ok());
  EXPECT_EQ(packed.error().kind, ErrorKind::kNeedsOperator);
  EXPECT_NE(packed.error().message.find("zstandard"), std::string::npos);
}

TEST(Avro, ABlockThatUnpacksToTooMuchIsRefused) {
  const std::string schema =
      R"({"type":"record","name":"r","fields":[{"name":"a","type":"bytes"}]})";
  const std::string file = WriteAvroFile(schema, {}, 1, std::string(1'000'001, '\0'));
  EXPECT_TRUE(ReadAvroFile(file, 1'000'001).ok());
  const auto read = ReadAvroFile(file, 1'000'000);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace sluice::iceberg

#include "audit/avro_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <vector>

#include "audit/avro_fields.h"
#include "audit/rules.h"

namespace sluice::audit {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kSync = "0123456789abcdef";

std::string Long(int64_t value) {
  uint64_t bits = static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
  std::string out;
  for (; bits > 0x7f; bits >>= 7) out += static_cast<char>(0x80 | (bits & 0x7f));
  return out + static_cast<char>(bits);
}
std::string Bytes(std::string_view bytes) { return Long(static_cast<int64_t>(bytes.size())) + std::string(bytes); }

std::string Deflate(std::string_view bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Block(int64_t count, std::string_view packed) { return Long(count) + Bytes(packed) + std::string(kSync); }

std::string File(const std::string& schema, const std::string& blocks, const std::string& codec = "null") {
  return std::string("Obj\x01", 4) + Long(2) + Bytes("avro.schema") + Bytes(schema) + Bytes("avro.codec") + Bytes(codec) + Long(0) + std::string(kSync) + blocks;
}

struct Read {
  Result<AvroHeader> header;
  std::vector<Json> records;
};

Read ReadAll(const std::string& bytes, const AvroLimits& limits = {}) {
  std::vector<Json> records;
  auto header = ReadAvroFile(bytes, limits, [&](const Json&, const Json& record) -> Status {
    records.push_back(record);
    return Ok();
  });
  return {std::move(header), std::move(records)};
}

constexpr const char* kPair = R"({"type":"record","name":"r","fields":[{"name":"id","type":"long"},{"name":"v","type":["null","string"]}]})";

TEST(AvroFile, ReadsRecordsOfBothCodecs) {
  const std::string records = Long(-7) + Long(1) + Bytes("x") + Long(INT64_MIN) + Long(0);
  for (const std::string codec : {"null", "deflate"}) {
    const Read read = ReadAll(File(kPair, Block(2, codec == "null" ? records : Deflate(records)), codec));
    ASSERT_TRUE(read.header.ok()) << read.header.error().message;
    ASSERT_EQ(read.records.size(), 2u);
    EXPECT_EQ(read.records[0], (Json{{"id", -7}, {"v", "x"}}));
    EXPECT_EQ(read.records[1], (Json{{"id", INT64_MIN}, {"v", nullptr}}));
  }
}

TEST(AvroFile, ReadsEveryKindOfValue) {
  const std::string schema = R"({"type":"record","name":"r","fields":[
    {"name":"b","type":"boolean"},{"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"x","type":{"type":"fixed","name":"two","size":2}},
    {"name":"again","type":"two"},{"name":"l","type":{"type":"array","items":"int"}},{"name":"m","type":{"type":"map","values":"int"}}]})";
  const std::string record = std::string("\x01", 1) + std::string("\0\0\x80\x3f", 4) + std::string("\0\0\0\0\0\0\0\x40", 8) + "ab" + "cd" + Long(-2) + Long(2) + Long(3) + Long(4) + Long(0) + Long(1) + Bytes("k") + Long(5) + Long(0);
  const Read read = ReadAll(File(schema, Block(1, record)));
  ASSERT_TRUE(read.header.ok()) << read.header.error().message;
  EXPECT_EQ(read.records[0], (Json{{"b", true}, {"f", 1.0}, {"d", 2.0}, {"x", "ab"}, {"again", "cd"}, {"l", {3, 4}}, {"m", {{"k", 5}}}}));
}

TEST(AvroFile, RefusesWhateverIsCutOff) {
  const std::string whole = File(kPair, Block(1, Long(1) + Long(1) + Bytes("text")));
  const size_t header = File(kPair, "").size();
  for (size_t length = 0; length < whole.size(); ++length) EXPECT_EQ(ReadAll(whole.substr(0, length)).header.ok(), length == header) << length;
  EXPECT_TRUE(ReadAll(whole).header.ok());
}

TEST(AvroFile, RefusesWhatContradictsItself) {
  const std::string record = Long(1) + Long(0);
  const auto refused = [](const std::string& bytes, const char* words) {
    const Read read = ReadAll(bytes);
    ASSERT_FALSE(read.header.ok()) << words;
    EXPECT_THAT(read.header.error().message, HasSubstr(words));
  };
  refused(File(kPair, Block(1, record), "zstandard"), "zstandard");
  refused(File("{", Block(1, record)), "not JSON");
  refused(File(kPair, Block(1, record + "x")), "more than its records");
  refused(File(kPair, Block(2, record)), "cut off");
  refused(File(kPair, Block(1, Long(1) + Long(2))), "does not fit");
  refused(File(kPair, Block(1, Long(1) + Long(1) + Long(1 << 30))), "does not fit");
  refused(File(kPair, Block(1, "not deflated"), "deflate"), "unpacked");
  std::string other = File(kPair, Block(1, record));
  other.back() = '!';
  refused(other, "sync");
  refused(File(R"({"type":"record","name":"r","fields":[]})", Block(int64_t{1} << 60, "")), "more records than bytes");
}

TEST(AvroFile, StopsAtItsLimits) {
  const std::string zeros(1 << 20, '\0');
  AvroLimits limits;
  limits.block_bytes_max = 1 << 16;
  EXPECT_FALSE(ReadAll(File("\"bytes\"", Block(1, Deflate(zeros)), "deflate"), limits).header.ok());
  limits = {};
  limits.record_values_max = 100;
  EXPECT_FALSE(ReadAll(File(R"({"type":"array","items":"null"})", Block(1, Long(int64_t{1} << 40) + Long(0))), limits).header.ok());
  // A record that holds itself, for ever.
  EXPECT_FALSE(ReadAll(File(R"({"type":"record","name":"r","fields":[{"name":"r","type":["null","r"]}]})", Block(1, std::string(100'000, '\x02')))).header.ok());
}

TEST(AvroFields, FindsFieldsByTheirIds) {
  const Json schema = Json::parse(R"({"type":"record","name":"r","fields":[{"name":"any","type":["null","long"],"field-id":3},{"name":"path","type":"string","field-id":100}]})");
  const AvroFields fields(schema);
  EXPECT_EQ(fields.Long({{"any", 5}}, 3), 5);
  EXPECT_EQ(fields.Long({{"any", nullptr}}, 3), std::nullopt);
  EXPECT_EQ(fields.Text({{"path", "p"}}, 100), "p");
  EXPECT_EQ(fields.ids(), (std::vector<int64_t>{3, 100}));
  Findings findings;
  const int64_t required[] = {3, 100, 101};
  CheckAvroSchema(schema, required, "file", findings);
  ASSERT_EQ(findings.total(), 2u);
  EXPECT_THAT(findings.kept()[0].what, HasSubstr("lets it be null"));
  EXPECT_THAT(findings.kept()[1].what, HasSubstr("lacks the field 101"));
}

}  // namespace
}  // namespace sluice::audit

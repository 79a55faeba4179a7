#include "source/postgres/pgoutput_messages.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "source/postgres/pgoutput_bytes.h"

namespace sluice::pgoutput {
namespace {

using namespace sluice::testing;  // NOLINT(google-build-using-namespace): the makers of messages.

struct Sample {
  std::string bytes;
  bool in_stream_block = false;
};

std::vector<Sample> Samples() {
  std::vector<Sample> samples = {{BeginMessage(7, 100)},
                                 {CommitMessage(100, 120)},
                                 {OriginMessage()},
                                 {StreamStartMessage(7, true)},
                                 {StreamStopMessage(), true},
                                 {StreamCommitMessage(7, 100, 120)},
                                 {StreamAbortMessage(7, 8)},
                                 {StreamAbortMessage(7, 8) + std::string(16, '\0')}};
  for (const uint32_t xid : {0u, 7u}) {
    samples.push_back({RelationMessage(16400, "shot", {{"id", true}, {"note"}}, xid), xid != 0});
    samples.push_back({TypeMessage(16500, "mood", xid), xid != 0});
    samples.push_back({InsertMessage(16400, {"1", std::nullopt}, xid), xid != 0});
    samples.push_back({UpdateMessage(16400, '\0', {}, {"1", kUntouched}, xid), xid != 0});
    samples.push_back({UpdateMessage(16400, 'K', {"1", std::nullopt}, {"2", "a"}, xid), xid != 0});
    samples.push_back({UpdateMessage(16400, 'O', {"1", "x"}, {"2", "a"}, xid), xid != 0});
    samples.push_back({DeleteMessage(16400, 'O', {"1", "x"}, xid), xid != 0});
    samples.push_back({TruncateMessage({16400, 16401}, xid), xid != 0});
    samples.push_back({LogicalMessageBytes(false, 50, "sluice", "123", xid), xid != 0});
  }
  return samples;
}

/// In memory of its own, so that a sanitizer sees every byte read beyond the end.
Result<Message> DecodeCopy(std::string_view bytes, bool in_stream_block) {
  const std::unique_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  auto decoded = Decode(Bytes(copy.get(), bytes.size()), in_stream_block);
  // Views into the copy must not be looked at any more.
  return decoded;
}

TEST(Pgoutput, EveryMessageIsTakenWholeAndNoPrefixOfItIs) {
  for (const Sample& sample : Samples()) {
    SCOPED_TRACE(sample.bytes[0]);
    EXPECT_TRUE(DecodeCopy(sample.bytes, sample.in_stream_block).ok());
    for (size_t size = 0; size < sample.bytes.size(); ++size) {
      // The shorter form of StreamAbort is a prefix of the longer one.
      if (sample.bytes[0] == 'A' && size == 9) continue;
      const auto decoded = DecodeCopy(std::string_view(sample.bytes).substr(0, size), sample.in_stream_block);
      ASSERT_FALSE(decoded.ok()) << "prefix of " << size << " bytes";
      EXPECT_EQ(decoded.error().kind, ErrorKind::kCorrupt);
    }
    EXPECT_FALSE(DecodeCopy(sample.bytes + "x", sample.in_stream_block).ok()) << "a byte left over";
  }
}

TEST(Pgoutput, DamagedBytesNeverReadBeyondTheEnd) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  size_t refused = 0;
  for (int round = 0; round < 2000; ++round) {
    for (const Sample& sample : Samples()) {
      std::string bytes = sample.bytes;
      bytes[random() % bytes.size()] = static_cast<char>(random());
      refused += DecodeCopy(bytes, sample.in_stream_block).ok() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST(Pgoutput, AnUpdateShowsBothSidesAndItsSubtransaction) {
  const std::string bytes = UpdateMessage(16400, 'K', {"1", std::nullopt}, {"2", kUntouched}, /*xid=*/9);
  const auto decoded = Decode(AsBytes(bytes), true);
  ASSERT_TRUE(decoded.ok());
  const auto& row = std::get<RowChange>(*decoded);
  EXPECT_EQ(row.xid, 9u);
  EXPECT_EQ(row.relation, 16400u);
  EXPECT_EQ(row.operation, Operation::kUpdate);
  EXPECT_EQ(row.old_kind, OldTuple::kKey);
  EXPECT_EQ(AsText(row.old_tuple), Tuple({"1", std::nullopt}));
  EXPECT_EQ(AsText(row.new_tuple), Tuple({"2", kUntouched}));
}

TEST(Pgoutput, ARelationShowsItsColumns) {
  const std::string bytes = RelationMessage(16400, "shot", {{"id", true}, {"note"}});
  const auto decoded = Decode(AsBytes(bytes), false);
  ASSERT_TRUE(decoded.ok());
  const auto& relation = std::get<Relation>(*decoded);
  EXPECT_EQ(relation.name_space, "public");
  EXPECT_EQ(relation.name, "shot");
  RelationColumns columns(relation);
  const RelationColumn id = columns.Next();
  EXPECT_TRUE(id.in_key);
  EXPECT_EQ(id.name, "id");
  const RelationColumn note = columns.Next();
  EXPECT_FALSE(note.in_key);
  EXPECT_EQ(note.type, 25u);
  EXPECT_EQ(note.typmod, -1);
  EXPECT_TRUE(columns.done());
}

TEST(Pgoutput, TimesAreSince1970AndNeverOverflow) {
  EXPECT_EQ(FromPostgresTime(0).time_since_epoch(), std::chrono::seconds(946'684'800));
  EXPECT_EQ(ToPostgresTime(FromPostgresTime(-123)), -123);
  EXPECT_GT(FromPostgresTime(INT64_MAX), FromPostgresTime(0));
}

}  // namespace
}  // namespace sluice::pgoutput

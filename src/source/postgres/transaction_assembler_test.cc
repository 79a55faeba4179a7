#include "source/postgres/transaction_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "source/postgres/pgoutput_bytes.h"
#include "source/postgres/schema_registry.h"
#include "source/postgres/stream_recorder.h"

namespace sluice {
namespace {

using namespace sluice::testing;  // NOLINT(google-build-using-namespace): the makers of messages.
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kShot = 16400;
constexpr uint32_t kPlayer = 16401;

/// Makes a schema of the facts alone; equal facts are equal pointers.
class FactsResolver final : public SchemaResolver {
 public:
  Result<TableSchemaPtr> Resolve(const RelationFacts& facts) override {
    resolved.push_back(facts);
    TableSchema schema;
    schema.oid = facts.oid;
    schema.name = facts.name;
    for (const auto& column : facts.columns) {
      Type text;
      text.oid = column.type;
      text.name = "text";
      if (column.in_key) schema.key.push_back(schema.columns.size());
      schema.columns.push_back({column.name, 0, std::make_shared<const Type>(text), column.typmod, false});
    }
    return schemas.Intern(std::move(schema));
  }
  void NameType(Oid, const TableName&) override {}

  std::vector<RelationFacts> resolved;
  SchemaRegistry schemas;
};

class TransactionAssemblerTest : public ::testing::Test {
 protected:
  TransactionAssemblerTest() : folder_("/tmp/sluice-assembler-test-" + std::to_string(getpid())) { Restart(AssemblerLimits{}); }
  ~TransactionAssemblerTest() override { std::filesystem::remove_all(folder_); }

  void Restart(const AssemblerLimits& limits) { assembler_.emplace(resolver_, folder_, limits); }

  /// Feeds messages as the stream does: whatever must leave does so first.
  Status Feed(const std::vector<std::string>& messages) {
    for (const std::string& message : messages) {
      RETURN_IF_ERROR(TakeDue());
      RETURN_IF_ERROR(assembler_->Add(AsBytes(message)));
    }
    return TakeDue();
  }
  Status TakeDue() {
    while (assembler_->must_take()) RETURN_IF_ERROR(TakeOne());
    return Ok();
  }
  Status TakeOne() {
    ASSIGN_OR_RETURN(const ChangeBatchPtr batch, assembler_->TakeBatch());
    if (!batch) return Error{ErrorKind::kCorrupt, "no batch where one was due"};
    batches_.push_back(batch);
    recorder_.Add(*batch);
    return Ok();
  }
  /// Feeds and returns everything committed, as text.
  std::vector<std::string> Changes(const std::vector<std::string>& messages) {
    Status fed = Feed(messages);
    EXPECT_TRUE(fed.ok()) << fed.error().message;
    while (fed.ok() && assembler_->has_transactions()) {
      fed = TakeOne();
      EXPECT_TRUE(fed.ok()) << fed.error().message;
    }
    return recorder_.changes();
  }

  const std::string folder_;
  FactsResolver resolver_;
  std::optional<TransactionAssembler> assembler_;
  StreamRecorder recorder_;
  std::vector<ChangeBatchPtr> batches_;
};

const std::string kShotRelation = RelationMessage(kShot, "shot", {{"id", true}, {"note"}});

std::string StreamedShot(uint32_t xid) { return RelationMessage(kShot, "shot", {{"id", true}, {"note"}}, xid); }

TEST_F(TransactionAssemblerTest, SmallTransactionsShareABatch) {
  EXPECT_THAT(Changes({BeginMessage(1, 100, 5), kShotRelation, InsertMessage(kShot, {"1", "a"}), CommitMessage(100, 110, 5), BeginMessage(2, 120, 6),
                       UpdateMessage(kShot, 'K', {"1", std::nullopt}, {"2", kUntouched}), DeleteMessage(kShot, 'K', {"2", std::nullopt}), CommitMessage(120, 130, 6)}),
              ElementsAre("insert public.shot t:1 t:a", "update public.shot key t:1 null to t:2 unchanged", "delete public.shot key t:2 null"));
  ASSERT_EQ(batches_.size(), 1u);
  const ChangeBatch& batch = *batches_[0];
  ASSERT_EQ(batch.transactions.size(), 2u);
  EXPECT_EQ(batch.transactions[1].xid, 2u);
  EXPECT_EQ(batch.transactions[1].commit_lsn, Lsn{120});
  EXPECT_EQ(batch.transactions[1].end_lsn, Lsn{130});
  EXPECT_EQ(batch.transactions[1].first_change, 1u);
  EXPECT_EQ(batch.end_lsn, Lsn{130});
  EXPECT_EQ(batch.source_time, pgoutput::FromPostgresTime(6));
  EXPECT_EQ(batch.tables.size(), 1u);
}

TEST_F(TransactionAssemblerTest, AnEmptyTransactionOnlyAdvances) {
  EXPECT_THAT(Changes({BeginMessage(1, 100), CommitMessage(100, 110)}), IsEmpty());
  EXPECT_TRUE(assembler_->has_progress());
  const auto batch = assembler_->TakeBatch();
  ASSERT_TRUE(batch.ok() && *batch);
  EXPECT_THAT((*batch)->transactions, IsEmpty());
  EXPECT_EQ((*batch)->end_lsn, Lsn{110});
  EXPECT_FALSE(assembler_->has_progress());
}

TEST_F(TransactionAssemblerTest, WholeTransactionsLeaveWhileTheNextIsStillArriving) {
  ASSERT_TRUE(Feed({BeginMessage(1, 100), kShotRelation, InsertMessage(kShot, {"1", "a"}), CommitMessage(100, 110), BeginMessage(2, 120),
                    RelationMessage(kPlayer, "player", {{"id", true}}), InsertMessage(kPlayer, {"7"}), InsertMessage(kShot, {"2", "b"})}).ok());
  ASSERT_TRUE(TakeOne().ok());
  EXPECT_THAT(recorder_.changes(), ElementsAre("insert public.shot t:1 t:a"));
  EXPECT_EQ(batches_[0]->end_lsn, Lsn{110});
  EXPECT_THAT(Changes({UpdateMessage(kShot, 'O', {"2", "b"}, {"2", "c"}), CommitMessage(120, 130)}),
              ElementsAre("insert public.shot t:1 t:a", "insert public.player t:7", "insert public.shot t:2 t:b", "update public.shot old t:2 t:b to t:2 t:c"));
  EXPECT_EQ(batches_[1]->transactions[0].change_count, 3u);
}

TEST_F(TransactionAssemblerTest, ALargeTransactionIsCutIntoPartsThatAreAloneInTheirBatches) {
  Restart({.batch_bytes_target = 1000, .part_bytes_max = 300});
  std::vector<std::string> messages = {BeginMessage(1, 90), kShotRelation, InsertMessage(kShot, {"first", "x"}), CommitMessage(90, 95), BeginMessage(2, 100)};
  for (int i = 0; i < 20; ++i) messages.push_back(InsertMessage(kShot, {std::to_string(i), "x"}));
  messages.insert(messages.end(), {CommitMessage(100, 110), BeginMessage(3, 120), InsertMessage(kShot, {"last", "x"}), CommitMessage(120, 130)});
  const std::vector<std::string> changes = Changes(messages);
  ASSERT_EQ(changes.size(), 22u);
  EXPECT_EQ(changes[0], "insert public.shot t:first t:x");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(changes[static_cast<size_t>(i) + 1], "insert public.shot t:" + std::to_string(i) + " t:x");
  ASSERT_GE(batches_.size(), 5u);
  for (size_t i = 1; i + 1 < batches_.size(); ++i) {
    ASSERT_EQ(batches_[i]->transactions.size(), 1u);
    const Transaction& part = batches_[i]->transactions[0];
    EXPECT_EQ(part.xid, 2u);
    const bool is_last = i + 2 == batches_.size();
    EXPECT_EQ(part.ends_here, is_last);
    EXPECT_EQ(batches_[i]->end_lsn, is_last ? Lsn{110} : Lsn{});
    // A bookmark at or behind the true end skips every part, one before the commit record skips none.
    EXPECT_GT(part.end_lsn, part.commit_lsn);
    EXPECT_LE(part.end_lsn, Lsn{110});
    EXPECT_LT(batches_[i]->size_bytes(), 600u);
  }
}

TEST_F(TransactionAssemblerTest, InterleavedStreamsComeOutInCommitOrder) {
  EXPECT_THAT(Changes({StreamStartMessage(10, true), StreamedShot(10), InsertMessage(kShot, {"1", "ten"}, 10), StreamStopMessage(),
                       StreamStartMessage(20, true), StreamedShot(20), InsertMessage(kShot, {"2", "twenty"}, 20), StreamStopMessage(),
                       LogicalMessageBytes(false, 50, "other", "anything"),
                       BeginMessage(5, 90), kShotRelation, InsertMessage(kShot, {"3", "five"}), CommitMessage(90, 95),
                       StreamStartMessage(10, false), InsertMessage(kShot, {"4", "ten"}, 10), StreamStopMessage(),
                       StreamCommitMessage(20, 100, 110), StreamCommitMessage(10, 120, 130)}),
              ElementsAre("insert public.shot t:3 t:five", "insert public.shot t:2 t:twenty", "insert public.shot t:1 t:ten", "insert public.shot t:4 t:ten"));
  EXPECT_EQ(recorder_.transactions(), 3u);
  EXPECT_EQ(recorder_.end_lsn(), Lsn{130});
  EXPECT_EQ(assembler_->streamed_memory_bytes(), 0u);
}

TEST_F(TransactionAssemblerTest, AnAbortedSubtransactionTakesOnlyItsOwnChangesWithIt) {
  EXPECT_THAT(Changes({StreamStartMessage(10, true), StreamedShot(10), InsertMessage(kShot, {"1", "kept"}, 10), InsertMessage(kShot, {"2", "gone"}, 11),
                       TruncateMessage({kShot}, 11), InsertMessage(kShot, {"3", "kept"}, 12), StreamStopMessage(), StreamAbortMessage(10, 11),
                       StreamStartMessage(10, false), InsertMessage(kShot, {"4", "kept"}, 10), StreamStopMessage(), StreamCommitMessage(10, 100, 110)}),
              ElementsAre("insert public.shot t:1 t:kept", "insert public.shot t:3 t:kept", "insert public.shot t:4 t:kept"));
}

TEST_F(TransactionAssemblerTest, AnAbortedStreamLeavesNothingAndAnUnknownOneIsCounted) {
  EXPECT_THAT(Changes({StreamStartMessage(10, true), StreamedShot(10), InsertMessage(kShot, {"1", "gone"}, 10), StreamStopMessage(),
                       StreamAbortMessage(10, 10), StreamAbortMessage(99, 99)}), IsEmpty());
  EXPECT_EQ(assembler_->streamed_memory_bytes(), 0u);
  EXPECT_EQ(assembler_->ignored_aborts(), 1u);
}

TEST_F(TransactionAssemblerTest, AStreamOfWhichEverythingAbortedOnlyAdvances) {
  Restart({.batch_bytes_target = 1, .part_bytes_max = 1});
  EXPECT_THAT(Changes({StreamStartMessage(10, true), StreamedShot(11), InsertMessage(kShot, {"1", "gone"}, 11), InsertMessage(kShot, {"2", "gone"}, 11),
                       StreamStopMessage(), StreamAbortMessage(10, 11), StreamCommitMessage(10, 100, 110)}), IsEmpty());
  EXPECT_EQ(recorder_.end_lsn(), Lsn{110});
  EXPECT_EQ(recorder_.parts() + recorder_.transactions(), 0u);
  EXPECT_THAT(resolver_.resolved, IsEmpty()) << "a table that may never have existed was looked up";
}

TEST_F(TransactionAssemblerTest, ARelationInsideAnAbortedStreamIsVoid) {
  const std::string wider = RelationMessage(kShot, "shot", {{"id", true}, {"note"}, {"added"}}, 10);
  EXPECT_THAT(Changes({BeginMessage(1, 50), kShotRelation, InsertMessage(kShot, {"1", "a"}), CommitMessage(50, 60),
                       StreamStartMessage(10, true), wider, InsertMessage(kShot, {"2", "b", "c"}, 10), StreamStopMessage(), StreamAbortMessage(10, 10),
                       BeginMessage(2, 100), InsertMessage(kShot, {"3", "d"}), CommitMessage(100, 110)}),
              ElementsAre("insert public.shot t:1 t:a", "insert public.shot t:3 t:d"));
}

TEST_F(TransactionAssemblerTest, ARelationOfACommittedStreamHoldsForWhatFollows) {
  const std::string wider = RelationMessage(kShot, "shot", {{"id", true}, {"note"}, {"added"}}, 10);
  EXPECT_THAT(Changes({BeginMessage(1, 50), kShotRelation, InsertMessage(kShot, {"1", "a"}), CommitMessage(50, 60),
                       StreamStartMessage(10, true), StreamedShot(10), InsertMessage(kShot, {"2", "b"}, 10), wider, InsertMessage(kShot, {"3", "c", "d"}, 10),
                       StreamStopMessage(), StreamCommitMessage(10, 80, 90), BeginMessage(2, 100), InsertMessage(kShot, {"4", "e", "f"}), CommitMessage(100, 110)}),
              ElementsAre("insert public.shot t:1 t:a", "insert public.shot t:2 t:b", "insert public.shot t:3 t:c t:d", "insert public.shot t:4 t:e t:f"));
}

TEST_F(TransactionAssemblerTest, AnEqualRelationKeepsItsSchema) {
  Changes({BeginMessage(1, 50), kShotRelation, InsertMessage(kShot, {"1", "a"}), CommitMessage(50, 60), BeginMessage(2, 70), kShotRelation,
           InsertMessage(kShot, {"2", "b"}), CommitMessage(70, 80)});
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0]->tables.size(), 1u);
  EXPECT_EQ(batches_[0]->changes[0].table, batches_[0]->changes[1].table);
}

TEST_F(TransactionAssemblerTest, OpenStreamsBeyondTheBudgetGoToDiskAndComeBackWhole) {
  Restart({.batch_bytes_target = 2000, .part_bytes_max = 1000, .spill_after_bytes = 3000});
  std::vector<std::string> messages;
  std::vector<std::string> expected;
  for (int block = 0; block < 30; ++block) {
    for (const uint32_t xid : {10u, 20u}) {
      messages.push_back(StreamStartMessage(xid, block == 0));
      if (block == 0) messages.push_back(StreamedShot(xid));
      for (int i = 0; i < 5; ++i) {
        const std::string id = std::to_string(block * 5 + i);
        // Every third change is made by a subtransaction that is rolled back.
        const uint32_t subxid = i % 3 == 0 ? xid + 1 : xid;
        messages.push_back(InsertMessage(kShot, {id, std::string(20, 'x')}, subxid));
        if (xid == 20 && subxid == xid) expected.push_back("insert public.shot t:" + id + " t:" + std::string(20, 'x'));
      }
      messages.push_back(StreamStopMessage());
    }
  }
  ASSERT_TRUE(Feed(messages).ok());
  EXPECT_EQ(assembler_->spilled_transactions(), 2u);
  EXPECT_LE(assembler_->streamed_memory_bytes(), 3000u);
  EXPECT_THAT(Changes({StreamAbortMessage(20, 21), StreamAbortMessage(10, 10), StreamCommitMessage(20, 100, 110)}), ::testing::ElementsAreArray(expected));
  EXPECT_EQ(recorder_.transactions(), 1u);
  EXPECT_GT(recorder_.parts(), 2u);
  EXPECT_LT(recorder_.largest_batch_bytes(), 2000u);
  EXPECT_EQ(assembler_->streamed_memory_bytes(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "spill files have no name";
}

TEST_F(TransactionAssemblerTest, ASpillFolderThatCannotBeWrittenIsAnErrorAndNotALoss) {
  assembler_.emplace(resolver_, "/proc/nowhere", AssemblerLimits{.spill_after_bytes = 10});
  const Status fed = Feed({StreamStartMessage(10, true), StreamedShot(10), InsertMessage(kShot, {"1", "a"}, 10)});
  ASSERT_FALSE(fed.ok());
  EXPECT_EQ(fed.error().kind, ErrorKind::kUnavailable);
}

TEST_F(TransactionAssemblerTest, ProgressIsNotTakenInsideOfATransaction) {
  ASSERT_TRUE(Feed({BeginMessage(1, 100), kShotRelation, InsertMessage(kShot, {"1", "a"})}).ok());
  assembler_->AdvanceTo(Lsn{500});
  EXPECT_FALSE(assembler_->has_progress());
  ASSERT_TRUE(Feed({CommitMessage(100, 110)}).ok());
  ASSERT_TRUE(TakeOne().ok());
  EXPECT_EQ(batches_[0]->end_lsn, Lsn{110});
}

TEST_F(TransactionAssemblerTest, ProgressGoesPastAStreamThatIsStillOpen) {
  ASSERT_TRUE(Feed({StreamStartMessage(10, true), StreamedShot(10), InsertMessage(kShot, {"1", "a"}, 10)}).ok());
  assembler_->AdvanceTo(Lsn{400});
  EXPECT_FALSE(assembler_->has_progress()) << "inside of a block";
  ASSERT_TRUE(Feed({StreamStopMessage()}).ok());
  assembler_->AdvanceTo(Lsn{500});
  EXPECT_TRUE(assembler_->has_progress());
  EXPECT_THAT(Changes({StreamCommitMessage(10, 600, 610)}), ElementsAre("insert public.shot t:1 t:a"));
}

TEST_F(TransactionAssemblerTest, AHeartbeatTellsTheSourcesTime) {
  ASSERT_TRUE(Feed({LogicalMessageBytes(false, 300, "sluice", "1700000000000000")}).ok());
  ASSERT_TRUE(assembler_->has_heartbeat());
  ASSERT_TRUE(TakeOne().ok());
  EXPECT_EQ(batches_[0]->source_time, Timestamp(std::chrono::microseconds(1700000000000000)));
  EXPECT_EQ(batches_[0]->end_lsn, Lsn{300});
  EXPECT_FALSE(assembler_->has_heartbeat());
}

TEST_F(TransactionAssemblerTest, AHeartbeatInsideOfATransactionCountsOnceItEnded) {
  Changes({BeginMessage(1, 100, 0), LogicalMessageBytes(false, 90, "sluice", "1700000000000000"), kShotRelation, InsertMessage(kShot, {"1", "a"}), CommitMessage(100, 110, 0)});
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0]->source_time, Timestamp(std::chrono::microseconds(1700000000000000)));
}

// Whoever waits for a batch would be told again and again that one is due, and get none.
TEST_F(TransactionAssemblerTest, AHeartbeatBeforeATransactionThatIsStillComingIsNotDue) {
  ASSERT_TRUE(Feed({LogicalMessageBytes(false, 90, "sluice", "1700000000000000"), BeginMessage(1, 100, 0)}).ok());
  EXPECT_FALSE(assembler_->has_heartbeat());
  ASSERT_TRUE(Feed({kShotRelation, InsertMessage(kShot, {"1", "a"}), CommitMessage(100, 110, 0)}).ok());
  ASSERT_TRUE(TakeOne().ok());
  EXPECT_EQ(batches_[0]->end_lsn, Lsn{110});
  EXPECT_FALSE(assembler_->has_heartbeat());
}

TEST_F(TransactionAssemblerTest, HeartbeatsOfOthersAreNotBelieved) {
  TransactionAssembler assembler(resolver_, folder_, {}, "5ecret ");
  for (const char* const content : {"1700000000000000", "0ther 1700000000000000", "5ecret", "5ecret 17x", "5ecret 99999999999999999999", ""}) {
    SCOPED_TRACE(content);
    const std::string message = LogicalMessageBytes(false, 300, "sluice", content);
    ASSERT_TRUE(assembler.Add(AsBytes(message)).ok());
    EXPECT_FALSE(assembler.has_heartbeat());
  }
  const std::string message = LogicalMessageBytes(false, 300, "sluice", "5ecret 1700000000000000");
  ASSERT_TRUE(assembler.Add(AsBytes(message)).ok());
  EXPECT_TRUE(assembler.has_heartbeat());
}

TEST_F(TransactionAssemblerTest, MessagesOutOfOrderAreCorruptAndNeverApplied) {
  const std::vector<std::vector<std::string>> sequences = {
      {InsertMessage(kShot, {"1", "a"})},
      {BeginMessage(1, 100), InsertMessage(kShot, {"1", "a"})},
      {BeginMessage(1, 100), BeginMessage(2, 110)},
      {BeginMessage(1, 100), CommitMessage(101, 110)},
      {CommitMessage(100, 110)},
      {BeginMessage(1, 100), kShotRelation, InsertMessage(kShot, {"1"})},
      {BeginMessage(1, 100), StreamStartMessage(10, true)},
      {StreamStartMessage(10, false)},
      {StreamStartMessage(10, true), StreamStopMessage(), StreamStartMessage(10, true)},
      {StreamStartMessage(10, true), InsertMessage(kShot, {"1", "a"}, 10)},
      {StreamStartMessage(10, true), StreamCommitMessage(10, 100, 110)},
      {StreamCommitMessage(10, 100, 110)},
      {StreamStopMessage()},
      {TruncateMessage({kShot})},
  };
  for (size_t i = 0; i < sequences.size(); ++i) {
    SCOPED_TRACE(i);
    Restart(AssemblerLimits{});
    const Status fed = Feed(sequences[i]);
    ASSERT_FALSE(fed.ok());
    EXPECT_EQ(fed.error().kind, ErrorKind::kCorrupt);
  }
}

}  // namespace
}  // namespace sluice

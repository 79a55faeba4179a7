#include "change/table_fingerprint.h"

#include <gtest/gtest.h>

#include "change/table_definition.h"

namespace sluice {
namespace {

class Fingerprint : public ::testing::Test {
 protected:
  Fingerprint() {
    mood_.oid = 20'000;
    mood_.kind = TypeKind::kEnum;
    mood_.labels = {"sad", "ok"};
    Set();
    table_.columns.resize(2);
    table_.leaves = {File(500, 500)};
    before_ = ToText(FingerprintOf(table_));
  }

  static Leaf File(Oid oid, Oid node) {
    Leaf leaf;
    leaf.oid = oid;
    leaf.file_node = node;
    return leaf;
  }
  void Set() {
    auto schema = std::make_shared<TableSchema>();
    schema->oid = 500;
    schema->replica_identity = identity_;
    schema->columns = {{"id", 1, std::make_shared<Type>()}, {name_, 2, std::make_shared<Type>(mood_)}};
    table_.schema = schema;
  }
  TableChange Compare() {
    Set();
    table_.fingerprint = FingerprintOf(table_);
    return CompareFingerprints(before_, table_);
  }
  void Partition(std::vector<Leaf> leaves) {
    table_.partition_key = "RANGE (id)";
    table_.leaves = std::move(leaves);
  }

  Type mood_;
  std::string name_ = "mood";
  ReplicaIdentity identity_ = ReplicaIdentity::kDefault;
  TableDefinition table_;
  std::string before_;
};

TEST_F(Fingerprint, IsReadBackAsItWasWritten) {
  Partition({File(900, 901), File(800, 800)});
  const TableFingerprint made = FingerprintOf(table_);
  EXPECT_EQ(ParseFingerprint(ToText(made)), made);
  EXPECT_EQ(made.files.front().leaf, 800u);
  for (const char* wrong : {"", "1", "2 0 0 0 0", "1 x 0 0 0", "1 0 0 0 3 1 2", "1 0 0 0 0 5:", "1 0 0 0 0 5:x", "1 0 0 0 -1", "1b 0 0 0 0"})
    EXPECT_EQ(ParseFingerprint(wrong), std::nullopt) << wrong;
}

TEST_F(Fingerprint, OfATableThatGotARowIdentityLacksTheChangesBeforeIt) {
  EXPECT_TRUE(ParseFingerprint(before_)->append_only);
  identity_ = ReplicaIdentity::kFull;
  EXPECT_EQ(Compare(), TableChange::kCopyAgain);
  before_ = ToText(table_.fingerprint);
  EXPECT_EQ(Compare(), TableChange::kNone);
  identity_ = ReplicaIdentity::kDefault;
  EXPECT_EQ(Compare(), TableChange::kFollow);
}

TEST_F(Fingerprint, OfTheSameTableIsTheSame) { EXPECT_EQ(Compare(), TableChange::kNone); }

TEST_F(Fingerprint, UnknownIsFollowed) {
  before_ = "";
  EXPECT_EQ(Compare(), TableChange::kFollow);
}

TEST_F(Fingerprint, AColumnThatChangedIsFollowed) {
  table_.columns[1].changed_by = 701;
  EXPECT_EQ(Compare(), TableChange::kFollow);
}

TEST_F(Fingerprint, ARenamedColumnIsFollowed) {
  name_ = "temper";
  EXPECT_EQ(Compare(), TableChange::kFollow);
}

TEST_F(Fingerprint, AConstraintIsFollowed) {
  table_.constraints.push_back({ConstraintKind::kUnique, "once", {"UNIQUE (mood)", {}}});
  EXPECT_EQ(Compare(), TableChange::kFollow);
}

TEST_F(Fingerprint, AnotherFileAloneIsVacuumFullOrAStreamedTruncate) {
  table_.leaves[0].file_node = 555;
  EXPECT_EQ(Compare(), TableChange::kNone);
}

TEST_F(Fingerprint, AnotherFileAndAnotherColumnIsARewrite) {
  table_.leaves[0].file_node = 555;
  table_.columns[1].changed_by = 701;
  EXPECT_EQ(Compare(), TableChange::kCopyAgain);
}

TEST_F(Fingerprint, ANewLabelIsFollowedAndARenamedOneIsNot) {
  mood_.labels = {"sad", "glad", "ok"};
  EXPECT_EQ(Compare(), TableChange::kFollow);
  mood_.labels = {"sad", "fine"};
  EXPECT_EQ(Compare(), TableChange::kCopyAgain);
}

TEST_F(Fingerprint, AnotherFieldOfACompositeIsCopiedAgain) {
  mood_.fields = {{"a", std::make_shared<Type>(), -1}};
  EXPECT_EQ(Compare(), TableChange::kCopyAgain);
}

TEST_F(Fingerprint, PartitionsThatComeAndGo) {
  Partition({File(800, 800), File(900, 900)});
  before_ = ToText(FingerprintOf(table_));
  const std::vector<Leaf> all = table_.leaves;
  table_.leaves.push_back(File(700, 700));
  EXPECT_EQ(Compare(), TableChange::kFollow) << "made as a partition, so it was empty";
  EXPECT_FALSE(PartitionsGone(before_, table_.fingerprint));
  table_.leaves.back().attached = true;
  EXPECT_EQ(Compare(), TableChange::kCopyAgain) << "may have come with rows";
  table_.leaves = {all[1]};
  EXPECT_EQ(Compare(), TableChange::kFollow);
  EXPECT_TRUE(PartitionsGone(before_, table_.fingerprint));
  table_.leaves = all;
  table_.leaves[0].file_node = 801;
  EXPECT_EQ(Compare(), TableChange::kCopyAgain) << "TRUNCATE of a partition is in no stream";
}

}  // namespace
}  // namespace sluice

#include "sink/mapping/batch_mapping.h"

#include <gtest/gtest.h>

#include "observability/error_catalog.h"
#include "sink/mapping/mapping.h"
#include "sink/mapping/test_tables.h"

namespace sluice::mapping {
namespace {

using namespace testing;  // NOLINT

TableSchemaPtr Player(ReplicaIdentity identity = ReplicaIdentity::kDefault) {
  TableSchema schema;
  schema.oid = 16'400;
  schema.name = {"public", "player"};
  schema.columns = {MakeColumn("id", kInt4, 1), MakeColumn("email", kText, 2), MakeColumn("photo", kText, 3), MakeColumn("country", kText, 4)};
  schema.key = {0};
  schema.replica_identity = identity;
  return std::make_shared<const TableSchema>(schema);
}

TableSchemaPtr Other() {
  TableSchema schema;
  schema.oid = 16'500;
  schema.name = {"public", "other"};
  schema.columns = {MakeColumn("id", kInt4, 1)};
  schema.key = {0};
  return std::make_shared<const TableSchema>(schema);
}

MappingConfig Masking() {
  TableMappingConfig player;
  player.table = "public.player";
  player.to = "crm.players";
  player.exclude = {"photo"};
  player.rename = {{"email", "mail"}};
  player.mask = {{"email", {.kind = MaskKind::kPartial, .salt = {}, .keep_last = 2, .unit = {}}}};
  return {{player}, {}};
}

MappingConfig Filtering() {
  TableMappingConfig player;
  player.table = "public.player";
  player.where = {{"country", Comparator::kIn, {"DE", "DK"}}};
  return {{player}, {}};
}

class Mapped {
 public:
  explicit Mapped(MappingConfig config, Lsn copy_lsn = {})
      : mapping_("lake", std::move(config)),
        mapper_([this, copy_lsn](const TableSchemaPtr& schema) { return TableRoute{mapping_.Maps(schema), copy_lsn}; },
                [this](const TableSchemaPtr& schema) { return mapping_.PlanFor(schema); }) {}

  Result<ChangeBatchPtr> operator()(const ChangeBatchPtr& batch) { return mapper_.Map(batch); }

 private:
  Mapping mapping_;
  BatchMapper mapper_;
};

std::string Row(int id, TestValue email, TestValue photo, const std::string& country) { return Tuple({{'b', Int(id)}, std::move(email), std::move(photo), {'b', country}}); }
std::string Key(int id) { return Tuple({{'b', Int(id)}, {'n'}, {'n'}, {'n'}}); }

TEST(BatchMapping, ABatchWithoutMappedTablesIsPassedOnAsItIs) {
  const ChangeBatchPtr batch = Batch({Other()}, {{Operation::kInsert, Tuple({{'b', Int(1)}})}});
  EXPECT_EQ(*Mapped(Masking())(batch), batch);
}

TEST(BatchMapping, MapsEveryOperationAndEveryFormOfAValue) {
  const ChangeBatchPtr batch = Batch({Player(), Other()}, {
      {Operation::kInsert, Row(1, {'b', "a@b.de"}, {'b', "png"}, "DE")},
      {Operation::kInsert, Row(2, {'t', "c@d.dk"}, {'n'}, "DK")},
      {Operation::kInsert, Tuple({{'b', Int(9)}}), "", OldTuple::kNone, 1},
      {Operation::kUpdate, Row(1, {'u'}, {'u'}, "SE")},
      {Operation::kUpdate, Row(3, {'n'}, {'b', "x"}, "SE"), Key(1), OldTuple::kKey},
      {Operation::kDelete, "", Row(3, {'b', "e@f.se"}, {'n'}, "SE"), OldTuple::kFull},
      {Operation::kTruncate},
  });
  const auto mapped = Mapped(Masking())(batch);
  ASSERT_TRUE(mapped.ok());
  const ChangeBatch& out = **mapped;
  ASSERT_EQ(out.tables.size(), 2u);
  EXPECT_EQ(ToString(out.tables[0]->name), "crm.players");
  EXPECT_EQ(out.tables[0]->columns[1].name, "mail");
  EXPECT_EQ(out.tables[1], batch->tables[1]);
  ASSERT_EQ(out.changes.size(), 7u);
  EXPECT_EQ(TupleAt(out.new_tuple(out.changes[0])), Tuple({{'b', Int(1)}, {'b', "****de"}, {'b', "DE"}}));
  EXPECT_EQ(TupleAt(out.new_tuple(out.changes[1])), Tuple({{'b', Int(2)}, {'t', "****dk"}, {'b', "DK"}}));
  EXPECT_EQ(TupleAt(out.new_tuple(out.changes[2])), Tuple({{'b', Int(9)}}));
  EXPECT_EQ(TupleAt(out.new_tuple(out.changes[3])), Tuple({{'b', Int(1)}, {'u'}, {'b', "SE"}}));
  EXPECT_EQ(TupleAt(out.old_tuple(out.changes[4])), Tuple({{'b', Int(1)}, {'n'}, {'n'}}));
  EXPECT_EQ(TupleAt(out.new_tuple(out.changes[4])), Tuple({{'b', Int(3)}, {'n'}, {'b', "SE"}}));
  EXPECT_EQ(TupleAt(out.old_tuple(out.changes[5])), Tuple({{'b', Int(3)}, {'b', "****se"}, {'b', "SE"}}));
  EXPECT_EQ(out.changes[6].operation, Operation::kTruncate);
  EXPECT_EQ(out.transactions[0].change_count, 7u);
}

TEST(BatchMapping, EqualSchemasStayEqualPointers) {
  Mapped mapped(Masking());
  const TableSchemaPtr player = Player();
  const auto one = mapped(Batch({player}, {{Operation::kTruncate}}));
  const auto two = mapped(Batch({player}, {{Operation::kTruncate}}));
  EXPECT_EQ((*one)->tables[0], (*two)->tables[0]);
}

TEST(BatchMapping, AnUpdateThatCrossesTheFilterBecomesAnInsertOrADelete) {
  const TestValue mail{'b', "m"}, large{'b', "large"};
  const ChangeBatchPtr batch = Batch({Player(ReplicaIdentity::kFull)}, {
      {Operation::kInsert, Row(1, mail, large, "SE")},                                                    // Not taken.
      {Operation::kUpdate, Row(1, mail, {'u'}, "DE"), Row(1, mail, large, "SE"), OldTuple::kFull},        // Comes in.
      {Operation::kUpdate, Row(1, mail, {'u'}, "DK"), Row(1, mail, large, "DE"), OldTuple::kFull},        // Stays.
      {Operation::kUpdate, Row(1, mail, {'u'}, "NO"), Row(1, mail, large, "DK"), OldTuple::kFull},        // Leaves.
      {Operation::kUpdate, Row(1, mail, {'u'}, "FI"), Row(1, mail, large, "NO"), OldTuple::kFull},        // Outside.
      {Operation::kDelete, "", Row(1, mail, large, "FI"), OldTuple::kFull},
      {Operation::kDelete, "", Row(2, mail, large, "DE"), OldTuple::kFull},
  });
  const auto mapped = Mapped(Filtering())(batch);
  ASSERT_TRUE(mapped.ok());
  const ChangeBatch& out = **mapped;
  ASSERT_EQ(out.changes.size(), 4u);
  EXPECT_EQ(out.changes[0].operation, Operation::kInsert);
  EXPECT_EQ(out.changes[0].old_kind, OldTuple::kNone);
  EXPECT_EQ(TupleAt(out.new_tuple(out.changes[0])), Row(1, mail, large, "DE"));
  EXPECT_EQ(out.changes[1].operation, Operation::kUpdate);
  EXPECT_EQ(TupleAt(out.new_tuple(out.changes[1])), Row(1, mail, {'u'}, "DK"));
  EXPECT_EQ(out.changes[2].operation, Operation::kDelete);
  EXPECT_EQ(TupleAt(out.old_tuple(out.changes[2])), Row(1, mail, large, "DK"));
  EXPECT_EQ(out.changes[3].operation, Operation::kDelete);
}

TEST(BatchMapping, ANullIsNotTaken) {
  const auto mapped = Mapped(Filtering())(Batch({Player(ReplicaIdentity::kFull)}, {{Operation::kInsert, Tuple({{'b', Int(1)}, {'n'}, {'n'}, {'n'}})}}));
  ASSERT_TRUE(mapped.ok());
  EXPECT_TRUE((*mapped)->changes.empty());
  EXPECT_EQ((*mapped)->transactions.size(), 1u);
}

TEST(BatchMapping, ALargeValueThatWasNotSentIsAnErrorAndNotALoss) {
  TableMappingConfig player;
  player.table = "public.player";
  player.where = {{"id", Comparator::kLess, {"10"}}};
  const auto mapped = Mapped({{player}, {}})(Batch({Player()}, {{Operation::kUpdate, Row(1, {'b', "m"}, {'u'}, "DE"), Key(11), OldTuple::kKey}}));
  ASSERT_FALSE(mapped.ok());
  EXPECT_EQ(mapped.error().code, slu::kMappingValueNotSent);
}

TEST(BatchMapping, PartsStayPartsAndEndsStayEnds) {
  const auto part = Mapped(Filtering())(Batch({Player(ReplicaIdentity::kFull)}, {{Operation::kInsert, Row(1, {'n'}, {'n'}, "SE")}}, false));
  ASSERT_TRUE(part.ok());
  ASSERT_EQ((*part)->transactions.size(), 1u);
  EXPECT_FALSE((*part)->ends_transaction());
  EXPECT_EQ((*part)->transactions[0].change_count, 0u);
}

TEST(BatchMapping, WhatTheCopyHasIsNotLookedAt) {
  // Its columns may have been others then: here even the guarded one is missing.
  TableSchema older = *Player();
  older.columns.erase(older.columns.begin() + 1);
  const ChangeBatchPtr batch = Batch({std::make_shared<const TableSchema>(older)}, {{Operation::kInsert, Tuple({{'b', Int(1)}, {'n'}, {'n'}})}}, true, 99);
  const auto skipped = Mapped(Masking(), Lsn{100})(batch);
  ASSERT_TRUE(skipped.ok());
  EXPECT_TRUE((*skipped)->changes.empty());
  const auto refused = Mapped(Masking(), Lsn{99})(batch);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kMappingNoSuchColumn);
}

TEST(BatchMapping, AMaskedColumnThatIsRenamedIsHeldBackEvenIfOnlyAPatternNamedIt) {
  MappingConfig config = Masking();
  config.tables[0].table = "public.*";
  config.tables[0].to.reset();
  Mapped mapped(config);
  ASSERT_TRUE(mapped(Batch({Player()}, {{Operation::kInsert, Row(1, {'b', "a@b.de"}, {'n'}, "DE")}})).ok());
  TableSchema renamed = *Player();
  renamed.columns[1].name = "mail_address";
  const auto refused = mapped(Batch({std::make_shared<const TableSchema>(renamed)}, {{Operation::kInsert, Row(1, {'b', "a@b.de"}, {'n'}, "DE")}}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kMappingColumnUnguarded);
  EXPECT_EQ((refused.error().message + refused.error().evidence).find("a@b.de"), std::string::npos);
}

}  // namespace
}  // namespace sluice::mapping

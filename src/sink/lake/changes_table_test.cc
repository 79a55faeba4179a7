// The table that has every version of another's rows: what goes into it, when it begins again, and its columns.

#include "observability/error_catalog.h"
#include "sink/lake/changes_schema.h"
#include "sink/lake/lake_sink_fixture.h"

namespace sluice {
namespace {

using namespace sluice::testing;  // NOLINT(google-build-using-namespace)

const TableName kChanges{"public", "t_changes"};

class ChangesTableTest : public LakeSinkFixture {
 protected:
  ChangesTableTest() { config_.changes.tables = {"public.t"}; }

  std::optional<CatalogTable> Load(const TableName& name) {
    auto store = ObjectStore::Open(config_.warehouse);
    return *(*OpenCatalog(config_, **store))->LoadTable({name.name_space, name.name});
  }
  /// By a clock that the sink owns.
  SetClock& OpenAt(Timestamp now) {
    sink_.reset();
    auto clock = std::make_unique<SetClock>(now);
    SetClock& time = *clock;
    auto store = *ObjectStore::Open(config_.warehouse);
    auto catalog = *OpenCatalog(config_, *store);
    sink_ = *LakeSink::OpenWith(config_, kLog, std::move(store), std::move(catalog), std::move(clock));
    return time;
  }
  /// id|kind|body|_op|_seq
  Rows Versions() { return RowsOf(config_, *Load(kChanges)->metadata); }
  std::vector<std::string> ColumnsOf(const TableName& name) {
    std::vector<std::string> names;
    const auto table = Load(name);
    for (const iceberg::Field& field : table->metadata->schema().fields) names.push_back(field.name + ":" + iceberg::ToString(field.type));
    return names;
  }
  static TableSchemaPtr With(const TableSchemaPtr& schema, const std::function<void(TableSchema&)>& change) {
    auto changed = std::make_shared<TableSchema>(*schema);
    change(*changed);
    return changed;
  }
  static TableSchemaPtr Numbered() {
    return With(TestSchema("t"), [](TableSchema& table) {
      for (size_t i = 0; i < table.columns.size(); ++i) table.columns[i].attribute_number = static_cast<int16_t>(i + 1);
    });
  }

  const TableSchemaPtr schema_ = TestSchema("t");
};

TEST_F(ChangesTableTest, HasAlsoWhatDidNotLiveUntilTheCommitWithTheValuesThatWereNotSent) {
  Open();
  Copy(schema_, {{1, "a", "long"}, {2, "b", "x"}});
  EXPECT_EQ(Versions(), (Rows{"1|a|long|copy|1", "2|b|x|copy|1"}));
  BatchMaker batch(schema_);
  batch.Insert({3, "c", "y"}).Update({3, "d", "z"}).Update({1, "e", std::nullopt, true}).Update({1, "f", std::nullopt, true}).Delete(3).Update({9, "g", "w"}, 2);
  batch.End(200);
  batch.Insert({4, "h", "v"});
  Apply(batch, 210);
  EXPECT_EQ(Versions(), (Rows{"1|a|long|copy|1", "2|b|x|copy|1", "3|c|y|insert|1", "3|d|z|update|2", "1|e|long|update|3", "1|f|long|update|4", "3|NULL|NULL|delete|5",
                              "2|NULL|NULL|delete|6", "9|g|w|update|7", "4|h|v|insert|1"}));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|f|long", "9|g|w", "4|h|v"}));
  // Deletes of rows in files, and the values of one of them that was written before.
  Open();
  BatchMaker next(schema_);
  next.Update({1, "i", std::nullopt, true}).Delete(4);
  Apply(next, 300);
  Rows versions = Versions();
  for (const char* const added : {"1|i|long|update|1", "4|NULL|NULL|delete|2"}) EXPECT_EQ(versions.count(added), 1u) << added;
  EXPECT_EQ(versions.size(), 12u);
}

TEST_F(ChangesTableTest, WhatATruncateTookIsThereAndThatItDid) {
  Open();
  Copy(schema_, {{1, "a", "long"}});
  BatchMaker batch(schema_);
  batch.Update({1, "b", std::nullopt, true}).Insert({2, "c", "x"}).Truncate().Insert({3, "d", "y"});
  Apply(batch, 200);
  EXPECT_EQ(Versions(), (Rows{"1|a|long|copy|1", "1|b|long|update|1", "2|c|x|insert|2", "NULL|NULL|NULL|truncate|3", "3|d|y|insert|4"}));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"3|d|y"}));
}

TEST_F(ChangesTableTest, FilesThatFillBeforeTheCommitHaveEachVersionOnce) {
  config_.file_bytes_target = 1;
  Open();
  Copy(schema_, {{1, "a", "x"}});
  BatchMaker batch(schema_);
  batch.Insert({2, "b", "y"}).Update({2, "c", std::nullopt, true}).Delete(1);
  Apply(batch, 200);
  EXPECT_EQ(Versions(), (Rows{"1|a|x|copy|1", "2|b|y|insert|1", "2|c|y|update|2", "1|NULL|NULL|delete|3"}));
}

TEST_F(ChangesTableTest, RowsThatAreKnownByAllTheyHoldGoWholeAndComeWhole) {
  const TableSchemaPtr full = TestSchema("t", true);
  Open();
  Copy(full, {{1, "a", "x"}});
  BatchMaker batch(full);
  batch.UpdateFull({1, "a", "x"}, {1, "a", "x"}).UpdateFull({1, "a", "x"}, {1, "b", "x"}).DeleteFull({1, "b", "x"});
  Apply(batch, 200);
  EXPECT_EQ(Versions(), (Rows{"1|a|x|copy|1", "1|a|x|delete|1", "1|a|x|update|2", "1|a|x|delete|3", "1|b|x|update|4", "1|b|x|delete|5"}));
}

TEST_F(ChangesTableTest, BeginsWithTheRowsOfThenWhenItIsAskedForAndAgainAfterAGap) {
  config_.changes.tables = {};
  Open();
  Copy(schema_, {{1, "a", "x"}, {2, "b", "y"}});
  BatchMaker before(schema_);
  before.Delete(1);
  Apply(before, 200);
  EXPECT_FALSE(Load(kChanges));
  config_.changes.tables = {"public.*"};
  Open();
  EXPECT_FALSE(Load(kChanges)) << "before it is known whether the table is copied again, e.g. masked";
  ASSERT_OK(Commit(200));
  EXPECT_EQ(Versions(), (Rows{"2|b|y|copy|1"}));
  Open();
  EXPECT_EQ(Versions(), (Rows{"2|b|y|copy|1"}));
  config_.changes.tables = {"public.u"};
  Open();
  BatchMaker missed(schema_);
  missed.Update({2, "c", "z"});
  Apply(missed, 300);
  EXPECT_EQ(Versions(), (Rows{"2|b|y|copy|1"}));
  config_.changes.tables = {"public.t"};
  Open();
  BatchMaker first(schema_);
  first.Insert({3, "d", "w"});
  Apply(first, 400);
  EXPECT_EQ(Versions(), (Rows{"2|b|y|copy|1", "NULL|NULL|NULL|truncate|1", "2|c|z|copy|2", "3|d|w|copy|2"}));
  BatchMaker next(schema_);
  next.Delete(3);
  Apply(next, 500);
  EXPECT_EQ(Versions().count("3|NULL|NULL|delete|1"), 1u);
}

TEST_F(ChangesTableTest, BeginsAgainBehindWhatItHasWhereNothingHappenedInBetween) {
  Open();
  Copy(schema_, {{1, "a", "x"}});
  RowRepair repair{schema_, {}, {}};
  BatchMaker key(schema_);
  repair.rows.push_back({key.AppendTuple({"7", std::nullopt, std::nullopt}, {}, {}), key.AppendTuple({"7", "r", "s"}, {}, {})});
  repair.bytes = key.Make()->bytes;
  ASSERT_OK(sink_->Repair({&repair, 1}));
  ASSERT_OK(Commit(100));
  config_.changes.tables = {};
  Open();
  config_.changes.tables = {"public.t"};
  Open();
  ASSERT_OK(Commit(100));
  EXPECT_EQ(Versions(), (Rows{"1|a|x|copy|1", "7|r|s|repair|2", "NULL|NULL|NULL|truncate|3", "1|a|x|copy|4", "7|r|s|copy|4"}));
}

TEST_F(ChangesTableTest, BeginsAgainWhenTheTableIsCopiedAgain) {
  Open();
  Copy(schema_, {{1, "a", "x"}});
  ASSERT_OK(sink_->Forget(kTable));
  Copy(schema_, {{5, "e", "z"}}, 300);
  Open();
  EXPECT_EQ(Versions(), (Rows{"1|a|x|copy|1", "NULL|NULL|NULL|truncate|1", "5|e|z|copy|2"}));
  BatchMaker batch(schema_);
  batch.Delete(5);
  Apply(batch, 400);
  EXPECT_EQ(Versions().count("5|NULL|NULL|delete|1"), 1u);
}

TEST_F(ChangesTableTest, VersionsOfAnotherLogAreNotMixedWithThoseOfThisOne) {
  Open();
  Copy(schema_, {{1, "a", "x"}}, 5000);
  ASSERT_OK(sink_->Forget(kTable));
  ASSERT_OK(sink_->ForgetBookmark());
  Open();
  ASSERT_OK(CopyRows(schema_, {}));
  const Status refused = FinishCopy(schema_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kLakeForeignTable);
  EXPECT_EQ(refused.error().table, (std::vector<std::string>{"public", "t"}));
  EXPECT_EQ(Versions(), (Rows{"1|a|x|copy|1"}));
}

TEST_F(ChangesTableTest, WhereATableOfChangesWasSetBackItBeginsAgain) {
  Open();
  Copy(schema_, {{1, "a", "x"}});
  BatchMaker batch(schema_);
  batch.Insert({2, "b", "y"});
  Apply(batch, 200);
  const auto changes = Load(kChanges);
  iceberg::SnapshotRef before;
  before.snapshot_id = *changes->metadata->FindSnapshot(*changes->metadata->current_snapshot_id)->parent_snapshot_id;
  auto store = ObjectStore::Open(config_.warehouse);
  ASSERT_OK((*OpenCatalog(config_, **store))->Commit({{{"public", "t_changes"}, *changes, {}, {iceberg::SetSnapshotRef{iceberg::kMainBranch, before}}}}, std::nullopt));
  Open();
  ASSERT_OK(Commit(210));
  EXPECT_EQ(Versions(), (Rows{"1|a|x|copy|1", "NULL|NULL|NULL|truncate|1", "1|a|x|copy|2", "2|b|y|copy|2"}));
}

TEST_F(ChangesTableTest, VersionsThatAreOlderThanWhatIsKeptGoAlsoWhereNothingHappens) {
  config_.changes.keep = std::chrono::hours(2);
  const Timestamp begin(std::chrono::hours(24 * 365 * 50));
  SetClock& time = OpenAt(begin);
  Copy(schema_, {{1, "a", "x"}, {2, "b", "y"}});
  time.Set(begin + std::chrono::minutes(90));
  BatchMaker batch(schema_);
  batch.Update({1, "c", "z"});
  Apply(batch, 200);
  EXPECT_EQ(Versions().size(), 3u);
  time.Set(begin + std::chrono::minutes(150));
  BatchMaker later(schema_);
  later.Delete(2);
  Apply(later, 300);
  EXPECT_EQ(Versions(), (Rows{"1|c|z|update|1", "2|NULL|NULL|delete|1"}));
  time.Set(begin + std::chrono::hours(8));
  ASSERT_OK(Commit(310));
  EXPECT_EQ(Versions(), Rows{});
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|c|z"}));
}

TEST_F(ChangesTableTest, WhileAnotherTableCatchesUpNothingIsTakenOutUnderAnEarlierMoment) {
  config_.changes.keep = std::chrono::hours(2);
  const Timestamp begin(std::chrono::hours(24 * 365 * 50));
  OpenAt(begin);
  Copy(schema_, {{1, "a", "x"}});
  BatchMaker batch(schema_);
  batch.Delete(1);
  Apply(batch, 200);
  Copy(TestSchema("u", false, 2000), {{1, "a", "x"}}, 150);
  SetClock& time = OpenAt(begin);
  time.Set(begin + std::chrono::hours(8));
  ASSERT_OK(Commit(160));
  EXPECT_EQ(Versions().size(), 2u);
  EXPECT_EQ(ParseSnapshotMark(Load(kChanges)->metadata->properties)->lsn, Lsn{200});
  ASSERT_OK(Commit(210));
  EXPECT_EQ(Versions(), Rows{});
}

TEST_F(ChangesTableTest, ACrashBetweenTheCopyAndItsVersionsIsMadeUpFor) {
  Open();
  for (const char* const at : {"lake.changes_created", "lake.changes_copied"}) {
    ASSERT_OK(failpoint::Arm(std::string(at) + "=error"));
    ASSERT_OK(CopyRows(schema_, {{1, "a", "x"}}));
    EXPECT_FALSE(FinishCopy(schema_).ok()) << at;
    ASSERT_OK(failpoint::Arm(""));
    Open();
    ASSERT_OK(Commit(100));
    EXPECT_EQ(Versions(), (Rows{"1|a|x|copy|1"})) << at;
    ASSERT_OK(sink_->Forget(kTable));
    auto store = ObjectStore::Open(config_.warehouse);
    ASSERT_OK((*OpenCatalog(config_, **store))->DropTable({"public", "t_changes"}));
  }
}

TEST_F(ChangesTableTest, AnotherTableOfThatNameHoldsTheTable) {
  config_.changes.tables = {};
  const TableSchemaPtr namesake = TestSchema("t_changes", false, 2000);
  Open();
  Copy(schema_, {{1, "a", "x"}});
  Copy(namesake, {{7, "n", "n"}});
  config_.changes.tables = {"public.t"};
  Open();
  const Status refused = Commit(110);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kLakeForeignTable);
  EXPECT_EQ(refused.error().table, (std::vector<std::string>{"public", "t"}));
  EXPECT_EQ(RowsInLake(config_, kChanges), (Rows{"7|n|n"}));
}

TEST_F(ChangesTableTest, APartitionThatOneTableCannotHaveHoldsThatTableAlone) {
  config_.changes.tables = {};
  Open();
  Copy(schema_, {{1, "a", "x"}});
  Copy(TestSchema("u", false, 2000), {{1, "a", "x"}});
  config_.changes = {{"public.t"}, {{"missing", "identity", 0}}};
  Open();
  const Status refused = Commit(110);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kLakePartition);
  EXPECT_EQ(refused.error().table, (std::vector<std::string>{"public", "t"}));
}

TEST_F(ChangesTableTest, ASourceTableOfItsNameIsRefusedAndTheChangesGoOn) {
  Open();
  Copy(schema_, {{1, "a", "x"}});
  const std::vector<TableDefinition> tables{DefinitionOf(TestSchema("t_changes", false, 2000))};
  const Status refused = sink_->PrepareTables(tables, {{kLog, {150}}, {}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, slu::kLakeForeignTable);
  ASSERT_OK(sink_->Hold(kChanges, {2000, refused.error().code, "refused", {100}}));
  BatchMaker batch(schema_);
  batch.Delete(1);
  Apply(batch, 200);
  EXPECT_EQ(Versions(), (Rows{"1|a|x|copy|1", "1|NULL|NULL|delete|1"}));
}

TEST_F(ChangesTableTest, ColumnsThatGoStayAndTheirNamesMayComeAgain) {
  Open();
  const TableSchemaPtr first = Numbered();
  Copy(first, {{1, "a", "x"}});
  const TableSchemaPtr without = With(first, [](TableSchema& table) { table.columns.pop_back(); });
  BatchMaker batch(without);
  const size_t tuple = batch.AppendTuple({Int8(2), "b"}, {}, {0});
  batch.AddChange({.operation = Operation::kInsert, .new_offset = tuple});
  ASSERT_OK(sink_->Follow(DefinitionOf(without), FollowExtent::kAll));
  Apply(batch, 200);
  EXPECT_EQ(ColumnsOf(kTable), (std::vector<std::string>{"id:long", "kind:string", "_ingested_at:timestamptz", "_committed_at:timestamptz", "_lsn:long"}));
  EXPECT_EQ(ColumnsOf(kChanges), (std::vector<std::string>{"id:long", "kind:string", "_op:string", "_seq:long", "_ingested_at:timestamptz", "_committed_at:timestamptz", "_lsn:long", "body:string"}));
  const TableSchemaPtr again = With(without, [&](TableSchema& table) {
    table.columns.push_back(first->columns[2]);
    table.columns.back().attribute_number = 4;
  });
  ASSERT_OK(sink_->Follow(DefinitionOf(again), FollowExtent::kAll));
  BatchMaker more(again);
  more.Insert({3, "c", "new"});
  Apply(more, 300);
  const std::vector<std::string> columns = ColumnsOf(kChanges);
  EXPECT_EQ(columns.at(2), "body:string");
  EXPECT_EQ(columns.back(), "body_3:string");
  EXPECT_EQ(columns.size(), 9u);
}

iceberg::TableMetadata Metadata(std::vector<iceberg::Field> fields, const FieldIds& ids, Oid oid = 1) {
  iceberg::TableMetadata metadata;
  int32_t last = 0;
  for (const iceberg::Field& field : fields) last = std::max(last, field.id);
  for (const char* const name : {"_ingested_at", "_committed_at"}) fields.push_back({++last, name, false, iceberg::Primitive(iceberg::TypeId::kTimestamptz), ""});
  fields.push_back({++last, "_lsn", false, iceberg::Primitive(iceberg::TypeId::kLong), ""});
  metadata.schemas.push_back({0, std::move(fields), {}});
  metadata.current_schema_id = 0;
  metadata.last_column_id = last;
  metadata.properties = {{kColumnsProperty, ToText(ids)}, {kTableOidProperty, std::to_string(oid)}};
  return metadata;
}

/// The table of changes that this schema makes.
iceberg::TableMetadata Followed(const ChangesSchema& schema, Oid oid = 1) {
  iceberg::TableMetadata metadata;
  metadata.schemas.push_back(schema.iceberg);
  metadata.current_schema_id = 0;
  metadata.last_column_id = schema.iceberg.HighestFieldId();
  metadata.properties = {{kColumnsProperty, ToText(schema.field_ids)}, {kTableOidProperty, std::to_string(oid)}};
  return metadata;
}

std::string Described(const ChangesSchema& schema) {
  std::string text;
  for (size_t i = 0; i < schema.iceberg.fields.size(); ++i) {
    const iceberg::Field& field = schema.iceberg.fields[i];
    const bool own = i >= schema.own && i < schema.own + 5;
    if (!own) text += (text.empty() ? "" : " ") + std::to_string(field.id) + ":" + field.name + ":" + iceberg::ToString(field.type) + (field.required ? "!" : "") + "<" + std::to_string(schema.from[i]);
  }
  return text;
}

TEST(ChangesSchemaTest, FollowsTypesThatIcebergPromotesAndKeepsTheOthersApart) {
  using iceberg::Decimal, iceberg::Primitive, iceberg::TypeId;
  const FieldIds ids{{1, 1}, {2, 2}, {3, 3}, {4, 4}};
  const auto first = *MakeChangesSchema(Metadata({{1, "id", true, Primitive(TypeId::kInt), ""}, {2, "price", false, Decimal(10, 2), ""}, {3, "size", false, Primitive(TypeId::kFloat), ""}, {4, "word", false, Primitive(TypeId::kString), ""}}, ids), nullptr);
  EXPECT_EQ(Described(first), "1:id:int<1 2:price:decimal(10, 2)<2 3:size:float<3 4:word:string<4");
  const iceberg::TableMetadata before = Followed(first);
  // Copied again, the table has other ids.
  const FieldIds new_ids{{1, 11}, {2, 12}, {3, 13}, {4, 14}};
  const auto wider = *MakeChangesSchema(Metadata({{11, "id", true, Primitive(TypeId::kLong), ""}, {12, "cost", false, Decimal(12, 2), ""}, {13, "size", false, Primitive(TypeId::kDouble), ""}, {14, "word", false, Primitive(TypeId::kInt), ""}}, new_ids), &before);
  EXPECT_EQ(Described(wider), "1:id:long<11 2:cost:decimal(12, 2)<12 3:size:double<13 10:word:int<14 4:word_4:string<0");
  const iceberg::TableMetadata widened = Followed(wider);
  const auto narrower = *MakeChangesSchema(Metadata({{21, "id", true, Primitive(TypeId::kInt), ""}}, {{1, 21}}), &widened);
  EXPECT_EQ(Described(narrower), "11:id:int<21 1:id_1:long<0 2:cost:decimal(12, 2)<0 3:size:double<0 10:word:int<0 4:word_4:string<0");
}

TEST(ChangesSchemaTest, AColumnThatPartitionsAreMadeOfKeepsItsTypeAndANewOneComes) {
  using iceberg::Primitive, iceberg::TypeId;
  iceberg::TableMetadata before = Followed(*MakeChangesSchema(Metadata({{1, "kind", false, Primitive(TypeId::kInt), ""}}, {{1, 1}}), nullptr));
  before.specs.push_back({});
  before.specs.back().fields.push_back({1, 1000, "kind", {}});
  const auto wider = *MakeChangesSchema(Metadata({{1, "kind", false, Primitive(TypeId::kLong), ""}}, {{1, 1}}), &before);
  EXPECT_EQ(Described(wider), "7:kind:long<1 1:kind_1:int<0");
}

TEST(ChangesSchemaTest, OfAnotherTableUnderTheNameColumnsAreKnownByTheirNames) {
  using iceberg::Primitive, iceberg::TypeId;
  const auto first = *MakeChangesSchema(Metadata({{1, "a", false, Primitive(TypeId::kInt), ""}, {2, "b", false, Primitive(TypeId::kInt), ""}}, {{1, 1}, {2, 2}}), nullptr);
  const iceberg::TableMetadata before = Followed(first);
  const auto swapped = *MakeChangesSchema(Metadata({{1, "b", false, Primitive(TypeId::kInt), ""}, {2, "a", false, Primitive(TypeId::kInt), ""}}, {{1, 1}, {2, 2}}, 2), &before);
  EXPECT_EQ(Described(swapped), "2:b:int<1 1:a:int<2");
  const auto renamed = *MakeChangesSchema(Metadata({{1, "b", false, Primitive(TypeId::kInt), ""}, {2, "a", false, Primitive(TypeId::kInt), ""}}, {{1, 1}, {2, 2}}), &before);
  EXPECT_EQ(Described(renamed), "1:b:int<1 2:a:int<2");
}

TEST(ChangesSchemaTest, ItsOwnColumnsGiveWayToTheTables) {
  using iceberg::Primitive, iceberg::TypeId;
  const auto made = *MakeChangesSchema(Metadata({{1, "_OP", false, Primitive(TypeId::kInt), ""}, {2, "_seq", false, Primitive(TypeId::kInt), ""}}, {{1, 1}, {2, 2}}), nullptr);
  EXPECT_EQ(made.iceberg.fields[made.op()].name, "_op_");
  EXPECT_EQ(made.iceberg.fields[made.sequence()].name, "_seq_");
  EXPECT_EQ(made.iceberg.fields[made.lsn()].name, "_lsn");
}

}  // namespace
}  // namespace sluice

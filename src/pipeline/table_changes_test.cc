#include "pipeline/table_changes.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Kind = TableRequest::Kind;

TableDefinition Table(const std::string& name, uint32_t changed_by = 700, Oid node = 1) {
  auto schema = std::make_shared<TableSchema>();
  schema->oid = 1;
  schema->name = {"public", name};
  schema->columns = {{"id", 1, std::make_shared<Type>()}};
  TableDefinition table;
  table.schema = schema;
  table.columns.emplace_back().changed_by = changed_by;
  Leaf& leaf = table.leaves.emplace_back();
  leaf.oid = 1;
  leaf.file_node = node;
  table.fingerprint = FingerprintOf(table);
  return table;
}

std::vector<SinkState> Sinks(const TableDefinition& table) {
  const CopiedTable copied{1, Lsn{10}, {}, ToText(table.fingerprint)};
  return {{"replica", {}, {{table.schema->name, copied}}}, {"lake", {}, {{table.schema->name, copied}}}};
}

TEST(TableChanges, NothingIsDueOfATableThatIsTheSame) {
  TableChanges changes;
  EXPECT_TRUE(changes.Due(Sinks(Table("t")), {Table("t")}, Lsn{100}, Lsn{100}).empty());
}

TEST(TableChanges, AnotherStructureIsDueInEachSinkOnceTheStreamHasPassedTheMomentItWasNoticed) {
  TableChanges changes;
  const auto sinks = Sinks(Table("t"));
  EXPECT_TRUE(changes.Due(sinks, {Table("t", 701)}, Lsn{100}, Lsn{50}).empty());
  EXPECT_TRUE(changes.Due(sinks, {Table("t", 701)}, Lsn{150}, Lsn{99}).empty());
  EXPECT_TRUE(changes.waiting());
  const auto due = changes.Due(sinks, {Table("t", 701)}, Lsn{200}, Lsn{100});
  ASSERT_EQ(due.size(), 2u);
  EXPECT_FALSE(changes.waiting());
  EXPECT_EQ(due[0].kind, Kind::kFollow);
  EXPECT_EQ(due[0].sink, "replica");
  EXPECT_EQ(due[1].sink, "lake");
  EXPECT_EQ(due[0].fingerprint, ToText(Table("t", 701).fingerprint));
}

TEST(TableChanges, AChangeUponAChangeWaitsAgain) {
  TableChanges changes;
  const auto sinks = Sinks(Table("t"));
  EXPECT_TRUE(changes.Due(sinks, {Table("t", 701)}, Lsn{100}, Lsn{50}).empty());
  EXPECT_TRUE(changes.Due(sinks, {Table("t", 702)}, Lsn{150}, Lsn{120}).empty());
  EXPECT_EQ(changes.Due(sinks, {Table("t", 702)}, Lsn{200}, Lsn{150}).size(), 2u);
}

TEST(TableChanges, ARewriteIsDueAtOnceAndOnlyWhereItIsNotInYet) {
  TableChanges changes;
  auto sinks = Sinks(Table("t"));
  sinks[1].copied.begin()->second.fingerprint = ToText(Table("t", 701, 2).fingerprint);
  const auto due = changes.Due(sinks, {Table("t", 701, 2)}, Lsn{100}, Lsn{});
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, Kind::kCopyAgain);
  EXPECT_EQ(due[0].sink, "replica");
}

TEST(TableChanges, ATableThatIsGoneIsForgottenOnceItsLastRowsAreIn) {
  TableChanges changes;
  const auto sinks = Sinks(Table("t"));
  EXPECT_TRUE(changes.Due(sinks, {}, Lsn{100}, Lsn{99}).empty());
  const auto due = changes.Due(sinks, {}, Lsn{200}, Lsn{100});
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].kind, Kind::kCopyAgain);
}

TEST(TableChanges, AnotherTableUnderTheNameIsNoChangeOfThisOne) {
  TableChanges changes;
  auto sinks = Sinks(Table("t"));
  for (SinkState& sink : sinks) sink.copied.begin()->second.oid = 2;
  EXPECT_TRUE(changes.Due(sinks, {Table("t", 701, 2)}, Lsn{100}, Lsn{100}).empty());
}

}  // namespace
}  // namespace sluice

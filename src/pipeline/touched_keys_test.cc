#include "pipeline/touched_keys.h"

#include <gtest/gtest.h>

#include "change/tuple.h"

namespace sluice {
namespace {

using Values = std::vector<std::optional<std::string>>;  // nullopt: unchanged.

TableSchemaPtr Table(const std::string& name, std::vector<size_t> key = {0, 1}) {
  auto type = std::make_shared<Type>();
  type->oid = 25;
  auto schema = std::make_shared<TableSchema>();
  schema->oid = 20000;
  schema->name = {"public", name};
  for (const char* column : {"a", "b", "c"}) schema->columns.push_back({column, 0, type});
  schema->key = std::move(key);
  return schema;
}

std::string TupleOf(const Values& values) {
  std::string tuple;
  AppendBigEndian<int16_t>(tuple, static_cast<int16_t>(values.size()));
  for (const auto& value : values) {
    tuple.push_back(value ? 't' : 'u');
    if (!value) continue;
    AppendBigEndian<int32_t>(tuple, static_cast<int32_t>(value->size()));
    tuple += *value;
  }
  return tuple;
}

/// One transaction.
class Batch {
 public:
  Batch& Add(const TableSchemaPtr& table, Operation operation, const Values& before, const Values& after = {}) {
    Change change{operation, before.empty() ? OldTuple::kNone : OldTuple::kKey, static_cast<uint32_t>(batch_.tables.size()), 0, 0};
    batch_.tables.push_back(table);
    change.old_offset = Keep(before);
    change.new_offset = Keep(after);
    batch_.changes.push_back(change);
    return *this;
  }
  ChangeBatch End(Lsn end, bool ends_here = true) {
    Transaction transaction;
    transaction.commit_lsn = end;
    transaction.end_lsn = end;
    transaction.change_count = batch_.changes.size();
    transaction.ends_here = ends_here;
    batch_.transactions.push_back(transaction);
    if (ends_here) batch_.end_lsn = end;
    return std::move(batch_);
  }

 private:
  size_t Keep(const Values& values) {
    const size_t at = batch_.bytes.size();
    const std::string tuple = TupleOf(values);
    batch_.bytes.insert(batch_.bytes.end(), AsBytes(tuple).begin(), AsBytes(tuple).end());
    return at;
  }
  ChangeBatch batch_;
};

TouchedTable Take(TouchedKeys& keys, const std::string& table = "t") {
  return std::move(keys.TakeUpTo(Lsn{100}, {}))->at({{"public", table}, Lsn{}});
}

StreamedKeys Keys(const std::vector<Values>& keys) {
  StreamedKeys set;
  for (const Values& key : keys) set.insert(TupleOf(key));
  return set;
}

TEST(TouchedKeys, AreTheOldAndTheNewOnesOfEveryChange) {
  const TableSchemaPtr table = Table("t");
  TouchedKeys keys({{table}});
  keys.Add(Batch().Add(table, Operation::kInsert, {}, {"1", "x", "new"})
               .Add(table, Operation::kUpdate, {}, {"2", "x", std::nullopt})
               .Add(table, Operation::kUpdate, {"3", "x", ""}, {"4", "x", "moved"})
               .Add(table, Operation::kDelete, {"5", "x", ""})
               .Add(table, Operation::kInsert, {}, {"5", "x", "again"})
               .End(Lsn{100}));
  const TouchedTable touched = Take(keys);
  EXPECT_EQ(touched.unknown, "");
  EXPECT_EQ(touched.keys, Keys({{"1", "x"}, {"2", "x"}, {"3", "x"}, {"4", "x"}, {"5", "x"}}));
}

TEST(TouchedKeys, WhatCommittedBeforeACopyBeganIsNoneOfIt) {
  const TableSchemaPtr table = Table("t");
  TouchedKeys keys({{table, Lsn{50}}, {table, Lsn{80}}});
  keys.Add(Batch().Add(table, Operation::kTruncate, {}).Add(table, Operation::kInsert, {}, {"49", "x", "c"}).End(Lsn{49}));
  for (const uint64_t lsn : {50, 79, 80}) keys.Add(Batch().Add(table, Operation::kInsert, {}, {std::to_string(lsn), "x", "c"}).End(Lsn{lsn}));
  const TouchedTables touched = *keys.TakeUpTo(Lsn{80}, {});
  const TouchedTable &earlier = touched.at({{"public", "t"}, Lsn{50}}), &later = touched.at({{"public", "t"}, Lsn{80}});
  EXPECT_EQ(earlier.unknown + later.unknown, "");
  EXPECT_EQ(earlier.keys, Keys({{"50", "x"}, {"79", "x"}, {"80", "x"}}));
  EXPECT_EQ(later.keys, Keys({{"80", "x"}}));
}

TEST(TouchedKeys, AKeyColumnThatWasNotSentIsThatOfTheOldRow) {
  const TableSchemaPtr table = Table("t");
  TouchedKeys keys({{table}});
  keys.Add(Batch().Add(table, Operation::kUpdate, {"1", "long", ""}, {"2", std::nullopt, "c"}).End(Lsn{100}));
  EXPECT_EQ(Take(keys).keys, Keys({{"1", "long"}, {"2", "long"}}));
}

TEST(TouchedKeys, AKeyThatWasNotSentMakesTheTableUnknown) {
  const TableSchemaPtr table = Table("t");
  TouchedKeys keys({{table}});
  keys.Add(Batch().Add(table, Operation::kUpdate, {}, {"2", std::nullopt, "c"}).End(Lsn{100}));
  EXPECT_EQ(Take(keys).unknown, "the stream does not tell a key");
}

TEST(TouchedKeys, AreInTheOrderOfTheKey) {
  const TableSchemaPtr table = Table("t", {2, 0});
  TouchedKeys keys({{table}});
  keys.Add(Batch().Add(table, Operation::kInsert, {}, {"a", "b", "c"}).End(Lsn{100}));
  EXPECT_EQ(Take(keys).keys, Keys({{"c", "a"}}));
}

TEST(TouchedKeys, OtherTablesAreNotLookedAt) {
  const TableSchemaPtr table = Table("t");
  TouchedKeys keys({{table}});
  keys.Add(Batch().Add(Table("other"), Operation::kTruncate, {}).Add(Table("other"), Operation::kInsert, {}, {"1", "2", "3"}).End(Lsn{100}));
  const TouchedTable touched = Take(keys);
  EXPECT_EQ(touched.unknown, "");
  EXPECT_TRUE(touched.keys.empty());
}

TEST(TouchedKeys, ATruncateOrAnotherKeyInBetweenMakesTheTableUnknown) {
  const TableSchemaPtr table = Table("t"), other_key = Table("t", {2}), fewer = Table("u");
  TouchedKeys keys({{table}, {fewer}});
  keys.Add(Batch().Add(table, Operation::kInsert, {}, {"1", "x", "c"}).Add(other_key, Operation::kInsert, {}, {"1", "x", "c"})
               .Add(fewer, Operation::kTruncate, {}).Add(fewer, Operation::kInsert, {}, {"1", "x", "c"}).End(Lsn{100}));
  const TouchedTables touched = *keys.TakeUpTo(Lsn{100}, {});
  EXPECT_EQ(touched.at({{"public", "t"}, Lsn{}}).unknown, "its key was another one meanwhile");
  EXPECT_EQ(touched.at({{"public", "u"}, Lsn{}}).unknown, "it was truncated meanwhile");
  EXPECT_TRUE(touched.at({{"public", "u"}, Lsn{}}).keys.empty());
}

TEST(TouchedKeys, ATableWithTooManyIsUnknownAndLeavesRoomForOthers) {
  const TableSchemaPtr large = Table("large"), small = Table("small");
  TouchedKeys keys({{large}, {small}}, /*bytes_max=*/1000);
  for (int i = 0; i < 100; ++i) keys.Add(Batch().Add(large, Operation::kInsert, {}, {std::to_string(i), "x", "c"}).End(Lsn{50}));
  keys.Add(Batch().Add(small, Operation::kInsert, {}, {"1", "x", "c"}).End(Lsn{100}));
  const TouchedTables touched = *keys.TakeUpTo(Lsn{100}, {});
  EXPECT_EQ(touched.at({{"public", "large"}, Lsn{}}).unknown, "too many of its rows changed meanwhile");
  EXPECT_EQ(touched.at({{"public", "small"}, Lsn{}}).keys.size(), 1u);
}

TEST(TouchedKeys, APartOfATransactionReachesNothing) {
  const TableSchemaPtr table = Table("t");
  TouchedKeys keys({{table}});
  keys.Add(Batch().Add(table, Operation::kInsert, {}, {"1", "x", "c"}).End(Lsn{100}, /*ends_here=*/false));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(keys.TakeUpTo(Lsn{100}, stop.get_token()).ok());
  keys.Add(Batch().Add(table, Operation::kInsert, {}, {"2", "x", "c"}).End(Lsn{100}));
  EXPECT_EQ(Take(keys).keys.size(), 2u);
}

}  // namespace
}  // namespace sluice

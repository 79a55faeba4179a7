#include "sink/replica/net_effect.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

#include "change/tuple.h"

namespace sluice {
namespace {

using Values = std::vector<std::string>;  // "?" stands for unchanged.

// Owns the tuples that an effect looks at.
class Tuples {
 public:
  const std::byte* Make(const Values& values) {
    std::string& tuple = owned_.emplace_back();
    AppendBigEndian<int16_t>(tuple, static_cast<int16_t>(values.size()));
    for (const std::string& value : values) {
      if (value == "?" || value == "-") {
        tuple += value == "?" ? 'u' : 'n';
        continue;
      }
      tuple += 'b';
      AppendBigEndian<int32_t>(tuple, static_cast<int32_t>(value.size()));
      tuple += value;
    }
    return AsBytes(tuple).data();
  }

 private:
  std::deque<std::string> owned_;
};

Values Read(const std::byte* tuple) {
  TupleReader reader(tuple);
  Values values;
  for (size_t i = 0; i < reader.columns(); ++i) {
    const Value value = reader.Next();
    values.push_back(value.kind == ValueKind::kUnchanged ? "?" : value.kind == ValueKind::kNull ? "-" : std::string(AsText(value.bytes)));
  }
  return values;
}

TableSchema Schema(size_t columns, std::vector<size_t> key) {
  TableSchema schema;
  schema.columns.resize(columns);
  schema.key = std::move(key);
  return schema;
}

RowChange Insert(Tuples& tuples, const Values& row) { return {Operation::kInsert, OldTuple::kNone, nullptr, tuples.Make(row)}; }
RowChange Delete(Tuples& tuples, const Values& key) { return {Operation::kDelete, OldTuple::kKey, tuples.Make(key), nullptr}; }
RowChange Update(Tuples& tuples, const Values& row) { return {Operation::kUpdate, OldTuple::kNone, nullptr, tuples.Make(row)}; }
RowChange Move(Tuples& tuples, const Values& key, const Values& row) {
  return {Operation::kUpdate, OldTuple::kKey, tuples.Make(key), tuples.Make(row)};
}

class NetEffectTest : public ::testing::Test {
 protected:
  void Add(const RowChange& change) {
    const Status added = effect_.Add(change);
    ASSERT_TRUE(added.ok()) << added.error().message;
  }
  Tuples tuples_;
  TableSchema schema_ = Schema(2, {0});
  NetEffect effect_{schema_};
};

TEST_F(NetEffectTest, ARowThatCameAndWentLeavesNothingToDo) {
  Add(Insert(tuples_, {"1", "a"}));
  Add(Update(tuples_, {"1", "b"}));
  Add(Delete(tuples_, {"1", "-"}));
  effect_.Finish();
  for (const NetRow& row : effect_.rows()) EXPECT_FALSE(row.existed || row.alive);
}

TEST_F(NetEffectTest, ADeletedKeyThatIsInsertedAgainIsADeleteAndAnInsert) {
  Add(Delete(tuples_, {"1", "-"}));
  Add(Insert(tuples_, {"1", "new"}));
  effect_.Finish();
  ASSERT_EQ(effect_.rows().size(), 2u);
  EXPECT_TRUE(effect_.rows()[0].existed && !effect_.rows()[0].alive);
  EXPECT_TRUE(!effect_.rows()[1].existed && effect_.rows()[1].alive);
}

TEST_F(NetEffectTest, AnUnchangedValueComesFromTheVersionBefore) {
  Add(Update(tuples_, {"1", "sent"}));
  Add(Move(tuples_, {"1", "-"}, {"2", "?"}));
  effect_.Finish();
  ASSERT_EQ(effect_.rows().size(), 1u);
  EXPECT_EQ(Read(effect_.rows()[0].tuple), (Values{"2", "sent"}));
  EXPECT_FALSE(effect_.rows()[0].has_unchanged);
  EXPECT_TRUE(effect_.rows()[0].key_changed);
}

TEST_F(NetEffectTest, AToastedKeyThatStaysComesFromTheOldTuple) {
  Add(Move(tuples_, {"key", "-"}, {"?", "?"}));
  effect_.Finish();
  EXPECT_EQ(Read(effect_.rows()[0].tuple), (Values{"key", "?"}));
  EXPECT_FALSE(effect_.rows()[0].key_changed);
  EXPECT_TRUE(effect_.rows()[0].has_unchanged);
}

TEST_F(NetEffectTest, AKeyThatWandersBackHasNotChanged) {
  Add(Move(tuples_, {"1", "-"}, {"2", "a"}));
  Add(Move(tuples_, {"2", "-"}, {"1", "b"}));
  effect_.Finish();
  EXPECT_FALSE(effect_.rows()[0].key_changed);
  EXPECT_FALSE(effect_.keys_collide());
}

TEST_F(NetEffectTest, ATruncateVoidsWhatWasBeforeAndLeavesNoOldRows) {
  Add(Update(tuples_, {"1", "a"}));
  Add({Operation::kTruncate, OldTuple::kNone, nullptr, nullptr});
  Add(Insert(tuples_, {"1", "b"}));
  EXPECT_TRUE(effect_.truncated());
  EXPECT_EQ(effect_.rows().size(), 1u);
  EXPECT_FALSE(effect_.Add(Update(tuples_, {"9", "x"})).ok());
}

TEST_F(NetEffectTest, WhatContradictsAnEarlierChangeIsCorrupt) {
  Add(Delete(tuples_, {"1", "-"}));
  const Status again = effect_.Add(Delete(tuples_, {"1", "-"}));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind, ErrorKind::kCorrupt);
  EXPECT_FALSE(effect_.Add(Update(tuples_, {"1", "x"})).ok());
}

// A table as a map by key, changed one operation after the other, against the effect executed at once.
class Model {
 public:
  Model(unsigned seed, bool full) : random_(seed), full_(full), schema_(Schema(4, {0, 2})), effect_(schema_) {
    for (int i = 0; i < 12; ++i) {
      const Values row = Fresh();
      before_[Key(row)] = row;
    }
    now_ = before_;
  }

  Status Step() {
    const unsigned kind = random_() % 8;
    if (now_.empty() || kind < 2) return InsertOne();
    auto at = now_.begin();
    std::advance(at, static_cast<long>(random_() % now_.size()));
    const Values old_row = at->second;
    if (kind < 4) {
      now_.erase(at);
      return effect_.Add({Operation::kDelete, full_ ? OldTuple::kFull : OldTuple::kKey, Old(old_row), nullptr});
    }
    if (kind == 7 && full_ && now_.size() >= 3) return Rotate();
    Values row = old_row;
    row[1] = Token();
    const bool keep_large = random_() % 2 == 0;
    if (!keep_large) row[3] = Token();
    const bool move = random_() % 2 == 0;
    if (move) {
      // A key that somebody has used before comes back as readily as a new one.
      row[0] = std::to_string(random_() % 6);
      row[2] = std::to_string(random_() % 4);
      if (Key(row) != Key(old_row) && now_.contains(Key(row))) return Ok();
    }
    return Change(old_row, row, keep_large);
  }

  void Compare() {
    effect_.Finish();
    std::map<Values, Values> after = before_;
    std::vector<Values> put;
    for (const NetRow& row : effect_.rows()) {
      if (!row.existed) continue;
      const Values key = Key(Read(row.old_key));
      ASSERT_TRUE(before_.contains(key));
      ASSERT_EQ(after.erase(key), 1u) << "one row taken twice";
      if (!row.alive) continue;
      Values values = Read(row.tuple);
      for (size_t i = 0; i < values.size(); ++i)
        if (values[i] == "?") values[i] = before_.at(key)[i];
      EXPECT_EQ(row.key_changed, Key(values) != key);
      put.push_back(values);
    }
    for (const NetRow& row : effect_.rows())
      if (!row.existed && row.alive) put.push_back(Read(row.tuple));
    for (const Values& row : put) ASSERT_TRUE(after.emplace(Key(row), row).second) << "two rows under one key";
    EXPECT_EQ(after, now_);
  }

 private:
  static Values Key(const Values& row) { return {row[0], row[2]}; }
  std::string Token() { return "v" + std::to_string(++tokens_); }
  Values Fresh() { return {std::to_string(random_() % 6), Token(), std::to_string(random_() % 4), Token()}; }
  const std::byte* Old(const Values& row) { return tuples_.Make(full_ ? row : Values{row[0], "-", row[2], "-"}); }

  Status InsertOne() {
    const Values row = Fresh();
    if (!now_.emplace(Key(row), row).second) return Ok();
    return effect_.Add({Operation::kInsert, OldTuple::kNone, nullptr, tuples_.Make(row)});
  }

  Status Change(const Values& old_row, const Values& row, bool keep_large) {
    now_.erase(Key(old_row));
    now_[Key(row)] = row;
    Values sent = row;
    if (keep_large) sent[3] = "?";
    const bool move = Key(row) != Key(old_row);
    const OldTuple kind = full_ ? OldTuple::kFull : move ? OldTuple::kKey : OldTuple::kNone;
    return effect_.Add({Operation::kUpdate, kind, kind == OldTuple::kNone ? nullptr : Old(old_row), tuples_.Make(sent)});
  }

  // Three rows exchange their keys in one statement, as a deferrable key allows.
  Status Rotate() {
    std::vector<Values> rows;
    for (const auto& [key, row] : now_) rows.push_back(row);
    std::shuffle(rows.begin(), rows.end(), random_);
    rows.resize(3);
    std::vector<Values> moved;
    for (size_t i = 0; i < 3; ++i) {
      Values row = rows[i];
      row[0] = rows[(i + 1) % 3][0];
      row[2] = rows[(i + 1) % 3][2];
      moved.push_back(row);
      Values sent = row;
      sent[3] = "?";
      RETURN_IF_ERROR(effect_.Add({Operation::kUpdate, OldTuple::kFull, Old(rows[i]), tuples_.Make(sent)}));
    }
    for (const Values& row : rows) now_.erase(Key(row));
    for (const Values& row : moved) now_[Key(row)] = row;
    return Ok();
  }

  std::mt19937 random_;
  const bool full_;
  TableSchema schema_;
  Tuples tuples_;
  NetEffect effect_;
  std::map<Values, Values> before_;
  std::map<Values, Values> now_;
  int tokens_ = 0;
};

TEST(NetEffectProperty, ExecutedAtOnceItEqualsTheChangesOneByOne) {
  const unsigned first_seed = std::random_device()();
  for (unsigned i = 0; i < 2000; ++i) {
    const unsigned seed = first_seed + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed, /*full=*/i % 2 == 0);
    for (unsigned step = 0; step < 1 + i % 40; ++step) {
      const Status added = model.Step();
      ASSERT_TRUE(added.ok()) << added.error().message;
    }
    model.Compare();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice

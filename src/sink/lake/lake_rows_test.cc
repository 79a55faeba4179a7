#include "sink/lake/lake_rows.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "sink/lake/lake_sink_fixture.h"
#include "sink/lake/lake_view.h"

namespace sluice::testing {
namespace {

class Collected final : public RowReceiver {
 public:
  Status Rows(Bytes rows, size_t count) override {
    ByteReader reader(rows);
    for (size_t row = 0; row < count; ++row) {
      std::string text;
      for (auto fields = reader.Read<int16_t>(); fields > 0; --fields) {
        const auto length = reader.Read<int32_t>();
        text += (text.empty() ? "" : "|") + (length < 0 ? std::string("NULL") : std::string(AsText(reader.ReadBytes(static_cast<size_t>(length)))));
      }
      EXPECT_TRUE(reader.ok());
      texts.insert(text);
    }
    EXPECT_TRUE(reader.at_end());
    return Ok();
  }
  testing::Rows texts;
};

class LakeRowsTest : public LakeSinkFixture {
 protected:
  Result<std::unique_ptr<const LakeRows>> OpenAt(std::optional<int64_t> snapshot) {
    store_ = *ObjectStore::Open(config_.warehouse);
    cache_ = std::make_unique<iceberg::ManifestCache>(*store_, 1 << 20);
    return LakeRows::Open(*store_, *cache_, kTable, Table(), snapshot);
  }
  Rows RowsAt(std::optional<int64_t> snapshot) {
    const auto rows = OpenAt(snapshot);
    if (!rows.ok()) return {"refused: " + rows.error().message};
    Collected collected;
    EXPECT_TRUE((*rows)->Read(0, (*rows)->file_count(), collected).ok());
    EXPECT_EQ(collected.texts.size(), (*rows)->rows());
    return collected.texts;
  }
  int64_t Current() { return *Table().metadata->current_snapshot_id; }

  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<iceberg::ManifestCache> cache_;
};

TEST_F(LakeRowsTest, ShowsEachMomentWithItsDeletes) {
  config_.maintenance.enabled = false;
  Open();
  Copy(TestSchema("t"), {{1, "a", "x"}, {2, "b", std::nullopt}});
  const int64_t copied = Current();
  BatchMaker batch(TestSchema("t"));
  batch.Update({2, "c", "y"}).Insert({3, "d", "z"}).Delete(1);
  Apply(batch, 200);
  EXPECT_EQ(RowsAt(Current()), (Rows{"2|c|y", "3|d|z"}));
  EXPECT_EQ(RowsAt(copied), (Rows{"1|a|x", "2|b|NULL"}));
  EXPECT_EQ(RowsAt(std::nullopt), Rows());
  const auto rows = OpenAt(Current());
  ASSERT_OK(rows);
  EXPECT_FALSE((*rows)->AsText().schema->columns[0].type->has_binary);
  ASSERT_EQ((*rows)->definition().leaves.size(), 1u);
  EXPECT_NE(CopyFingerprint((*rows)->definition()), CopyFingerprint(DefinitionOf(TestSchema("t")))) << "ranges of files would be taken for ranges of blocks";
}

TEST_F(LakeRowsTest, HasTheStructureOfThen) {
  config_.maintenance.enabled = false;
  Open();
  const TableSchemaPtr schema = TestSchema("t");
  Copy(schema, {{1, "a", "x"}});
  const int64_t before = Current();
  auto narrower = std::make_shared<TableSchema>(*schema);
  narrower->columns.erase(narrower->columns.begin() + 1);
  narrower->columns.push_back({"extra", 4, BuiltinType(25, "text"), -1, false});
  BatchMaker batch(narrower);
  batch.AddChange({Operation::kInsert, OldTuple::kNone, 0, 0, batch.AppendTuple({Int8(2), "y", "new"}, {}, {0})});
  Apply(batch, 200);
  const int64_t after = Current();
  // The stream was faster than the look at the catalog: how the new column is made, nobody knows yet.
  EXPECT_EQ(OpenAt(after).error().code, 4170);
  EXPECT_EQ(RowsAt(before), (Rows{"1|a|x"}));
  ASSERT_OK(sink_->Follow(DefinitionOf(narrower), FollowExtent::kAll));
  EXPECT_EQ(RowsAt(after), (Rows{"1|x|NULL", "2|y|new"}));
  EXPECT_EQ(RowsAt(before), (Rows{"1|a|x"}));
  BatchMaker more(narrower);
  more.AddChange({Operation::kInsert, OldTuple::kNone, 0, 0, more.AppendTuple({Int8(3), "z", "more"}, {}, {0})});
  Apply(more, 300);
  EXPECT_EQ(RowsAt(after), (Rows{"1|x|NULL", "2|y|new"})) << "by the definition of later, which has all columns of then";
}

TEST_F(LakeRowsTest, AColumnThatIsGoneIsLeftOutOfTheStructure) {
  Open();
  const TableSchemaPtr schema = TestSchema("t");
  Copy(schema, {{1, "a", "x"}});
  auto narrower = std::make_shared<TableSchema>(*schema);
  narrower->columns.erase(narrower->columns.begin() + 1);
  BatchMaker batch(narrower);
  batch.AddChange({Operation::kInsert, OldTuple::kNone, 0, 0, batch.AppendTuple({Int8(2), "y"}, {}, {0})});
  Apply(batch, 200);
  EXPECT_EQ(RowsAt(Current()), (Rows{"1|x", "2|y"}));
}

TEST_F(LakeRowsTest, SequencesGoOnBehindTheHighestValue) {
  config_.maintenance.enabled = false;
  Open();
  Copy(TestSchema("t"), {{7, "a", "x"}, {41, "b", "y"}});
  BatchMaker batch(TestSchema("t"));
  batch.Delete(41);
  Apply(batch, 200);
  const auto rows = OpenAt(Current());
  ASSERT_OK(rows);
  std::vector<SequenceDefinition> sequences(4);
  for (SequenceDefinition& sequence : sequences) sequence.max = 1000, sequence.owner_column = "id";
  sequences[1].increment = -1;
  sequences[2].owner_column = "kind";
  sequences[3].max = 40;
  (*rows)->SetSequenceValues(sequences);
  EXPECT_EQ(sequences[0].last_value, 41) << "it was taken, though its row is gone";
  EXPECT_TRUE(sequences[0].is_called);
  EXPECT_EQ(sequences[1].last_value, 7);
  EXPECT_FALSE(sequences[2].last_value);
  EXPECT_FALSE(sequences[3].last_value) << "not one of the sequence's";
}

}  // namespace
}  // namespace sluice::testing

#include "sink/lake/table_definition_json.h"

#include <gtest/gtest.h>

#include "sink/lake/lake_test_support.h"
#include "sink/lake/pg_type_oid.h"

namespace sluice {
namespace {

/// Something of everything.
TableDefinition Everything() {
  auto mood = std::make_shared<Type>();
  mood->oid = 20001;
  mood->name_space = "app";
  mood->name = "mood \"quoted\"";
  mood->kind = TypeKind::kEnum;
  mood->labels = {"so so", "fine"};
  auto array = std::make_shared<Type>();
  array->oid = 20002;
  array->kind = TypeKind::kArray;
  array->element = mood;
  array->array_delimiter = ';';
  auto pair = std::make_shared<Type>();
  pair->oid = 20003;
  pair->kind = TypeKind::kComposite;
  pair->extension = "pairs";
  pair->has_binary = false;
  pair->fields = {{"a", array, -1}, {"b", testing::BuiltinType(pg::kNumeric, "numeric"), 655366}};
  auto domain = std::make_shared<Type>();
  domain->oid = 20004;
  domain->kind = TypeKind::kDomain;
  domain->element = testing::BuiltinType(pg::kNumeric, "numeric");
  domain->element_typmod = 655366;
  auto schema = std::make_shared<TableSchema>(*testing::TestSchema("t\n\"x\""));
  schema->columns.push_back({"pair", 7, pair, -1, false});
  schema->columns.push_back({"price", 9, domain, 655366, true});
  schema->key = {4, 0};
  schema->replica_identity = ReplicaIdentity::kIndex;
  TableDefinition table = testing::DefinitionOf(schema);
  table.columns[0].identity = 'a';
  table.columns[1].collation = "pg_catalog.\"C\"";
  table.columns[2].default_value = Expression{"app.next('\\')", {{{"uuid", "ext"}}, {mood, nullptr}, {{"app", "seq"}}, {"function app.next(text)"}}};
  table.generated = {{"made", array, 5, {"upper(kind)", {}}}};
  table.constraints = {{ConstraintKind::kPrimaryKey, "pk", {"PRIMARY KEY (id)", {}}}, {ConstraintKind::kCheck, "ok", {"CHECK (price > 0)", {}}}};
  table.indexes = {{{"app", "by_kind"}, true, {"CREATE UNIQUE INDEX …", {}}}};
  table.sequences = {{{"app", "seq"}, "integer", 5, -1, -9, 9, 3, true, "id", true, 7, true}};
  table.partition_key = "LIST (kind)";
  table.partitions = {{{"app", "t_a"}, {"public", "t"}, "FOR VALUES IN ('a')", "RANGE (id)"}};
  table.primary_key = {0};
  table.unlogged = true;
  table.leaves = {{1, {"app", "t_a"}, 3, 4, 5, 6, "7", true}};
  table.fingerprint = FingerprintOf(table);
  return table;
}

TEST(TableDefinitionJson, TellsEverythingThatMakesTheTable) {
  const TableDefinition table = Everything();
  const std::string json = ToJson(table);
  const auto again = ParseTableDefinition(json);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(ToJson(*again), json);
  EXPECT_EQ(again->schema->name, table.schema->name);
  EXPECT_EQ(again->schema->key, table.schema->key);
  EXPECT_EQ(again->schema->replica_identity, ReplicaIdentity::kIndex);
  EXPECT_EQ(again->schema->columns[4].typmod, 655366);
  EXPECT_EQ(again->schema->columns[4].attribute_number, 9);
  EXPECT_TRUE(again->schema->columns[4].not_null);
  EXPECT_EQ(again->schema->columns[4].type->element_typmod, 655366);
  const Type& pair = *again->schema->columns[3].type;
  EXPECT_EQ(pair.extension, "pairs");
  EXPECT_FALSE(pair.has_binary);
  ASSERT_EQ(pair.fields.size(), 2u);
  EXPECT_EQ(pair.fields[1].typmod, 655366);
  EXPECT_EQ(pair.fields[0].type->array_delimiter, ';');
  EXPECT_EQ(pair.fields[0].type->element->labels, (std::vector<std::string>{"so so", "fine"}));
  const Expression& expression = *again->columns[2].default_value;
  EXPECT_EQ(expression.sql, "app.next('\\')");
  ASSERT_EQ(expression.needs.types.size(), 2u);
  EXPECT_EQ(expression.needs.types[0]->name, "mood \"quoted\"");
  EXPECT_EQ(expression.needs.types[1], nullptr);
  EXPECT_EQ(expression.needs.extensions[0].name_space, "ext");
  EXPECT_EQ(expression.needs.foreign, (std::vector<std::string>{"function app.next(text)"}));
  EXPECT_EQ(again->columns[0].identity, 'a');
  EXPECT_EQ(again->columns[1].collation, "pg_catalog.\"C\"");
  EXPECT_EQ(again->generated[0].expression.sql, "upper(kind)");
  EXPECT_EQ(again->constraints[1].kind, ConstraintKind::kCheck);
  EXPECT_TRUE(again->indexes[0].unique);
  const SequenceDefinition& sequence = again->sequences[0];
  EXPECT_EQ(std::tuple(sequence.start, sequence.increment, sequence.min, sequence.max, sequence.cache), (std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t>(5, -1, -9, 9, 3)));
  EXPECT_TRUE(sequence.cycle && sequence.is_identity && sequence.owner_column == "id" && sequence.data_type == "integer");
  EXPECT_FALSE(sequence.last_value) << "what it was then is of no use";
  EXPECT_EQ(again->partitions[0].parent, (TableName{"public", "t"}));
  EXPECT_EQ(again->partition_key, "LIST (kind)");
  EXPECT_EQ(again->primary_key, (std::vector<size_t>{0}));
  EXPECT_TRUE(again->unlogged);
  EXPECT_EQ(again->fingerprint, table.fingerprint);
  EXPECT_TRUE(again->leaves.empty());
}

TEST(TableDefinitionJson, TypesOfOneNumberStayApart) {
  TableDefinition table = testing::DefinitionOf(testing::TestSchema("t"));
  auto schema = std::make_shared<TableSchema>(*table.schema);
  auto masked = std::make_shared<Type>(*schema->columns[2].type);
  masked->has_binary = false;
  schema->columns[2].type = masked;
  table.schema = schema;
  const auto again = ParseTableDefinition(ToJson(table));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->schema->columns[1].type->has_binary);
  EXPECT_FALSE(again->schema->columns[2].type->has_binary);
}

// Every part of it taken out or made something else is an error or another definition, never an end of the program.
TEST(TableDefinitionJson, DamageIsToldAsSuch) {
  const std::string json = ToJson(Everything());
  size_t refused = 0;
  for (size_t at = 0; at < json.size(); ++at) {
    for (const char c : {'9', '"', '}', ']', '-'}) {
      std::string damaged = json;
      damaged[at] = c;
      const auto parsed = ParseTableDefinition(damaged);
      if (parsed.ok()) continue;
      ++refused;
      EXPECT_EQ(parsed.error().kind, ErrorKind::kCorrupt);
    }
    const auto cut = ParseTableDefinition(std::string_view(json).substr(0, at));
    ASSERT_FALSE(cut.ok()) << at;
  }
  EXPECT_GT(refused, json.size());
}

}  // namespace
}  // namespace sluice

#include "sink/lake/input_text.h"

#include <gtest/gtest.h>

#include "sink/lake/json_parts.h"
#include "sink/lake/lake_test_support.h"
#include "sink/lake/pg_type_oid.h"

namespace sluice {
namespace {

using testing::BuiltinType;

TypePtr Of(TypeKind kind, Oid oid, TypePtr element, std::vector<CompositeField> fields = {}) {
  auto type = std::make_shared<Type>();
  type->oid = oid;
  type->name = "made";
  type->kind = kind;
  type->element = std::move(element);
  type->fields = std::move(fields);
  return type;
}

const TypePtr kIntType = BuiltinType(pg::kInt4, "int4"), kTextType = BuiltinType(pg::kText, "text"), kJsonbType = BuiltinType(pg::kJsonb, "jsonb");
const TypePtr kInts = Of(TypeKind::kArray, 1007, kIntType);
const TypePtr kPair = Of(TypeKind::kComposite, 20001, nullptr, {{"n", kIntType}, {"t", kTextType}, {"j", kJsonbType}});

/// What becomes of a text in the lake; "!": it is refused.
std::string Text(const Type& type, std::string_view held) {
  std::string out;
  return AppendInputText(Cell::Of(held), type, iceberg::Primitive(iceberg::TypeId::kString), out) ? out : "!";
}

TEST(InputText, TakesWhatIsHeldAsJsonApart) {
  EXPECT_EQ(Text(*kPair, R"~({"n":1,"t":"a \"b\\ \u00e9\ud83d\ude00","j":{"k": [1, "}"]}})~"), R"~((1,"a ""b\\ é😀","{""k"": [1, ""}""]}"))~");
  EXPECT_EQ(Text(*kPair, R"~( { "n" : null , "t" : "" , "j" : 1.50 } )~"), R"~((,"",1.50))~");
  EXPECT_EQ(Text(*kInts, "[[1,2],[3,null]]"), R"~({{"1","2"},{"3",NULL}})~");
  EXPECT_EQ(Text(*kInts, "[]"), "{}");
  EXPECT_EQ(Text(*Of(TypeKind::kArray, 20002, kPair), R"~([{"n":1,"t":null,"j":null},null])~"), R"~({"(1,,)",NULL})~");
  EXPECT_EQ(Text(*Of(TypeKind::kArray, 20003, kJsonbType), R"~([[1],"s",null])~"), R"~({"[1]","\"s\"",NULL})~");
  EXPECT_EQ(Text(*Of(TypeKind::kArray, 20005, Of(TypeKind::kDomain, 20006, kInts)), "[[1,2],[3]]"), R"~({"{\"1\",\"2\"}","{\"3\"}"})~");
}

TEST(InputText, RefusesWhatSluiceDoesNotWrite) {
  for (const char* const json : {"", "{", "{}", "[1]", R"({"n":1})", R"({"n":1,"t":"x","j":2,"more":3})", R"({"n":1,"t":"x","j":2)", R"({"n":1,"t":"\x","j":2})", R"({"n":1,"t":"\ud83d","j":2})",
                                 R"({"n":1 "t":"x","j":2})", R"({"n":1,"t":"x","j":2}})", R"({"n":1,"t":"x","j":})", R"([1,"x",2])"})
    EXPECT_EQ(Text(*kPair, json), "!") << json;
  for (const char* const json : {"", "1", "[", "[1", "[1,", "[1,]", "[1]]", "[,1]", "{}", "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]"}) EXPECT_EQ(Text(*kInts, json), "!") << json;
  const Type& relation = *BuiltinType(pg::kRegclass, "regclass");
  EXPECT_EQ(Text(relation, "1259"), "1259");
  EXPECT_EQ(Text(relation, "16384"), "!") << "an object of the source's own has another number elsewhere";
}

TEST(InputText, NamesTypesThatOnlyTheirOwnServerReads) {
  EXPECT_EQ(WhyNoInputText(*kPair), "");
  auto thing = std::make_shared<Type>();
  thing->oid = 20007;
  thing->name = "thing";
  thing->extension = "other";
  EXPECT_NE(WhyNoInputText(*thing), "");
  EXPECT_NE(WhyNoInputText(*Of(TypeKind::kComposite, 20008, nullptr, {{"a", kIntType}, {"b", Of(TypeKind::kArray, 20009, thing)}})), "");
}

TEST(JsonParts, KeepsValuesAsTheyAreWritten) {
  text::JsonParts parts(R"({"a": 1e400 , "b":[ {"c":"]"} ],"d":"\\"})");
  std::vector<std::string> values;
  while (parts.Next()) values.emplace_back(parts.value());
  EXPECT_TRUE(parts.at_end());
  EXPECT_EQ(values, (std::vector<std::string>{"1e400", R"([ {"c":"]"} ])", R"("\\")"}));
}

}  // namespace
}  // namespace sluice

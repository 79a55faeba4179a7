// {"version": 1, "namespace", "name", "oid", "replica-identity", "types": [type…], "columns": [column…], "key": [0], "primary-key": [0],
//  "generated": […], "constraints": […], "indexes": […], "sequences": […], "partition-key", "partitions": […], "unlogged", "fingerprint"}
// A type names others by their place in "types", always one before its own: so there is no circle and nothing nests.

#include "sink/lake/table_definition_json.h"

#include <map>
#include <nlohmann/json.hpp>

#include "iceberg/json_object.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;
using iceberg::Corrupt;
using iceberg::JsonObject;

constexpr int kVersion = 1;

// ── writing ──

std::string Text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

class TypeList {
 public:
  /// The type's place; a null type has none.
  Json PlaceOf(const TypePtr& type) {
    if (!type) return nullptr;
    Json json = {{"oid", type->oid}, {"namespace", type->name_space}, {"name", type->name}, {"kind", static_cast<int>(type->kind)}};
    json["binary"] = type->has_binary;
    if (!type->extension.empty()) json["extension"] = type->extension;
    if (type->element) json["element"] = PlaceOf(type->element);
    if (type->element_typmod != -1) json["element-typmod"] = type->element_typmod;
    if (type->array_delimiter != ',') json["delimiter"] = std::string(1, type->array_delimiter);
    for (const CompositeField& field : type->fields) json["fields"].push_back({{"name", field.name}, {"type", PlaceOf(field.type)}, {"typmod", field.typmod}});
    if (!type->labels.empty()) json["labels"] = type->labels;
    // By all that is said of it: a masked column's text has the OID of another one.
    const auto [known, is_new] = places_.try_emplace(Text(json), list_.size());
    if (is_new) list_.push_back(std::move(json));
    return known->second;
  }

  Json Take() { return std::move(list_); }

 private:
  Json list_ = Json::array();
  std::map<std::string, size_t> places_;
};

Json ToJson(const TableName& name) { return {{"namespace", name.name_space}, {"name", name.name}}; }

Json ToJson(const Expression& expression, TypeList& types) {
  Json json = {{"sql", expression.sql}};
  for (const NeededExtension& one : expression.needs.extensions) json["extensions"].push_back({{"name", one.name}, {"namespace", one.name_space}});
  for (const TypePtr& type : expression.needs.types) json["types"].push_back(types.PlaceOf(type));
  for (const TableName& sequence : expression.needs.sequences) json["sequences"].push_back(ToJson(sequence));
  for (const std::string& foreign : expression.needs.foreign) json["foreign"].push_back(foreign);
  return json;
}

Json ToJson(const Column& column, const ColumnDefinition& definition, TypeList& types) {
  Json json = {{"name", column.name}, {"number", column.attribute_number}, {"type", types.PlaceOf(column.type)}, {"typmod", column.typmod}, {"not-null", column.not_null}};
  if (!definition.collation.empty()) json["collation"] = definition.collation;
  if (definition.default_value) json["default"] = ToJson(*definition.default_value, types);
  if (definition.identity != '\0') json["identity"] = std::string(1, definition.identity);
  return json;
}

Json ToJson(const SequenceDefinition& sequence) {
  Json json = ToJson(sequence.name);
  json["type"] = sequence.data_type;
  json["start"] = sequence.start;
  json["increment"] = sequence.increment;
  json["min"] = sequence.min;
  json["max"] = sequence.max;
  json["cache"] = sequence.cache;
  json["cycle"] = sequence.cycle;
  json["owner"] = sequence.owner_column;
  json["is-identity"] = sequence.is_identity;
  return json;
}

// ── reading ──

using Types = std::vector<TypePtr>;

Result<TypePtr> TypeAt(const Types& types, const Json* place) {
  if (place == nullptr || place->is_null()) return TypePtr();
  if (!place->is_number_unsigned() || place->get<uint64_t>() >= types.size()) return Corrupt("a definition names a type that it lacks");
  return types[place->get<uint64_t>()];
}

Status ReadPlaces(const Json& list, size_t end, std::vector<size_t>& places) {
  for (const Json& place : list) {
    if (!place.is_number_unsigned() || place.get<uint64_t>() >= end) return Corrupt("a definition's key names a column that it lacks");
    places.push_back(place.get<size_t>());
  }
  return Ok();
}

/// `known`: the letters that there are; empty: any.
char OneLetter(JsonObject& object, const char* key, char absent, std::string_view known = {}) {
  const std::optional<std::string> text = object.OptionalText(key);
  if (!text) return absent;
  if (text->size() == 1 && (known.empty() || known.find(text->front()) != std::string_view::npos)) return text->front();
  object.Fail(std::string("has a wrong '") + key + "'");
  return absent;
}

TableName NameFrom(JsonObject& object) { return {object.Text("namespace"), object.Text("name")}; }

Result<std::vector<std::string>> TextsFrom(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& text : list) {
    if (!text.is_string()) return Corrupt("a definition has a wrong list of texts");
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

Oid OidFrom(JsonObject& object, const char* key) {
  const int64_t oid = object.Long(key);
  if (oid < 0 || oid > UINT32_MAX) object.Fail(std::string("has no acceptable '") + key + "'");
  return static_cast<Oid>(oid);
}

Result<TypePtr> TypeFrom(const Json& json, const Types& before) {
  JsonObject object(json, "a definition's type");
  auto type = std::make_shared<Type>();
  type->oid = OidFrom(object, "oid");
  type->name_space = object.Text("namespace");
  type->name = object.Text("name");
  const int32_t kind = object.Int("kind");
  if (kind < 0 || kind > static_cast<int32_t>(TypeKind::kMultirange)) object.Fail("has no acceptable kind");
  type->kind = static_cast<TypeKind>(kind);
  type->has_binary = object.Boolean("binary");
  type->extension = object.OptionalText("extension").value_or("");
  ASSIGN_OR_RETURN(type->element, TypeAt(before, object.Find("element")));
  type->element_typmod = object.OptionalInt("element-typmod").value_or(-1);
  type->array_delimiter = OneLetter(object, "delimiter", ',');
  for (const Json& part : object.Array("fields")) {
    JsonObject field(part, "a definition's composite field");
    CompositeField& made = type->fields.emplace_back();
    made.name = field.Text("name");
    made.typmod = field.Int("typmod");
    ASSIGN_OR_RETURN(made.type, TypeAt(before, field.Find("type")));
    RETURN_IF_ERROR(field.status());
  }
  ASSIGN_OR_RETURN(type->labels, TextsFrom(object.Array("labels")));
  const bool has_element = type->kind == TypeKind::kBase || type->kind == TypeKind::kEnum || type->kind == TypeKind::kComposite || type->element;
  if (!has_element) object.Fail("lacks its element");
  RETURN_IF_ERROR(object.status());
  return TypePtr(std::move(type));
}

Result<Expression> ExpressionFrom(const Json* json, const Types& types) {
  static const Json nothing;
  JsonObject object(json != nullptr ? *json : nothing, "a definition's expression");
  Expression expression;
  expression.sql = object.Text("sql");
  for (const Json& one : object.Array("extensions")) {
    JsonObject extension(one, "a definition's extension");
    expression.needs.extensions.push_back({extension.Text("name"), extension.Text("namespace")});
    RETURN_IF_ERROR(extension.status());
  }
  for (const Json& place : object.Array("types")) {
    ASSIGN_OR_RETURN(expression.needs.types.emplace_back(), TypeAt(types, &place));
  }
  for (const Json& one : object.Array("sequences")) {
    JsonObject name(one, "a definition's sequence");
    expression.needs.sequences.push_back(NameFrom(name));
    RETURN_IF_ERROR(name.status());
  }
  ASSIGN_OR_RETURN(expression.needs.foreign, TextsFrom(object.Array("foreign")));
  RETURN_IF_ERROR(object.status());
  return expression;
}

Status ReadColumn(const Json& json, const Types& types, TableSchema& schema, std::vector<ColumnDefinition>& definitions) {
  JsonObject object(json, "a definition's column");
  Column& column = schema.columns.emplace_back();
  ColumnDefinition& definition = definitions.emplace_back();
  column.name = object.Text("name");
  const int32_t number = object.Int("number");
  if (number < 0 || number > INT16_MAX) object.Fail("has no acceptable number");
  column.attribute_number = static_cast<int16_t>(number);
  ASSIGN_OR_RETURN(column.type, TypeAt(types, object.Find("type")));
  if (!column.type) object.Fail("has no type");
  column.typmod = object.Int("typmod");
  column.not_null = object.Boolean("not-null");
  definition.collation = object.OptionalText("collation").value_or("");
  if (const Json* value = object.Find("default")) {
    ASSIGN_OR_RETURN(definition.default_value, ExpressionFrom(value, types));
  }
  definition.identity = OneLetter(object, "identity", '\0', "ad");
  return object.status();
}

Result<SequenceDefinition> SequenceFrom(const Json& json) {
  JsonObject object(json, "a definition's sequence");
  SequenceDefinition sequence;
  sequence.name = NameFrom(object);
  sequence.data_type = object.Text("type");
  sequence.start = object.Long("start");
  sequence.increment = object.Long("increment");
  sequence.min = object.Long("min");
  sequence.max = object.Long("max");
  sequence.cache = object.Long("cache");
  sequence.cycle = object.Boolean("cycle");
  sequence.owner_column = object.Text("owner");
  sequence.is_identity = object.Boolean("is-identity");
  RETURN_IF_ERROR(object.status());
  return sequence;
}

Status ReadParts(JsonObject& object, const Types& types, TableDefinition& table) {
  for (const Json& json : object.Array("generated")) {
    JsonObject part(json, "a definition's generated column");
    GeneratedColumn& made = table.generated.emplace_back();
    made.name = part.Text("name");
    made.typmod = part.Int("typmod");
    ASSIGN_OR_RETURN(made.type, TypeAt(types, part.Find("type")));
    if (!made.type) part.Fail("has no type");
    ASSIGN_OR_RETURN(made.expression, ExpressionFrom(part.Find("expression"), types));
    RETURN_IF_ERROR(part.status());
  }
  for (const Json& json : object.Array("constraints")) {
    JsonObject part(json, "a definition's constraint");
    ConstraintDefinition made{static_cast<ConstraintKind>(OneLetter(part, "kind", 'c', "puxcf")), part.Text("name"), {}};
    ASSIGN_OR_RETURN(made.definition, ExpressionFrom(part.Find("definition"), types));
    RETURN_IF_ERROR(part.status());
    table.constraints.push_back(std::move(made));
  }
  for (const Json& json : object.Array("indexes")) {
    JsonObject part(json, "a definition's index");
    IndexDefinition made{NameFrom(part), part.Boolean("unique"), {}};
    ASSIGN_OR_RETURN(made.definition, ExpressionFrom(part.Find("definition"), types));
    RETURN_IF_ERROR(part.status());
    table.indexes.push_back(std::move(made));
  }
  for (const Json& json : object.Array("sequences")) {
    ASSIGN_OR_RETURN(table.sequences.emplace_back(), SequenceFrom(json));
  }
  for (const Json& json : object.Array("partitions")) {
    JsonObject part(json, "a definition's partition");
    PartitionDefinition& made = table.partitions.emplace_back();
    made.name = NameFrom(part);
    JsonObject parent(part.Object("parent"), "a partition's parent");
    made.parent = NameFrom(parent);
    made.bound = part.Text("bound");
    made.partition_key = part.Text("partition-key");
    RETURN_IF_ERROR(parent.status());
    RETURN_IF_ERROR(part.status());
  }
  return Ok();
}

}  // namespace

std::string ToJson(const TableDefinition& table) {
  TypeList types;
  Json json = {{"version", kVersion}, {"namespace", table.schema->name.name_space}, {"name", table.schema->name.name}, {"oid", table.schema->oid}};
  json["replica-identity"] = std::string(1, static_cast<char>(table.schema->replica_identity));
  json["types"] = nullptr;  // Its place; known at the end.
  json["columns"] = Json::array();
  for (size_t i = 0; i < table.columns.size(); ++i) json["columns"].push_back(ToJson(table.schema->columns[i], table.columns[i], types));
  json["key"] = table.schema->key;
  json["primary-key"] = table.primary_key;
  for (const GeneratedColumn& column : table.generated)
    json["generated"].push_back({{"name", column.name}, {"type", types.PlaceOf(column.type)}, {"typmod", column.typmod}, {"expression", ToJson(column.expression, types)}});
  for (const ConstraintDefinition& constraint : table.constraints)
    json["constraints"].push_back({{"kind", std::string(1, static_cast<char>(constraint.kind))}, {"name", constraint.name}, {"definition", ToJson(constraint.definition, types)}});
  for (const IndexDefinition& index : table.indexes) {
    Json part = ToJson(index.name);
    part["unique"] = index.unique;
    part["definition"] = ToJson(index.definition, types);
    json["indexes"].push_back(std::move(part));
  }
  for (const SequenceDefinition& sequence : table.sequences) json["sequences"].push_back(ToJson(sequence));
  json["partition-key"] = table.partition_key;
  for (const PartitionDefinition& partition : table.partitions) {
    Json part = ToJson(partition.name);
    part["parent"] = ToJson(partition.parent);
    part["bound"] = partition.bound;
    part["partition-key"] = partition.partition_key;
    json["partitions"].push_back(std::move(part));
  }
  json["unlogged"] = table.unlogged;
  json["fingerprint"] = ToText(table.fingerprint);
  json["types"] = types.Take();
  return Text(json);
}

Result<TableDefinition> ParseTableDefinition(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, iceberg::ParseJson(text, "a table's definition"));
  JsonObject object(json, "a table's definition");
  if (object.Int("version") != kVersion) object.Fail("is of another version");
  Types types;
  for (const Json& one : object.Array("types")) {
    ASSIGN_OR_RETURN(TypePtr type, TypeFrom(one, types));
    types.push_back(std::move(type));
  }
  TableDefinition table;
  auto schema = std::make_shared<TableSchema>();
  schema->name = NameFrom(object);
  schema->oid = OidFrom(object, "oid");
  schema->replica_identity = static_cast<ReplicaIdentity>(OneLetter(object, "replica-identity", 'd', "dnfi"));
  for (const Json& one : object.Array("columns", /*required=*/true)) RETURN_IF_ERROR(ReadColumn(one, types, *schema, table.columns));
  RETURN_IF_ERROR(ReadPlaces(object.Array("key"), schema->columns.size(), schema->key));
  RETURN_IF_ERROR(ReadPlaces(object.Array("primary-key"), schema->columns.size(), table.primary_key));
  RETURN_IF_ERROR(ReadParts(object, types, table));
  table.partition_key = object.Text("partition-key");
  table.unlogged = object.Boolean("unlogged");
  const auto fingerprint = ParseFingerprint(object.Text("fingerprint"));
  if (!fingerprint) object.Fail("has no acceptable fingerprint");
  RETURN_IF_ERROR(object.status());
  table.fingerprint = *fingerprint;
  table.schema = std::move(schema);
  return table;
}

}  // namespace sluice

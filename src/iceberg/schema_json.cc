// schema: {"type": "struct", "schema-id": 0, "identifier-field-ids": [1], "fields": [field…]}
// field:  {"id": 1, "name": "id", "required": true, "type": type, "doc": "…"}
// type:   "long" | {"type": "struct", "fields": […]}
//       | {"type": "list", "element-id": 3, "element": type, "element-required": false}
//       | {"type": "map", "key-id": 4, "key": type, "value-id": 5, "value": type, "value-required":
//       false}

#include "iceberg/schema_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "iceberg/json_object.h"

namespace sluice::iceberg {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDepthMax = 32;

Json ToJson(const std::vector<Field>& fields) {
  Json list = Json::array();
  for (const Field& field : fields) {
    Json json = {{"id", field.id}, {"name", field.name}, {"required", field.required}};
    json["type"] = ToJson(field.type);
    if (!field.doc.empty()) json["doc"] = field.doc;
    list.push_back(std::move(json));
  }
  return list;
}

Result<Type> TypeFromJson(const Json& json, int depth);

Result<std::vector<Field>> FieldsFromJson(const Json& list, int depth) {
  std::vector<Field> fields;
  for (const Json& json : list) {
    JsonObject object(json, "a field");
    Field field;
    field.id = object.Int("id");
    field.name = object.Text("name");
    field.required = object.Boolean("required");
    field.doc = object.OptionalText("doc").value_or("");
    RETURN_IF_ERROR(object.status());
    const Json* type = object.Find("type");
    if (!type) return Corrupt("a field has no type");
    ASSIGN_OR_RETURN(field.type, TypeFromJson(*type, depth));
    fields.push_back(std::move(field));
  }
  return fields;
}

Result<Type> PartFromJson(const JsonObject& object, const char* key, int depth) {
  const Json* part = object.Find(key);
  if (!part) return Corrupt("a nested type lacks a part");
  return TypeFromJson(*part, depth);
}

Result<Type> TypeFromJson(const Json& json, int depth) {
  if (depth > kDepthMax) return Corrupt("a schema is nested too deeply");
  if (json.is_string()) return ParsePrimitive(json.get_ref<const std::string&>());
  JsonObject object(json, "a type");
  const std::string name = object.Text("type");
  RETURN_IF_ERROR(object.status());
  if (name == "struct") {
    ASSIGN_OR_RETURN(std::vector<Field> fields,
                     FieldsFromJson(object.Array("fields", true), depth + 1));
    RETURN_IF_ERROR(object.status());
    return StructOf(std::move(fields));
  }
  if (name == "list") {
    const int32_t id = object.Int("element-id");
    const bool required = object.Boolean("element-required");
    RETURN_IF_ERROR(object.status());
    ASSIGN_OR_RETURN(Type element, PartFromJson(object, "element", depth + 1));
    return ListOf(id, std::move(element), required);
  }
  if (name == "map") {
    const int32_t key_id = object.Int("key-id");
    const int32_t value_id = object.Int("value-id");
    const bool required = object.Boolean("value-required");
    RETURN_IF_ERROR(object.status());
    ASSIGN_OR_RETURN(Type key, PartFromJson(object, "key", depth + 1));
    ASSIGN_OR_RETURN(Type value, PartFromJson(object, "value", depth + 1));
    return MapOf(key_id, std::move(key), value_id, std::move(value), required);
  }
  return ParsePrimitive(name);  // Some writers say {"type": "int"}.
}

}  // namespace

Json ToJson(const Type& type) {
  switch (type.id) {
    case TypeId::kStruct:
      return {{"type", "struct"}, {"fields", ToJson(type.fields)}};
    case TypeId::kList: {
      const Field& element = type.fields.front();
      return {{"type", "list"},
              {"element-id", element.id},
              {"element", ToJson(element.type)},
              {"element-required", element.required}};
    }
    case TypeId::kMap: {
      const Field& key = type.fields.front();
      const Field& value = type.fields.back();
      return {{"type", "map"},
              {"key-id", key.id},
              {"key", ToJson(key.type)},
              {"value-id", value.id},
              {"value", ToJson(value.type)},
              {"value-required", value.required}};
    }
    default:
      return ToString(type);  // All primitive ones.
  }
}

Json ToJson(const Schema& schema) {
  Json json = {{"type", "struct"}, {"schema-id", schema.id}};
  if (!schema.identifier_field_ids.empty())
    json["identifier-field-ids"] = schema.identifier_field_ids;
  json["fields"] = ToJson(schema.fields);
  return json;
}

Result<Schema> SchemaFromJson(const Json& json) {
  JsonObject object(json, "a schema");
  Schema schema;
  schema.id = object.OptionalInt("schema-id").value_or(0);
  for (const Json& id : object.Array("identifier-field-ids")) {
    if (!id.is_number_integer()) return Corrupt("a schema has a wrong identifier field id");
    schema.identifier_field_ids.push_back(static_cast<int32_t>(id.get<int64_t>()));
  }
  std::sort(schema.identifier_field_ids.begin(), schema.identifier_field_ids.end());
  const Json& fields = object.Array("fields", /*required=*/true);
  RETURN_IF_ERROR(object.status());
  ASSIGN_OR_RETURN(schema.fields, FieldsFromJson(fields, 0));
  return schema;
}

std::string ToJsonText(const Schema& schema) {
  // Names come from outside and need not be UTF-8: replaced rather than thrown over.
  return ToJson(schema).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Schema> ParseSchema(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text, "a schema"));
  return SchemaFromJson(json);
}

}  // namespace sluice::iceberg

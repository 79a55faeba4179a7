// spec:  {"spec-id": 0, "fields": [{"name": "_ingested_at_day", "transform": "day", "source-id": 4,
// "field-id": 1000}]} order: {"order-id": 0, "fields": [{"transform": "identity", "source-id": 2,
// "direction": "asc", "null-order": "nulls-first"}]}

#include "iceberg/partition_spec_json.h"

#include <nlohmann/json.hpp>

#include "iceberg/json_object.h"

namespace sluice::iceberg {
namespace {

using Json = nlohmann::ordered_json;

Json FieldsToJson(const PartitionSpec& spec) {
  Json fields = Json::array();
  for (const PartitionField& field : spec.fields)
    fields.push_back({{"source-id", field.source_id},
                      {"field-id", field.field_id},
                      {"name", field.name},
                      {"transform", ToString(field.transform)}});
  return fields;
}

Result<std::vector<PartitionField>> FieldsFromJson(const Json& list) {
  if (!list.is_array()) return Corrupt("a partition spec has no list of fields");
  std::vector<PartitionField> fields;
  for (const Json& json : list) {
    JsonObject object(json, "a partition field");
    PartitionField field;
    field.source_id = object.Int("source-id");
    const auto position = static_cast<int32_t>(fields.size());
    field.field_id = object.OptionalInt("field-id").value_or(kFirstPartitionFieldId + position);
    field.name = object.Text("name");
    const std::string transform = object.Text("transform");
    RETURN_IF_ERROR(object.status());
    ASSIGN_OR_RETURN(field.transform, ParseTransform(transform));
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace

Json ToJson(const PartitionSpec& spec) {
  return {{"spec-id", spec.id}, {"fields", FieldsToJson(spec)}};
}

Json ToJson(const SortOrder& order) {
  Json fields = Json::array();
  for (const SortField& field : order.fields)
    fields.push_back({{"transform", ToString(field.transform)},
                      {"source-id", field.source_id},
                      {"direction", field.ascending ? "asc" : "desc"},
                      {"null-order", field.nulls_first ? "nulls-first" : "nulls-last"}});
  return {{"order-id", order.id}, {"fields", std::move(fields)}};
}

Result<PartitionSpec> PartitionSpecFromJson(const Json& json) {
  JsonObject object(json, "a partition spec");
  PartitionSpec spec;
  spec.id = object.Int("spec-id");
  const Json& fields = object.Array("fields", /*required=*/true);
  RETURN_IF_ERROR(object.status());
  ASSIGN_OR_RETURN(spec.fields, FieldsFromJson(fields));
  return spec;
}

Result<SortOrder> SortOrderFromJson(const Json& json) {
  JsonObject object(json, "a sort order");
  SortOrder order;
  order.id = object.Int("order-id");
  for (const Json& item : object.Array("fields", /*required=*/true)) {
    JsonObject field(item, "a sort field");
    SortField& added = order.fields.emplace_back();
    added.source_id = field.Int("source-id");
    added.ascending = field.Text("direction") != "desc";
    added.nulls_first = field.Text("null-order") != "nulls-last";
    const std::string transform = field.Text("transform");
    RETURN_IF_ERROR(field.status());
    ASSIGN_OR_RETURN(added.transform, ParseTransform(transform));
  }
  RETURN_IF_ERROR(object.status());
  return order;
}

std::string FieldsToJsonText(const PartitionSpec& spec) {
  return FieldsToJson(spec).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<PartitionSpec> ParseSpecFields(int32_t spec_id, std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text, "a partition spec"));
  PartitionSpec spec;
  spec.id = spec_id;
  // Some writers put the whole spec here.
  ASSIGN_OR_RETURN(
      spec.fields,
      FieldsFromJson(json.is_object() && json.contains("fields") ? json["fields"] : json));
  return spec;
}

}  // namespace sluice::iceberg

// Parsing the schema that stands in a file's header.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "iceberg/avro.h"
#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

using Json = nlohmann::json;
using Kind = AvroType::Kind;

constexpr int kDepthMax = 32;
constexpr size_t kTypesMax = 20'000;
constexpr int64_t kFixedSizeMax = 1 << 20;

std::shared_ptr<AvroType> NewType(Kind kind) {
  auto type = std::make_shared<AvroType>();
  type->kind = kind;
  return type;
}

class SchemaParser {
 public:
  Result<AvroTypePtr> Parse(const Json& json, int depth) {
    ASSIGN_OR_RETURN(AvroTypePtr type, ParseAny(json, depth));
    if (type->height > kDepthMax) return Corrupt("an Avro schema is nested too deeply");
    return type;
  }

 private:
  Result<AvroTypePtr> ParseAny(const Json& json, int depth) {
    if (depth > kDepthMax || ++types_ > kTypesMax)
      return Corrupt("an Avro schema is nested too deeply");
    if (json.is_string()) return ParseName(json.get_ref<const std::string&>());
    if (json.is_array()) return ParseUnion(json, depth);
    if (!json.is_object() || !json.contains("type")) return Corrupt("an Avro schema has no type");
    const Json& type = json["type"];
    if (!type.is_string()) return Parse(type, depth + 1);
    const auto& name = type.get_ref<const std::string&>();
    if (name == "record" || name == "error") return ParseRecord(json, depth);
    if (name == "array") return ParseItems(json, "items", Kind::kArray, depth);
    if (name == "map") return ParseItems(json, "values", Kind::kMap, depth);
    if (name == "enum") return Define(json, NewType(Kind::kEnum));
    if (name == "fixed") return ParseFixed(json);
    ASSIGN_OR_RETURN(const AvroTypePtr plain, ParseName(name));
    // A copy of a record for each place that names it would be as large as the square of the schema.
    if (!plain->fields.empty() || !plain->branches.empty()) return plain;
    auto annotated = std::make_shared<AvroType>(*plain);
    Annotate(json, *annotated);
    return AvroTypePtr(annotated);
  }

  static void RaiseHeight(AvroType& type, const AvroType& part) {
    type.height = std::max(type.height, part.height + 1);
  }

  static std::string Text(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
  }
  static int64_t Number(const Json& json, const char* key, int64_t otherwise) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
  }
  static int32_t Small(const Json& json, const char* key, int32_t otherwise) {
    const int64_t number = Number(json, key, otherwise);
    return number < INT32_MIN || number > INT32_MAX ? otherwise : static_cast<int32_t>(number);
  }

  static void Annotate(const Json& json, AvroType& type) {
    type.logical_type = Text(json, "logicalType");
    type.precision = Small(json, "precision", 0);
    type.scale = Small(json, "scale", 0);
  }

  Result<AvroTypePtr> ParseName(const std::string& name) {
    static const auto* plain = new std::map<std::string, Kind, std::less<>>{
        {"null", Kind::kNull},   {"boolean", Kind::kBoolean}, {"int", Kind::kInt},
        {"long", Kind::kLong},   {"float", Kind::kFloat},     {"double", Kind::kDouble},
        {"bytes", Kind::kBytes}, {"string", Kind::kString},
    };
    if (const auto found = plain->find(name); found != plain->end())
      return AvroTypePtr(NewType(found->second));
    // A type is known by its name only once it is complete, so a recursive one is refused here.
    const auto found = named_.find(name);
    if (found == named_.end()) return Corrupt("an Avro schema names a type that it doesn't define");
    return found->second;
  }

  Result<AvroTypePtr> Define(const Json& json, std::shared_ptr<AvroType> type) {
    Annotate(json, *type);
    const std::string name = Text(json, "name");
    const std::string space = Text(json, "namespace");
    if (!name.empty()) named_[name] = type;
    if (!space.empty()) named_[space + "." + name] = type;
    return AvroTypePtr(std::move(type));
  }

  Result<AvroTypePtr> ParseUnion(const Json& json, int depth) {
    auto type = NewType(Kind::kUnion);
    for (const Json& branch : json) {
      ASSIGN_OR_RETURN(type->branches.emplace_back(), Parse(branch, depth + 1));
      RaiseHeight(*type, *type->branches.back());
      if (type->branches.back()->kind == Kind::kUnion)
        return Corrupt("an Avro schema has a union inside a union");
    }
    if (type->branches.empty()) return Corrupt("an Avro schema has an empty union");
    return AvroTypePtr(std::move(type));
  }

  Result<AvroTypePtr> ParseRecord(const Json& json, int depth) {
    auto type = NewType(Kind::kRecord);
    const auto fields = json.find("fields");
    if (fields == json.end() || !fields->is_array()) return Corrupt("an Avro record has no fields");
    for (const Json& field : *fields) {
      if (!field.is_object() || !field.contains("type"))
        return Corrupt("an Avro field has no type");
      ASSIGN_OR_RETURN(AvroTypePtr field_type, Parse(field["type"], depth + 1));
      RaiseHeight(*type, *field_type);
      type->fields.push_back(
          {Small(field, "field-id", -1), Text(field, "name"), std::move(field_type)});
    }
    return Define(json, std::move(type));
  }

  Result<AvroTypePtr> ParseItems(const Json& json, const char* key, Kind kind, int depth) {
    const auto items = json.find(key);
    if (items == json.end()) return Corrupt("an Avro array or map has no items");
    ASSIGN_OR_RETURN(AvroTypePtr item_type, Parse(*items, depth + 1));
    auto type = NewType(kind);
    RaiseHeight(*type, *item_type);
    type->fields.push_back({-1, key, std::move(item_type)});
    Annotate(json, *type);
    return AvroTypePtr(std::move(type));
  }

  Result<AvroTypePtr> ParseFixed(const Json& json) {
    const int64_t size = Number(json, "size", -1);
    if (size < 0 || size > kFixedSizeMax) return Corrupt("an Avro fixed has no acceptable size");
    auto type = NewType(Kind::kFixed);
    type->size = static_cast<size_t>(size);
    return Define(json, std::move(type));
  }

  std::map<std::string, AvroTypePtr, std::less<>> named_;
  size_t types_ = 0;
};

}  // namespace

Result<AvroTypePtr> ParseAvroSchema(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Corrupt("an Avro schema is not JSON");
  return SchemaParser().Parse(json, 0);
}

}  // namespace sluice::iceberg

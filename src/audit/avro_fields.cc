#include "audit/avro_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "audit/rules.h"

namespace sluice::audit {
namespace {

constexpr int kLevelsMax = 32;

const Json& WithoutNull(const Json& type) {
  if (type.is_array())
    for (const Json& branch : type)
      if (branch != "null") return branch;
  return type;
}

class SchemaWalk {
 public:
  SchemaWalk(std::span<const int64_t> required, const std::string& file, Findings& findings) : required_(required), file_(file), findings_(findings) {}

  void Walk(const Json& type, int level) {
    if (level > kLevelsMax || !type.is_object()) return;
    const std::string kind = Text(type, "type").value_or("");
    if (const Json* inner = Member(type, "type"); inner != nullptr && !inner->is_string()) Walk(WithoutNull(*inner), level + 1);
    for (const Json& field : Array(type, "fields")) Field(field, level);
    if (kind != "array") return;
    if (!Number(type, "element-id") && Text(type, "logicalType") != "map") findings_.Add(kAvroField, file_, "an array of its Avro schema has no element-id");
    if (const Json* items = Member(type, "items")) Walk(WithoutNull(*items), level + 1);
  }

  const std::set<int64_t>& seen() const { return seen_; }

 private:
  void Field(const Json& field, int level) {
    const std::string name = Text(field, "name").value_or("?");
    const auto id = Number(field, "field-id");
    const Json* type = Member(field, "type");
    if (!id) findings_.Add(kAvroField, file_, fmt::format("field {} of its Avro schema has no field-id", name));
    if (type == nullptr) return;
    if (id) seen_.insert(*id);
    if (id && type->is_array() && std::find(required_.begin(), required_.end(), *id) != required_.end())
      findings_.Add(kAvroField, file_, fmt::format("field {} ({}) must be there, but its Avro schema lets it be null", name, *id));
    Walk(WithoutNull(*type), level + 1);
  }

  const std::span<const int64_t> required_;
  const std::string& file_;
  Findings& findings_;
  std::set<int64_t> seen_;
};

}  // namespace

AvroFields::AvroFields(const Json& record) {
  for (const Json& field : Array(WithoutNull(record), "fields")) {
    const auto id = Number(field, "field-id");
    const Json* type = Member(field, "type");
    if (!id || type == nullptr) continue;
    by_id_[*id] = {audit::Text(field, "name").value_or(""), *type};
    ids_.push_back(*id);
  }
}

const Json* AvroFields::Find(const Json& record, int64_t field_id) const {
  const auto found = by_id_.find(field_id);
  return found == by_id_.end() ? nullptr : Member(record, found->second.first.c_str());
}

std::optional<int64_t> AvroFields::Long(const Json& record, int64_t field_id) const {
  const Json* found = Find(record, field_id);
  return found ? AsNumber(*found) : std::nullopt;
}

std::optional<std::string> AvroFields::Text(const Json& record, int64_t field_id) const {
  const Json* found = Find(record, field_id);
  return found && found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
}

const Json& AvroFields::TypeOf(int64_t field_id) const {
  static const auto* const none = new Json();
  const auto found = by_id_.find(field_id);
  return found == by_id_.end() ? *none : found->second.second;
}

void CheckAvroSchema(const Json& schema, std::span<const int64_t> required, const std::string& file, Findings& findings) {
  SchemaWalk walk(required, file, findings);
  walk.Walk(schema, 0);
  for (const int64_t id : required)
    if (!walk.seen().contains(id)) findings.Add(kAvroField, file, fmt::format("its Avro schema lacks the field {}", id));
}

}  // namespace sluice::audit

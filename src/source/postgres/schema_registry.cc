#include "source/postgres/schema_registry.h"

#include <algorithm>

namespace sluice {
namespace {

bool SamePointee(const TypePtr& a, const TypePtr& b) {
  if (a == b) return true;
  return a && b && SameType(*a, *b);
}

}  // namespace

bool SameType(const Type& a, const Type& b) {
  if (&a == &b) return true;
  const auto same_field = [](const CompositeField& x, const CompositeField& y) {
    return x.name == y.name && x.typmod == y.typmod && SamePointee(x.type, y.type);
  };
  return a.oid == b.oid && a.name_space == b.name_space && a.name == b.name && a.kind == b.kind &&
         a.has_binary == b.has_binary && a.extension == b.extension && a.element_typmod == b.element_typmod &&
         a.array_delimiter == b.array_delimiter && a.labels == b.labels && SamePointee(a.element, b.element) &&
         std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(), same_field);
}

bool SameSchema(const TableSchema& a, const TableSchema& b) {
  const auto same_column = [](const Column& x, const Column& y) {
    return x.name == y.name && x.attribute_number == y.attribute_number && x.typmod == y.typmod &&
           x.not_null == y.not_null && SamePointee(x.type, y.type);
  };
  return a.oid == b.oid && a.name == b.name && a.key == b.key && a.replica_identity == b.replica_identity &&
         std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(), same_column);
}

TableSchemaPtr SchemaRegistry::Intern(TableSchema schema) {
  const std::lock_guard lock(mutex_);
  TableSchemaPtr& newest = newest_[schema.oid];
  if (newest && SameSchema(*newest, schema)) return newest;
  schema.version = ++versions_;
  newest = std::make_shared<const TableSchema>(std::move(schema));
  return newest;
}

TableSchemaPtr SchemaRegistry::Newest(Oid table) const {
  const std::lock_guard lock(mutex_);
  const auto found = newest_.find(table);
  return found == newest_.end() ? nullptr : found->second;
}

}  // namespace sluice

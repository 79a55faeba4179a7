#pragma once
// For the targets that read the stream: schemas made of what the stream itself says.

#include <memory>
#include <utility>

#include "source/postgres/relation_facts.h"
#include "source/postgres/schema_registry.h"

namespace sluice::fuzz {

class FactsResolver final : public SchemaResolver {
 public:
  Result<TableSchemaPtr> Resolve(const RelationFacts& facts) override {
    TableSchema schema;
    schema.oid = facts.oid;
    schema.name = facts.name;
    schema.replica_identity = facts.identity;
    for (const auto& column : facts.columns) {
      Type type;
      type.oid = column.type;
      if (column.in_key) schema.key.push_back(schema.columns.size());
      schema.columns.push_back({column.name, 0, std::make_shared<const Type>(std::move(type)), column.typmod, false});
    }
    return schemas_.Intern(std::move(schema));
  }
  void NameType(Oid, const TableName&) override {}

 private:
  SchemaRegistry schemas_;
};

}  // namespace sluice::fuzz

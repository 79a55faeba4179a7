// What the fake database's catalog tells of its tables.

#include <charconv>

#include "fake_database.h"

namespace sluice::simulator {
namespace {

TypePtr MakeType(Oid oid, const char* name) {
  Type type;
  type.oid = oid;
  type.name_space = "pg_catalog";
  type.name = name;
  return std::make_shared<const Type>(std::move(type));
}

}  // namespace

int16_t AttributeOf(const std::string& column) {
  if (column == "id") return 1;
  int16_t attribute = 0;
  std::from_chars(column.data() + 1, column.data() + column.size(), attribute);
  return attribute;
}

TableSchema SchemaOf(const TableShape& shape) {
  static const TypePtr int8 = MakeType(20, "int8"), text = MakeType(25, "text");
  TableSchema schema;
  schema.oid = shape.oid;
  schema.name = shape.name;
  schema.replica_identity = shape.identity;
  schema.key = {0};
  for (const ColumnShape& column : shape.columns)
    schema.columns.push_back({column.name, column.attribute, column.attribute == 1 ? int8 : text, -1, column.attribute == 1, false});
  return schema;
}

TableDefinition Define(const FakeDatabase::Table& table) {
  TableDefinition definition;
  definition.schema = std::make_shared<const TableSchema>(SchemaOf(*table.shape));
  for (const ColumnShape& column : table.shape->columns) {
    ColumnDefinition& column_definition = definition.columns.emplace_back();
    column_definition.toastable = column.toasted;
    column_definition.changed_by = column.changed_by;
  }
  definition.primary_key = {0};
  Leaf leaf;
  leaf.oid = table.shape->oid;
  leaf.name = table.shape->name;
  leaf.pages = kPages;
  leaf.size_bytes = kPages * uint64_t{8192};
  leaf.estimated_rows = static_cast<double>(table.content.rows().size());
  leaf.file_node = table.file_node;
  definition.leaves = {leaf};
  definition.fingerprint = FingerprintOf(definition);
  return definition;
}

}  // namespace sluice::simulator

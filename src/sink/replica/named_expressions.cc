#include "sink/replica/named_expressions.h"

namespace sluice {

std::vector<NamedExpression> NamedExpressions(const TableDefinition& table) {
  std::vector<NamedExpression> named;
  for (size_t i = 0; i < table.columns.size(); ++i)
    if (const auto& expression = table.columns[i].default_value) named.push_back({"default of " + table.schema->columns[i].name, &*expression});
  for (const GeneratedColumn& column : table.generated) named.push_back({"generated column " + column.name, &column.expression});
  for (const ConstraintDefinition& constraint : table.constraints)
    if (constraint.kind != ConstraintKind::kForeignKey) named.push_back({"constraint " + constraint.name, &constraint.definition});
  for (const IndexDefinition& index : table.indexes) named.push_back({"index " + index.name.name, &index.definition});
  return named;
}

}  // namespace sluice

#include "sink/replica/after_rows.h"

#include <fmt/format.h>

#include <optional>

#include "postgres/quote.h"

namespace sluice {
namespace {

// pg_get_indexdef writes ON ONLY for the index of a partitioned root; here it must reach the partitions.
std::string WithoutOnly(const IndexDefinition& index) {
  for (const std::string& name : {index.name.name, QuoteIdentifier(index.name.name)}) {
    const std::string start = std::string(index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") + name + " ON ";
    if (index.definition.sql.starts_with(start + "ONLY ")) return start + index.definition.sql.substr(start.size() + 5);
  }
  return index.definition.sql;
}

std::optional<Hindrance> HindranceOf(const Expression& expression, const std::set<std::string>& extensions) {
  if (auto foreign = ForeignCode(expression)) return foreign;
  for (const NeededExtension& extension : expression.needs.extensions)
    if (!extensions.contains(extension.name)) return MissingExtension(extension);
  return std::nullopt;
}

}  // namespace

AfterRows StatementsAfterRows(const TableDefinition& table, const std::set<std::string>& extensions) {
  AfterRows after;
  const auto add = [&](std::vector<AfterRowsStatement>& to, const Expression& definition, AfterRowsStatement statement) {
    if (auto hindrance = HindranceOf(definition, extensions)) {
      after.left_out.emplace_back(std::move(statement.object), AndThen(std::move(*hindrance), statement.sql));
      return;
    }
    to.push_back(std::move(statement));
  };
  for (const ConstraintKind kind : {ConstraintKind::kPrimaryKey, ConstraintKind::kUnique, ConstraintKind::kExclusion, ConstraintKind::kCheck}) {
    for (const ConstraintDefinition& constraint : table.constraints) {
      if (constraint.kind != kind) continue;
      add(after.in_order, constraint.definition,
          {"constraint " + constraint.name,
           fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", QuoteName(table.schema->name), QuoteIdentifier(constraint.name), constraint.definition.sql),
           kind == ConstraintKind::kPrimaryKey});
    }
  }
  for (const IndexDefinition& index : table.indexes)
    add(after.parallel, index.definition, {"index " + index.name.name, WithoutOnly(index)});
  return after;
}

}  // namespace sluice

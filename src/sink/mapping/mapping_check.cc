#include "sink/mapping/mapping_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <optional>

#include "config/did_you_mean.h"
#include "observability/errors/mapping_codes.h"
#include "sink/mapping/definition_mapping.h"

namespace sluice::mapping {
namespace {

bool Fits(const std::string& pattern, const TableDefinition& table) {
  const std::string name = ToString(table.schema->name);
  return pattern == name || (IsGlob(pattern) && fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0);
}

bool HasColumn(const TableDefinition& table, const std::string& name) {
  const auto named = [&](const auto& column) { return column.name == name; };
  return std::any_of(table.schema->columns.begin(), table.schema->columns.end(), named) || std::any_of(table.generated.begin(), table.generated.end(), named);
}

std::vector<std::string> ColumnsOf(const TableMappingConfig& mapping) {
  std::vector<std::string> columns = mapping.exclude;
  for (const auto& [column, to] : mapping.rename) columns.push_back(column);
  for (const auto& [column, mask] : mapping.mask) columns.push_back(column);
  return columns;
}

// A misspelt table or column would otherwise let plain values out.
void FindMisspelt(const MappingRules& rules, const std::vector<TableDefinition>& tables, std::vector<MappingMistake>& mistakes) {
  std::vector<std::string> names;
  for (const TableDefinition& table : tables) names.push_back(ToString(table.schema->name));
  for (const TableMappingConfig& mapping : rules.config().tables) {
    std::vector<const TableDefinition*> fitting;
    for (const TableDefinition& table : tables)
      if (Fits(mapping.table, table)) fitting.push_back(&table);
    if (fitting.empty()) {
      const auto meant = DidYouMean(mapping.table, names);
      mistakes.push_back({slu::kMappingNoSuchTable, mapping.table, "is named by the mapping, but no such table is copied", "the name of a table that is",
                          meant ? "did you mean: " + *meant : "if it was renamed on the source, give the new name in the mapping"});
      continue;
    }
    if (!IsGlob(mapping.table)) continue;  // The plan of its table tells.
    for (const std::string& column : ColumnsOf(mapping))
      if (std::none_of(fitting.begin(), fitting.end(), [&](const TableDefinition* table) { return HasColumn(*table, column); }))
        mistakes.push_back({slu::kMappingNoSuchColumn, mapping.table + "." + column, "is named by the mapping, but no table of the pattern has such a column", "the name of a column", {}});
  }
}

std::set<std::string> GeneratedNames(const TableDefinition& table) {
  std::set<std::string> names;
  for (const GeneratedColumn& column : table.generated) names.insert(column.name);
  return names;
}

struct PlannedTable {
  const TableDefinition* source;
  std::optional<MappedDefinition> mapped;  // Absent if there are mistakes.
  TablePlan plan;

  bool differs() const { return plan.target->name != plan.source->name || plan.rules.touches_rows(); }
};

std::vector<PlannedTable> PlanAll(const MappingRules& rules, const std::vector<TableDefinition>& tables, std::vector<MappingMistake>& mistakes) {
  std::vector<PlannedTable> planned;
  for (const TableDefinition& table : tables) {
    std::vector<MappingMistake> own;
    PlannedTable& one = planned.emplace_back(PlannedTable{&table, std::nullopt, PlanTable(rules, table.schema, GeneratedNames(table), own)});
    if (own.empty()) one.mapped = one.differs() ? MapDefinition(rules, table, one.plan) : MappedDefinition{table, {}};
    mistakes.insert(mistakes.end(), own.begin(), own.end());
  }
  return planned;
}

// Every relation that the replica would make of a table, in words.
std::vector<std::pair<TableName, std::string>> RelationsOf(const TableDefinition& table) {
  const TableName& name = table.schema->name;
  std::vector<std::pair<TableName, std::string>> relations{{name, "table " + ToString(name)}};
  for (const PartitionDefinition& partition : table.partitions) relations.emplace_back(partition.name, "partition " + ToString(partition.name));
  for (const IndexDefinition& index : table.indexes) relations.emplace_back(TableName{name.name_space, index.name.name}, "index " + index.name.name);
  for (const SequenceDefinition& sequence : table.sequences) relations.emplace_back(sequence.name, "sequence " + ToString(sequence.name));
  for (const ConstraintDefinition& constraint : table.constraints)
    if (constraint.kind == ConstraintKind::kPrimaryKey || constraint.kind == ConstraintKind::kUnique || constraint.kind == ConstraintKind::kExclusion)
      relations.emplace_back(TableName{name.name_space, constraint.name}, "the index of constraint " + constraint.name);
  return relations;
}

void FindCollisions(const std::vector<PlannedTable>& planned, std::vector<MappingMistake>& mistakes) {
  std::map<TableName, const PlannedTable*> taken;
  for (const PlannedTable& table : planned) {
    if (!table.mapped) continue;
    for (const auto& [name, words] : RelationsOf(table.mapped->definition)) {
      const auto [other, is_new] = taken.emplace(name, &table);
      if (is_new || other->second == &table || (!table.differs() && !other->second->differs())) continue;
      mistakes.push_back({slu::kMappingNameTaken, ToString(table.source->schema->name), fmt::format("and {} would both have {} {}", ToString(other->second->source->schema->name), name.name_space, words),
                          "a name of its own for each", "give one of them another name: {table: …, to: …}"});
    }
  }
}

std::string Words(const MaskConfig& mask) {
  switch (mask.kind) {
    case MaskKind::kHash: return "hashed";
    case MaskKind::kRedact: return "redacted";
    case MaskKind::kPartial: return fmt::format("but {} characters hidden", mask.keep_first + mask.keep_last);
    case MaskKind::kNull: return "NULL";
    case MaskKind::kTruncate: return "truncated";
  }
  return "";
}

std::string Words(const ConditionConfig& condition) {
  switch (condition.comparator) {
    case Comparator::kEqual: return fmt::format("{} = {}", condition.column, condition.values.front());
    case Comparator::kNotEqual: return fmt::format("{} != {}", condition.column, condition.values.front());
    case Comparator::kLess: return fmt::format("{} < {}", condition.column, condition.values.front());
    case Comparator::kLessOrEqual: return fmt::format("{} <= {}", condition.column, condition.values.front());
    case Comparator::kGreater: return fmt::format("{} > {}", condition.column, condition.values.front());
    case Comparator::kGreaterOrEqual: return fmt::format("{} >= {}", condition.column, condition.values.front());
    case Comparator::kIn: return fmt::format("{} in ({})", condition.column, fmt::join(condition.values, ", "));
    case Comparator::kIsNull: return condition.column + " is null";
    case Comparator::kIsNotNull: return condition.column + " is not null";
  }
  return "";
}

std::string Effect(const PlannedTable& table) {
  std::vector<std::string> parts;
  if (table.plan.target->name != table.plan.source->name) parts.push_back("becomes " + ToString(table.plan.target->name));
  for (size_t i = 0; i < table.plan.columns.size(); ++i) {
    const std::string& name = table.plan.source->columns[i].name;
    const auto renamed = table.plan.rules.renamed.find(name);
    if (table.plan.columns[i].excluded) parts.push_back("without " + name);
    else if (renamed != table.plan.rules.renamed.end()) parts.push_back(fmt::format("{} as {}", name, renamed->second));
    if (table.plan.columns[i].mask) parts.push_back(fmt::format("{} {}", name, Words(table.plan.rules.masked.at(name))));
  }
  for (const ConditionConfig& condition : table.plan.rules.where) parts.push_back("only where " + Words(condition));
  for (const std::string& what : table.mapped->left_out) parts.push_back("goes without " + what);
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string FindingId(int code) { return fmt::format("M{:03}", code - 1200); }

}  // namespace

std::vector<MappingMistake> FindMistakes(const MappingRules& rules, const std::vector<TableDefinition>& tables) {
  std::vector<MappingMistake> mistakes;
  FindMisspelt(rules, tables, mistakes);
  const std::vector<PlannedTable> planned = PlanAll(rules, tables, mistakes);
  FindCollisions(planned, mistakes);
  return mistakes;
}

Findings CheckMapping(const MappingRules& rules, const std::vector<TableDefinition>& tables) {
  Findings findings;
  if (rules.empty()) return findings;
  for (const MappingMistake& mistake : FindMistakes(rules, tables))
    findings.push_back({FindingId(mistake.code), Severity::kFail, mistake.object, mistake.found, mistake.wanted, mistake.fix});
  std::vector<MappingMistake> told;
  for (const PlannedTable& table : PlanAll(rules, tables, told))
    if (table.mapped && table.differs()) findings.push_back({"M000", Severity::kInfo, ToString(table.source->schema->name), Effect(table)});
  for (const NamespaceMappingConfig& mapping : rules.config().namespaces)
    if (std::none_of(tables.begin(), tables.end(), [&](const TableDefinition& table) { return table.schema->name.name_space == mapping.from; }))
      findings.push_back({"M020", Severity::kWarn, mapping.from, "is a namespace without a table that is copied", "the name of one that has some", ""});
  return findings;
}

std::vector<TableDefinition> MapDefinitions(const MappingRules& rules, const std::vector<TableDefinition>& tables) {
  std::vector<MappingMistake> told;
  std::vector<TableDefinition> mapped;
  for (PlannedTable& table : PlanAll(rules, tables, told))
    if (table.mapped) mapped.push_back(std::move(table.mapped->definition));
  return mapped;
}

}  // namespace sluice::mapping

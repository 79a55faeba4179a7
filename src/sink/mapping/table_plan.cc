#include "sink/mapping/table_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "observability/errors/mapping_codes.h"
#include "postgres/quote.h"

namespace sluice::mapping {
namespace {

constexpr size_t kDropped = SIZE_MAX;

std::string TypeWords(const Column& column) { return column.type ? column.type->name : "an unknown type"; }

/// Compiles one table.
class Planner {
 public:
  Planner(TablePlan& plan, const std::set<std::string>& generated, std::vector<MappingMistake>& mistakes)
      : plan_(plan), source_(*plan.source), generated_(generated), mistakes_(mistakes) {}

  void Run(TableName target_name, Oid oid) {
    target_ = source_;
    target_.name = std::move(target_name);
    target_.oid = oid;
    target_.columns.clear();
    FindNamed();
    MapColumns();
    MapKey();
    MapConditions();
    plan_.target = std::make_shared<const TableSchema>(std::move(target_));
  }

 private:
  void Add(int code, const std::string& column, std::string found, std::string wanted, std::string fix = {}) {
    mistakes_.push_back({code, ToString(source_.name) + (column.empty() ? "" : "." + column), std::move(found), std::move(wanted), std::move(fix)});
  }

  const Column* Find(const std::string& name) const {
    const auto found = std::find_if(source_.columns.begin(), source_.columns.end(), [&](const Column& column) { return column.name == name; });
    return found == source_.columns.end() ? nullptr : &*found;
  }

  void FindNamed() {
    for (const std::string& name : plan_.rules.named_exactly) {
      if (Find(name) != nullptr) continue;
      const bool is_generated = generated_.contains(name);
      if (is_generated && plan_.rules.excluded.contains(name)) continue;
      if (is_generated)
        Add(slu::kMappingNoSuchColumn, name, "is a generated column, which no row carries", "a column that is stored by INSERT and UPDATE", "leave it out: columns.exclude");
      else
        Add(slu::kMappingNoSuchColumn, name, "is named by the mapping, but the table has no such column", "the name of a column",
            "if it was renamed on the source, give the new name in the mapping; if it was dropped, take it out");
    }
  }

  void MapColumns() {
    std::map<std::string, std::string> taken;
    for (const Column& column : source_.columns) {
      ColumnPlan& planned = plan_.columns.emplace_back();
      plan_.copy_kinds.push_back(column.type && !column.type->has_binary ? ValueKind::kText : ValueKind::kBinary);
      planned.excluded = plan_.rules.excluded.contains(column.name);
      target_index_.push_back(planned.excluded ? kDropped : target_.columns.size());
      if (planned.excluded) continue;
      Column& mapped = target_.columns.emplace_back(column);
      MapMask(column, planned, mapped);
      const auto renamed = plan_.rules.renamed.find(column.name);
      if (renamed != plan_.rules.renamed.end()) mapped.name = renamed->second;
      const auto [other, is_new] = taken.emplace(mapped.name, column.name);
      if (!is_new) Add(slu::kMappingNameTaken, column.name, fmt::format("would be named {}, as {} is", mapped.name, other->second), "a name of its own");
    }
    if (target_.columns.empty() && !source_.columns.empty())
      Add(slu::kMappingNoSuchColumn, "", "would have no column left", "at least one column", fmt::format("tables.exclude: [\"{}\"]", ToString(source_.name)));
  }

  void MapMask(const Column& column, ColumnPlan& planned, Column& mapped) {
    const auto mask = plan_.rules.masked.find(column.name);
    if (mask == plan_.rules.masked.end()) return;
    planned.mask = Mask::For(mask->second, column);
    if (planned.mask) mapped = planned.mask->column();
    else
      Add(slu::kMappingMaskUnfit, column.name, fmt::format("is of type {}, which its mask cannot take", TypeWords(column)), "a mask that fits the type",
          "use null or redact, which fit every type\nor leave the column out: columns.exclude");
  }

  void MapKey() {
    target_.key.clear();
    for (const size_t column : source_.key) {
      const ColumnPlan& planned = plan_.columns[column];
      const std::string& name = source_.columns[column].name;
      if (planned.excluded || (planned.mask && !planned.mask->keeps_identity()))
        Add(slu::kMappingKeyLost, name, planned.excluded ? "is left out, but identifies the rows" : "is masked so that different rows look alike, but identifies them",
            "a key that still tells rows apart", "mask it with hash, which does\nor keep it as it is");
      if (target_index_[column] != kDropped) target_.key.push_back(target_index_[column]);
    }
  }

  // As PostgreSQL demands of a publication's row filter: otherwise the old side of a change cannot be judged.
  void MapConditions() {
    const bool old_known = source_.replica_identity == ReplicaIdentity::kFull || source_.append_only();
    for (const ConditionConfig& config : plan_.rules.where) {
      const Column* column = Find(config.column);
      if (column == nullptr) {
        if (!plan_.rules.named_exactly.contains(config.column))
          Add(slu::kMappingNoSuchColumn, config.column, "decides which rows are taken, but the table has no such column", "a column of every table that the pattern matches");
        continue;
      }
      const auto index = static_cast<size_t>(column - source_.columns.data());
      const bool in_key = std::find(source_.key.begin(), source_.key.end(), index) != source_.key.end();
      if (!old_known && !in_key)
        Add(slu::kMappingFilterIdentity, config.column, "decides which rows are taken, but is not part of the replica identity, so deletes and updates do not tell it",
            "a column of the replica identity, or all of them", fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;", QuoteName(source_.name)));
      auto condition = Condition::For(config, index, column->type.get());
      if (condition) plan_.conditions.push_back(std::move(*condition));
      else
        Add(slu::kMappingFilterUnfit, config.column, fmt::format("is of type {}, which cannot be compared like that", TypeWords(*column)),
            "a comparison and a value that the type knows", "texts are compared by eq, ne, in and is_null only; values are written as PostgreSQL prints them");
    }
  }

  TablePlan& plan_;
  const TableSchema& source_;
  const std::set<std::string>& generated_;
  std::vector<MappingMistake>& mistakes_;
  TableSchema target_;
  std::vector<size_t> target_index_;  // By source column.
};

}  // namespace

bool TablePlan::same_tuples() const {
  return conditions.empty() && std::none_of(columns.begin(), columns.end(), [](const ColumnPlan& column) { return column.excluded || column.mask; });
}

TablePlan PlanTable(const MappingRules& rules, const TableSchemaPtr& schema, const std::set<std::string>& generated, std::vector<MappingMistake>& mistakes) {
  TablePlan plan;
  plan.source = schema;
  plan.rules = rules.RulesFor(schema->name);
  Planner(plan, generated, mistakes).Run(rules.TargetOf(schema->name), schema->oid ^ plan.rules.fingerprint);
  return plan;
}

}  // namespace sluice::mapping

#include "sink/mapping/mapping.h"

#include <fmt/format.h>

#include "base/check.h"
#include "observability/errors/mapping_codes.h"
#include "change/table_error.h"

namespace sluice::mapping {
namespace {

// Versions of table schemas that are remembered by pointer.
constexpr size_t kSchemasMax = 10'000;

std::set<std::string> GeneratedNames(const TableDefinition& table) {
  std::set<std::string> names;
  for (const GeneratedColumn& column : table.generated) names.insert(column.name);
  return names;
}

}  // namespace

Error ToError(const std::string& sink, const std::vector<MappingMistake>& mistakes) {
  SLUICE_CHECK(!mistakes.empty());
  const MappingMistake& first = mistakes.front();
  Error error{ErrorKind::kNeedsOperator, fmt::format("the map of sink {} does not fit: {} {}", sink, first.object, first.found), first.code};
  for (size_t i = 1; i < mistakes.size(); ++i) error.evidence += fmt::format("{}also: {} {}", i > 1 ? "\n" : "", mistakes[i].object, mistakes[i].found);
  for (size_t at = 0; at < first.fix.size();) {
    const size_t end = std::min(first.fix.find('\n', at), first.fix.size());
    error.fix.push_back(first.fix.substr(at, end - at));
    at = end + 1;
  }
  if (!first.wanted.empty() && !first.fix.empty()) error.fix.insert(error.fix.begin(), "needed is " + first.wanted);
  return error;
}

Mapping::Known& Mapping::KnownOf(const TableSchemaPtr& schema) {
  const auto found = known_.find(schema.get());
  if (found != known_.end()) return found->second;
  if (known_.size() >= kSchemasMax) known_.clear();
  Known& known = known_[schema.get()];
  known.schema = schema;
  known.mapped = rules_.TargetOf(schema->name) != schema->name || rules_.RulesFor(schema->name).touches_rows();
  return known;
}

bool Mapping::Maps(const TableSchemaPtr& schema) {
  const std::lock_guard lock(mutex_);
  return KnownOf(schema).mapped;
}

Result<TablePlanPtr> Mapping::PlanFor(const TableSchemaPtr& schema) {
  const std::lock_guard lock(mutex_);
  return Plan(schema, nullptr);
}

Result<TablePlanPtr> Mapping::Plan(const TableSchemaPtr& schema, const TableDefinition* definition) {
  Known& known = KnownOf(schema);
  if (definition != nullptr) generated_[schema->oid] = GeneratedNames(*definition);
  if (known.plan) return known.plan;
  std::vector<MappingMistake> mistakes;
  auto plan = std::make_shared<const TablePlan>(PlanTable(rules_, schema, generated_[schema->oid], mistakes));
  Guard(*plan, mistakes);
  if (!mistakes.empty()) return ToError(sink_, mistakes);
  known.plan = std::move(plan);
  return known.plan;
}

// A column that was renamed on the source is the same column still, and must not come out under its new name.
void Mapping::Guard(const TablePlan& plan, std::vector<MappingMistake>& mistakes) {
  std::map<int16_t, std::string>& guarded = guarded_[plan.source->oid];
  for (const Column& column : plan.source->columns) {
    if (column.attribute_number == 0) continue;
    const bool now = plan.rules.guards(column.name);
    const auto before = guarded.find(column.attribute_number);
    if (!now && before != guarded.end())
      mistakes.push_back({slu::kMappingColumnUnguarded, ToString(plan.source->name) + "." + column.name,
                          fmt::format("was named {} before, and that the mapping masks, leaves out or decides by", before->second),
                          "the mapping under the new name too", fmt::format("say the same of {} in the map of the sink", column.name)});
    if (now) guarded[column.attribute_number] = column.name;
  }
}

Result<MappedDefinition> Mapping::DefineWithLosses(const TableDefinition& source) {
  const std::lock_guard lock(mutex_);
  sources_.insert_or_assign(rules_.TargetOf(source.schema->name), source.schema->name);
  if (!KnownOf(source.schema).mapped) return MappedDefinition{source, {}};
  ASSIGN_OR_RETURN(const TablePlanPtr plan, Plan(source.schema, &source));
  return MapDefinition(rules_, source, *plan);
}

Result<TableDefinition> Mapping::Define(const TableDefinition& source) {
  ASSIGN_OR_RETURN(MappedDefinition mapped, DefineWithLosses(source));
  return std::move(mapped.definition);
}

std::vector<TableName> Mapping::Abandoned(const CopiedTables& copied) {
  const std::lock_guard lock(mutex_);
  std::vector<TableName> abandoned;
  for (const auto& [target, table] : copied)
    if (!sources_.contains(target)) abandoned.push_back(target);
  return abandoned;
}

// A name that could go to the target too but is no table would look like a table that is gone.
std::vector<TableName> Mapping::SourcesOf(const TableName& target) const {
  const std::lock_guard lock(mutex_);
  const auto known = sources_.find(target);
  return known != sources_.end() ? std::vector{known->second} : rules_.SourcesOf(target);
}

// Of several names that would have this target, the wrong ones get an OID that is no table's.
template <class Tables>
Tables Mapping::ByName(const Tables& by_target) const {
  Tables by_source;
  for (const auto& [target, table] : by_target)
    for (TableName& name : SourcesOf(target)) {
      auto known = table;
      if (known.oid != 0) known.oid = rules_.MixOid(name, table.oid);
      by_source.emplace(std::move(name), std::move(known));
    }
  return by_source;
}

CopiedTables Mapping::ToSource(const CopiedTables& copied) const { return ByName(copied); }

HeldTables Mapping::ToSource(const HeldTables& held) const { return ByName(held); }

KeptCopies Mapping::ToSource(const KeptCopies& kept) const { return ByName(kept); }

Error Mapping::ToSource(Error error) const {
  const std::optional<TableName> target = TableOf(error);
  if (!target) return error;
  const std::vector<TableName> names = SourcesOf(*target);
  error.table.clear();
  return names.size() == 1 ? About(names.front(), std::move(error)) : error;
}

}  // namespace sluice::mapping

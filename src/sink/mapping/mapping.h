#pragma once
// One sink's mapping: what all threads of that sink ask.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "change/copy_state.h"
#include "sink/mapping/definition_mapping.h"
#include "sink/mapping/mapping_rules.h"
#include "sink/mapping/table_plan.h"

namespace sluice::mapping {

/// Thread-safe.
class Mapping {
 public:
  Mapping(std::string sink, MappingConfig config) : sink_(std::move(sink)), rules_(std::move(config)) {}

  const std::string& sink() const { return sink_; }
  const MappingRules& rules() const { return rules_; }

  /// True if this table looks different to the sink. Remembered by pointer.
  bool Maps(const TableSchemaPtr& schema);

  /// Of a table that Maps(). Remembered by pointer, so equal schemas of the source stay equal to the sink.
  /// Error: kNeedsOperator, 12xx: the first mistake.
  Result<TablePlanPtr> PlanFor(const TableSchemaPtr& schema);

  /// The definition as the sink is to see it; the same where the table is not mapped. Remembers which columns are
  /// guarded, whatever they are called later. Error: as PlanFor.
  Result<TableDefinition> Define(const TableDefinition& source);

  /// Said once per definition that was made: what is left out.
  Result<MappedDefinition> DefineWithLosses(const TableDefinition& source);

  /// By the source's names, with the source's OIDs; of a table that was copied under another mapping the OID is none
  /// of the source, so that it is copied again. What no table goes to now is not among them.
  CopiedTables ToSource(const CopiedTables& copied) const;
  HeldTables ToSource(const HeldTables& held) const;
  KeptCopies ToSource(const KeptCopies& kept) const;
  /// A failure of the sink that is about one table, about the source's table.
  Error ToSource(Error error) const;

  /// Tables of the sink that none of the defined ones goes to: made under other names, and no longer followed.
  std::vector<TableName> Abandoned(const CopiedTables& copied);

 private:
  struct Known {
    TableSchemaPtr schema;  // Keeps the pointer from being used again.
    bool mapped = false;
    TablePlanPtr plan;
  };

  std::vector<TableName> SourcesOf(const TableName& target) const;
  template <class Tables>
  Tables ByName(const Tables& by_target) const;
  Known& KnownOf(const TableSchemaPtr& schema);
  Result<TablePlanPtr> Plan(const TableSchemaPtr& schema, const TableDefinition* definition);
  void Guard(const TablePlan& plan, std::vector<MappingMistake>& mistakes);

  const std::string sink_;
  const MappingRules rules_;

  mutable std::mutex mutex_;  // Guards everything below.
  std::unordered_map<const TableSchema*, Known> known_;
  std::map<TableName, TableName> sources_;                  // By target: the tables that were defined.
  std::map<Oid, std::set<std::string>> generated_;          // Names, by the source's table.
  std::map<Oid, std::map<int16_t, std::string>> guarded_;   // Attribute numbers and the names they had.
};

/// As what stops a start: the first mistake says its code, all are told.
Error ToError(const std::string& sink, const std::vector<MappingMistake>& mistakes);

}  // namespace sluice::mapping

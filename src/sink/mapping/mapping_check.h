#pragma once
// Whether a mapping fits the source's tables, and what it does to them.

#include <vector>

#include "change/table_definition.h"
#include "config/finding.h"
#include "sink/mapping/mapping_rules.h"
#include "sink/mapping/table_plan.h"

namespace sluice::mapping {

/// Everything that keeps the mapping from being used with these tables.
std::vector<MappingMistake> FindMistakes(const MappingRules& rules, const std::vector<TableDefinition>& tables);

/// For `sluice check`: the mistakes, and what becomes of each table. Empty where nothing is mapped.
Findings CheckMapping(const MappingRules& rules, const std::vector<TableDefinition>& tables);

/// The definitions as the sink is to see them; those with mistakes are left out.
std::vector<TableDefinition> MapDefinitions(const MappingRules& rules, const std::vector<TableDefinition>& tables);

}  // namespace sluice::mapping

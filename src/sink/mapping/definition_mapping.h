#pragma once
// A table's definition as a sink is to make it.

#include <string>
#include <vector>

#include "change/table_definition.h"
#include "sink/mapping/mapping_rules.h"
#include "sink/mapping/table_plan.h"

namespace sluice::mapping {

struct MappedDefinition {
  TableDefinition definition;
  std::vector<std::string> left_out;  ///< "index player_email_idx": what speaks of a column that is masked or left out.
};

/// `plan`: of source.schema. The leaves stay as the source names them: only it reads them.
MappedDefinition MapDefinition(const MappingRules& rules, const TableDefinition& source, const TablePlan& plan);

}  // namespace sluice::mapping

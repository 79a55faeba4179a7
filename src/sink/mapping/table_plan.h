#pragma once
// What becomes of the tuples of one table at one version: computed once, applied to every row.

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_schema.h"
#include "sink/mapping/mapping_rules.h"
#include "sink/mapping/mask.h"
#include "sink/mapping/row_filter.h"

namespace sluice::mapping {

/// One thing that a mapping cannot do to a table.
struct MappingMistake {
  int code = 0;         ///< 12xx of the error catalog.
  std::string object;   ///< "public.player.email".
  std::string found;
  std::string wanted;
  std::string fix = {}; ///< SQL or words, one per line.
};

struct ColumnPlan {
  bool excluded = false;
  std::optional<Mask> mask;
};

/// Immutable. Shared by all threads.
struct TablePlan {
  TableSchemaPtr source;
  TableSchemaPtr target;
  TableRules rules;
  std::vector<ColumnPlan> columns;    ///< Of the source.
  std::vector<Condition> conditions;
  std::vector<ValueKind> copy_kinds;  ///< The form in which each source column comes in the initial copy.

  /// Tuples stay as they are.
  bool same_tuples() const;
};
using TablePlanPtr = std::shared_ptr<const TablePlan>;

/// Also with mistakes there is a plan, which must not be used. `generated`: generated columns, which a mapping may name
/// though no tuple has them.
TablePlan PlanTable(const MappingRules& rules, const TableSchemaPtr& schema, const std::set<std::string>& generated, std::vector<MappingMistake>& mistakes);

}  // namespace sluice::mapping

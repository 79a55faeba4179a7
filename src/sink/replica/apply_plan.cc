#include "sink/replica/apply_plan.h"

#include <algorithm>

namespace sluice {
namespace {

// An identity column GENERATED ALWAYS cannot stand in SET, but it can be inserted.
bool UpdatesNeedReplace(const TableEffect& effect) {
  if (effect.updates.empty()) return false;
  const bool key_changes = std::any_of(effect.updates.begin(), effect.updates.end(),
                                       [](const NetRow* row) { return row->key_changed; });
  return std::any_of(effect.table->columns.begin(), effect.table->columns.end(), [&](const DestinationColumn& column) {
    return column.identity_always && (!column.in_key || key_changes);
  });
}

Way WayOf(const TableEffect& effect, size_t operations, const PlanOptions& options) {
  if (!effect.in_order.empty()) return Way::kRows;
  if (options.redo || effect.keys_collide || UpdatesNeedReplace(effect)) return Way::kReplace;
  // A few rows of one table beside many of another: still cheaper as statements than as a COPY.
  const size_t rows_max = operations <= kRowStatementsMax ? kRowStatementsMax : kRowStatementsMax / 8;
  return effect.operations() <= rows_max ? Way::kRows : Way::kBulk;
}

}  // namespace

ApplyPlan PlanApply(std::span<const TableEffect> effects, const PlanOptions& options) {
  size_t operations = 0;
  for (const TableEffect& effect : effects) operations += effect.operations();
  ApplyPlan plan;
  plan.one_round_trip = options.commits && !options.in_transaction && operations <= kRowStatementsMax;
  for (const TableEffect& effect : effects) {
    plan.ways.push_back(WayOf(effect, operations, options));
    if (plan.ways.back() != Way::kRows) plan.one_round_trip = false;
  }
  return plan;
}

}  // namespace sluice

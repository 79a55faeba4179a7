#pragma once
// A batch as a sink is to see it.

#include <functional>

#include "base/result.h"
#include "change/change_batch.h"
#include "sink/mapping/table_plan.h"
#include "sink/mapping/tuple_mapping.h"

namespace sluice::mapping {

/// What to do with a table's changes.
struct TableRoute {
  bool mapped = false;  ///< False: they pass through as they are.
  Lsn copy_lsn;         ///< Changes of transactions before it are in the copy already, whatever columns they had.
};

class BatchMapper {
 public:
  /// `route` and `plan` are asked once per table of a batch, `plan` only where a change needs it.
  BatchMapper(std::function<TableRoute(const TableSchemaPtr&)> route, std::function<Result<TablePlanPtr>(const TableSchemaPtr&)> plan)
      : route_(std::move(route)), plan_(std::move(plan)) {}

  /// The same pointer if no mapped table is in the batch. All transactions and parts stay, whatever is left in them.
  /// Error: the plan's; kCorrupt; kNeedsOperator (1209: a row comes into the filter, but a large value of it was not sent).
  Result<ChangeBatchPtr> Map(const ChangeBatchPtr& batch);

 private:
  struct Table {
    TableRoute route;
    TablePlanPtr plan;
    uint32_t index = UINT32_MAX;  // In the mapped batch.
  };

  Result<Table*> TableOf(const ChangeBatch& batch, uint32_t index, ChangeBatch& out);
  Status MapChange(const ChangeBatch& batch, const Change& change, Lsn commit_lsn, ChangeBatch& out);
  void PassOn(const ChangeBatch& batch, const Table& table, const Change& change, ChangeBatch& out);
  Status MapRow(const ChangeBatch& batch, const Table& table, const Change& change, ChangeBatch& out);
  /// Whether the filter takes one side of a change. Error: kCorrupt, 1209.
  Result<bool> Takes(const TablePlan& plan, std::span<const Value> values, std::span<const Value> fallback);

  const std::function<TableRoute(const TableSchemaPtr&)> route_;
  const std::function<Result<TablePlanPtr>(const TableSchemaPtr&)> plan_;
  std::vector<Table> tables_;  // Of the batch being mapped.
  RowWork work_;
  std::vector<Value> old_values_;
};

}  // namespace sluice::mapping

#include "restore/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "change/table_error.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "pipeline/initial_copy_run.h"
#include "sink/lake/lake_view.h"

namespace sluice {
namespace {

Status CheckTarget(const Sink& target, Lsn lsn) {
  if (!target.bookmark() || target.bookmark()->position.lsn == lsn) return Ok();
  return Error{ErrorKind::kNeedsOperator, fmt::format("{} has come to {} already, which is not {}", target.name(), ToString(target.bookmark()->position.lsn), ToString(lsn)), slu::kRestoreTarget};
}

/// Those that the target has not got yet.
LakeTables MissingTables(const LakeTables& tables, const Sink& target) {
  LakeTables missing;
  for (const auto& rows : tables)
    if (!target.copied_tables().contains(rows->definition().schema->name)) missing.push_back(rows);
  return missing;
}

Status Copy(const RestorePlan& plan, Sink& target, const RestoreOptions& options, CopyProgress& progress, const std::stop_token& stop) {
  const LakeTables missing = MissingTables(plan.tables, target);
  LakeCopy copy(plan.point.position.lsn, missing);
  InitialCopyRun run;
  run.position = plan.point.position;
  run.source_time = plan.point.source_time;
  run.parallel = options.parallel;
  run.range_bytes_target = options.range_bytes_target;
  CopyTarget& to = run.targets.emplace_back();
  to.sink = &target;
  for (const auto& rows : missing) {
    to.tables.push_back(run.tables.size());
    run.tables.push_back(rows->AsText());
    // A snapshot of the lake is the same at every attempt: what was kept of it needs no row again.
    run.touched[{run.tables.back().schema->name, run.position.lsn}] = {};
  }
  return RunInitialCopy(run, copy, progress, stop);
}

/// Copies until all is there; leaves out which tables cannot be. Returns the target as it then is.
Result<std::unique_ptr<Sink>> CopyAll(RestorePlan& plan, const RestoreOptions& options, const RestoreParts& parts, const std::stop_token& stop) {
  for (;;) {
    ASSIGN_OR_RETURN(std::unique_ptr<Sink> target, parts.open_target());
    RETURN_IF_ERROR(CheckTarget(*target, plan.point.position.lsn));
    const Status copied = Copy(plan, *target, options, parts.progress, stop);
    if (copied.ok()) return target;
    const std::optional<TableName> table = TableOf(copied.error());
    const auto of = std::find_if(plan.tables.begin(), plan.tables.end(), [&](const auto& rows) { return table == rows->definition().schema->name; });
    if (of == plan.tables.end() || copied.error().kind == ErrorKind::kCancelled) return copied.error();
    plan.left_out.push_back({*table, copied.error().evidence.empty() ? copied.error().message : copied.error().message + ": " + copied.error().evidence});
    log::Warn("restore", "restore.left_out", "a table cannot be restored", {{"table", ToString(*table)}, {"reason", plan.left_out.back().reason}});
    plan.tables.erase(of);
  }
}

uint64_t RowsOf(const BucketSums& sums) {
  uint64_t rows = 0;
  for (const auto& [bucket, sum] : sums) rows += sum.rows;
  return rows;
}

Result<RestoredTable> Compare(const LakeRows& rows, LakeView& lake, SinkView& target, const std::stop_token& stop) {
  const TableDefinition& table = rows.definition();
  RestoredTable restored{table.schema->name, RestoreOutcome::kEqual, rows.rows(), {}};
  BucketSums in_lake, in_target;
  ASSIGN_OR_RETURN(const RowForm form, lake.Form(table));
  Status summed = form.unfit.empty() ? lake.Sum(table, form, {}, stop, in_lake) : Status(Error{ErrorKind::kNeedsOperator, form.unfit});
  if (summed.ok()) summed = target.Sum(table, form, {}, stop, in_target);
  if (summed.ok()) {
    restored.outcome = in_lake == in_target ? RestoreOutcome::kEqual : RestoreOutcome::kDifferent;
    if (restored.outcome == RestoreOutcome::kDifferent) restored.reason = fmt::format("{} rows in the lake, {} here, and their sums differ", RowsOf(in_lake), RowsOf(in_target));
    return restored;
  }
  if (summed.error().kind != ErrorKind::kNeedsOperator) return std::move(summed).error();
  restored.reason = summed.error().message;
  ASSIGN_OR_RETURN(const TableDigest digest, target.Digest(table));
  restored.outcome = digest.rows == rows.rows() ? RestoreOutcome::kNotCompared : RestoreOutcome::kDifferent;
  if (restored.outcome == RestoreOutcome::kDifferent) restored.reason = fmt::format("{} rows in the lake, {} here", rows.rows(), digest.rows);
  return restored;
}

Result<std::vector<RestoredTable>> CompareAll(const RestorePlan& plan, Sink& target, const RestoreParts& parts, const std::stop_token& stop) {
  std::map<TableName, CatalogTable> tables;
  for (const auto& rows : plan.tables) tables[rows->definition().schema->name] = rows->at_snapshot();
  LakeView lake(parts.store, parts.manifests, std::move(tables));
  ASSIGN_OR_RETURN(const std::unique_ptr<SinkView> view, target.View());
  std::vector<RestoredTable> compared;
  for (const auto& rows : plan.tables) {
    parts.comparing(rows->definition().schema->name);
    ASSIGN_OR_RETURN(compared.emplace_back(), Compare(*rows, lake, *view, stop));
  }
  return compared;
}

}  // namespace

uint64_t RestorePlan::rows() const {
  uint64_t count = 0;
  for (const auto& table : tables) count += table->rows();
  return count;
}

uint64_t RestorePlan::bytes() const {
  uint64_t sum = 0;
  for (const auto& table : tables) sum += table->definition().size_bytes();
  return sum;
}

Result<std::vector<RestoredTable>> Restore(RestorePlan plan, const RestoreOptions& options, const RestoreParts& parts, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Sink> target, CopyAll(plan, options, parts, stop));
  std::vector<RestoredTable> restored;
  if (options.compare) {
    ASSIGN_OR_RETURN(restored, CompareAll(plan, *target, parts, stop));
  } else {
    for (const auto& rows : plan.tables) restored.push_back({rows->definition().schema->name, RestoreOutcome::kNotCompared, rows->rows(), "not asked for"});
  }
  for (const TableLeftOut& table : plan.left_out) restored.push_back({table.table, RestoreOutcome::kLeftOut, 0, table.reason});
  return restored;
}

}  // namespace sluice

#include "pipeline/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <tuple>

#include "base/failpoint.h"
#include "change/table_glob.h"
#include "observability/error_catalog.h"
#include "pipeline/source_rows.h"
#include "pipeline/table_compare.h"
#include "pipeline/table_orders.h"

namespace sluice {
namespace {

// A table that is truncated all the time is tried alone, and so sooner after its moment, before we give up on it.
constexpr int kCutsMax = 20;
// A process that has just been started may still be opening its sinks.
constexpr std::chrono::milliseconds kStreamStartWait{5000};
// One reader, so ranges bound what a stop and a limited rate must wait for, and how much comes back in sums.
constexpr uint64_t kRangeBytes = 256ull << 20;
constexpr uint64_t kSlowRangeBytes = 16ull << 20;

}  // namespace

Result<std::vector<TableDefinition>> ChosenTables(Source& source, const std::vector<std::string>& globs) {
  ASSIGN_OR_RETURN(std::vector<TableDefinition> tables, source.ReadTables());
  std::vector<TableName> names;
  for (const TableDefinition& table : tables) names.push_back(table.schema->name);
  std::erase_if(tables, [&](const TableDefinition& table) { return !MatchesAny(globs, ToString(table.schema->name)); });
  if (tables.empty() && !globs.empty()) return NoSuchTable(globs, names);
  std::sort(tables.begin(), tables.end(),
            [](const auto& a, const auto& b) { return a.schema->name < b.schema->name; });
  return tables;
}

namespace {

/// Adds to `report` what it can compare, and returns the tables that were rewritten between the moment and the
/// reading: under the snapshot they look empty. At the last cut those too are added, as such.
Result<std::vector<TableDefinition>> CompareAtOneMoment(Source& source, CutRequests& cuts,
                                                        const std::vector<TableDefinition>& tables, const VerifyOptions& options,
                                                        const VerifyObserver& observe, const std::stop_token& stop,
                                                        int cut_number, VerifyReport& report) {
  const bool last = cut_number == kCutsMax;
  std::optional<SourceRows> held;
  ASSIGN_OR_RETURN(ConsistentCut cut, cuts.Take([&]() -> Result<std::unique_ptr<InitialCopy>> {
    ASSIGN_OR_RETURN(std::unique_ptr<InitialCopy> copy, source.ExportSnapshot(options.snapshot_wait_max));
    held.emplace(*copy, options.source_bytes_per_second);
    // Tables that were emptied before are so often, and may not be again before they are read.
    if (cut_number > 1) RETURN_IF_ERROR(held->Hold(tables));
    return copy;
  }));
  SourceRows& rows = *held;
  std::erase_if(cut.sinks, [&](const SinkCut& sink) { return !options.sink.empty() && sink.sink != options.sink; });
  std::vector<std::vector<CopyRange>> ranges(tables.size());
  const uint64_t range_bytes = options.source_bytes_per_second > 0 ? kSlowRangeBytes : kRangeBytes;
  for (const CopyRange& range : cut.source_rows->Plan(tables, range_bytes)) ranges[range.table].push_back(range);
  report.lsn = cut.source_rows->snapshot_lsn();
  std::vector<TableDefinition> rewritten;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (observe) observe({ToString(tables[i].schema->name), i, tables.size()});
    RETURN_IF_ERROR(rows.Choose(std::move(ranges[i])));
    auto compared = CompareTable(tables[i], rows, cut.sinks, {options.all_rows, options.locate}, stop);
    if (compared.ok()) {
      std::move(compared->begin(), compared->end(), std::back_inserter(report.tables));
      continue;
    }
    if (compared.error().code != slu::kCopiedTableRewritten) return compared.error();
    if (!last) {
      rewritten.push_back(tables[i]);
      continue;
    }
    for (const SinkCut& sink : cut.sinks) {
      TableComparison& comparison = report.tables.emplace_back();
      comparison.table = ToString(tables[i].schema->name);
      comparison.sink = sink.sink;
      comparison.result = Comparison::kRewritten;
    }
  }
  return rewritten;
}

}  // namespace

size_t VerifyReport::count(Comparison result) const {
  return static_cast<size_t>(
      std::count_if(tables.begin(), tables.end(), [&](const auto& table) { return table.result == result; }));
}

Result<VerifyReport> Verify(const OpenSource& open_source, CutRequests& cuts, const VerifyOptions& options,
                            const VerifyObserver& observe, std::stop_token stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, open_source());
  ASSIGN_OR_RETURN(std::vector<TableDefinition> tables, ChosenTables(*source, options.globs));
  return VerifyTables(*source, cuts, std::move(tables), options, observe, stop);
}

Result<VerifyReport> VerifyTables(Source& source, CutRequests& cuts, std::vector<TableDefinition> tables,
                                  const VerifyOptions& options, const VerifyObserver& observe, const std::stop_token& stop) {
  cuts.WaitUntilStreaming(kStreamStartWait);  // Take() says it, if nothing streams by then.
  VerifyReport report;
  for (int cut = 1; cut == 1 || !tables.empty(); ++cut) {
    ASSIGN_OR_RETURN(tables, CompareAtOneMoment(source, cuts, tables, options, observe, stop, cut, report));
  }
  std::stable_sort(report.tables.begin(), report.tables.end(),
                   [](const auto& a, const auto& b) { return std::tie(a.table, a.sink) < std::tie(b.table, b.sink); });
  return report;
}

Status BesidePipeline(const Connector& connector, PipelineOptions options, const Clock& clock, std::stop_token stop,
                      const std::function<Status(CutRequests&, std::stop_token)>& work) {
  options.may_copy = false;
  options.until_lsn.reset();
  options.until_caught_up = false;
  StatusBoard board("", "", {}, clock);
  CutRequests cuts;
  TableRequests requests;
  Pipeline pipeline(connector, options, clock, board, cuts, requests);
  std::stop_source end;
  const std::stop_callback forward(stop, [&end] { end.request_stop(); });
  Status ran;
  std::thread running([&] {
    const auto ended = pipeline.Run(end.get_token());
    if (!ended.ok()) ran = ended.error();
  });
  Status worked = cuts.WaitUntilStreaming();
  if (worked.ok()) worked = work(cuts, end.get_token());
  end.request_stop();
  running.join();
  return ran.ok() ? worked : ran;  // Why the work failed, or what spoiled it.
}

Result<VerifyReport> VerifyAlone(const Connector& connector, PipelineOptions pipeline, const Clock& clock,
                                 const VerifyOptions& options, const VerifyObserver& observe, std::stop_token stop) {
  VerifyReport report;
  RETURN_IF_ERROR(BesidePipeline(connector, std::move(pipeline), clock, std::move(stop), [&](CutRequests& cuts, std::stop_token end) -> Status {
    ASSIGN_OR_RETURN(report, Verify(connector.open_source, cuts, options, observe, std::move(end)));
    return Ok();
  }));
  return report;
}

}  // namespace sluice

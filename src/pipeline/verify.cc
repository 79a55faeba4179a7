#include "pipeline/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <tuple>

#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "pipeline/table_glob.h"

namespace sluice {
namespace {

// A table that is truncated all the time is tried alone, and so sooner after its moment, before we give up on it.
constexpr int kCutsMax = 20;
// A process that has just been started may still be opening its sinks.
constexpr std::chrono::milliseconds kStreamStartWait{5000};
constexpr uint64_t kRangeBytes = 256ull << 20;  // One reader, so ranges only bound what a stop must wait for.

/// One read of the source feeds what every sink expects.
class Expectations final : public RowReceiver {
 public:
  explicit Expectations(const std::stop_token& stop) : stop_(stop) {}

  Status Add(SinkView& view, const TableDefinition& table) {
    ASSIGN_OR_RETURN(auto receiver, view.Expect(table));
    receivers_.push_back(std::move(receiver));
    return Ok();
  }
  Status Rows(Bytes rows, size_t count) override {
    if (stop_.stop_requested()) return Error{ErrorKind::kCancelled, "verification stopped on request"};
    for (const auto& receiver : receivers_) RETURN_IF_ERROR(receiver->Rows(rows, count));
    return Ok();
  }
  TableDigest digest(size_t index) const { return receivers_[index]->digest(); }

 private:
  const std::stop_token stop_;
  std::vector<std::unique_ptr<DigestReceiver>> receivers_;
};

bool IsCopied(const SinkCut& cut, const TableDefinition& table) {
  const auto copied = cut.copied.find(table.schema->name);
  return copied != cut.copied.end() && copied->second.oid == table.schema->oid;
}

/// Compares one table in every sink that has it. `ranges`: of this table alone.
Result<std::vector<TableComparison>> CompareTable(const TableDefinition& table, const std::vector<CopyRange>& ranges,
                                                  InitialCopy::Reader& reader, std::vector<SinkCut>& sinks,
                                                  const std::stop_token& stop) {
  Expectations expected(stop);
  std::vector<TableComparison> comparisons;
  std::vector<std::pair<size_t, SinkView*>> compared;  // Index into `comparisons`, and where to look.
  for (SinkCut& cut : sinks) {
    comparisons.push_back({ToString(table.schema->name), cut.sink, Comparison::kNotCopied});
    if (!IsCopied(cut, table)) continue;
    RETURN_IF_ERROR(expected.Add(*cut.view, table));
    compared.emplace_back(comparisons.size() - 1, cut.view.get());
  }
  if (compared.empty()) return comparisons;
  for (const CopyRange& range : ranges) RETURN_IF_ERROR(reader.Read(table, range, expected));
  for (size_t i = 0; i < compared.size(); ++i) {
    if (stop.stop_requested()) return Error{ErrorKind::kCancelled, "verification stopped on request"};
    TableComparison& comparison = comparisons[compared[i].first];
    ASSIGN_OR_RETURN(const TableDigest found, compared[i].second->Digest(table));
    const TableDigest wanted = expected.digest(i);
    comparison.rows_source = wanted.rows;
    comparison.rows_sink = found.rows;
    comparison.result = wanted == found ? Comparison::kEqual : Comparison::kDifferent;
  }
  return comparisons;
}

Result<std::vector<TableDefinition>> ChosenTables(Source& source, const std::vector<std::string>& globs) {
  ASSIGN_OR_RETURN(std::vector<TableDefinition> tables, source.ReadTables());
  std::erase_if(tables, [&](const TableDefinition& table) { return !MatchesAny(globs, ToString(table.schema->name)); });
  if (tables.empty() && !globs.empty())
    return Error{ErrorKind::kNeedsOperator, fmt::format("no table matches {}", fmt::join(globs, " ")),
                 slu::kVerifyNoSuchTable};
  std::sort(tables.begin(), tables.end(),
            [](const auto& a, const auto& b) { return a.schema->name < b.schema->name; });
  return tables;
}

/// Adds to `report` what it can compare, and returns the tables that were rewritten between the moment and the
/// reading: under the snapshot they look empty. `last`: those too are added, as such.
Result<std::vector<TableDefinition>> CompareAtOneMoment(Source& source, CutRequests& cuts,
                                                        const std::vector<TableDefinition>& tables,
                                                        const VerifyObserver& observe, const std::stop_token& stop,
                                                        bool last, VerifyReport& report) {
  ASSIGN_OR_RETURN(ConsistentCut cut, cuts.Take([&] { return source.ExportSnapshot(); }));
  ASSIGN_OR_RETURN(auto reader, cut.source_rows->Open());
  std::vector<std::vector<CopyRange>> ranges(tables.size());
  for (const CopyRange& range : cut.source_rows->Plan(tables, kRangeBytes)) ranges[range.table].push_back(range);
  report.lsn = cut.source_rows->snapshot_lsn();
  std::vector<TableDefinition> rewritten;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (observe) observe({ToString(tables[i].schema->name), i, tables.size()});
    const auto compared = CompareTable(tables[i], ranges[i], *reader, cut.sinks, stop);
    if (compared.ok()) {
      report.tables.insert(report.tables.end(), compared->begin(), compared->end());
      continue;
    }
    if (compared.error().code != slu::kCopiedTableRewritten) return compared.error();
    ASSIGN_OR_RETURN(reader, cut.source_rows->Open());
    if (!last) {
      rewritten.push_back(tables[i]);
      continue;
    }
    for (const SinkCut& sink : cut.sinks)
      report.tables.push_back({ToString(tables[i].schema->name), sink.sink, Comparison::kRewritten});
  }
  return rewritten;
}

}  // namespace

size_t VerifyReport::count(Comparison result) const {
  return static_cast<size_t>(
      std::count_if(tables.begin(), tables.end(), [&](const auto& table) { return table.result == result; }));
}

Result<VerifyReport> Verify(const OpenSource& open_source, CutRequests& cuts, const std::vector<std::string>& globs,
                            const VerifyObserver& observe, std::stop_token stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, open_source());
  ASSIGN_OR_RETURN(std::vector<TableDefinition> tables, ChosenTables(*source, globs));
  cuts.WaitUntilStreaming(kStreamStartWait);  // Take() says it, if nothing streams by then.
  VerifyReport report;
  for (int cut = 1; cut == 1 || !tables.empty(); ++cut) {
    ASSIGN_OR_RETURN(tables, CompareAtOneMoment(*source, cuts, tables, observe, stop, cut == kCutsMax, report));
  }
  std::stable_sort(report.tables.begin(), report.tables.end(),
                   [](const auto& a, const auto& b) { return std::tie(a.table, a.sink) < std::tie(b.table, b.sink); });
  return report;
}

Result<VerifyReport> VerifyAlone(const Connector& connector, PipelineOptions options, const Clock& clock,
                                 const std::vector<std::string>& globs, const VerifyObserver& observe,
                                 std::stop_token stop) {
  options.may_copy = false;
  options.until_lsn.reset();
  options.until_caught_up = false;
  StatusBoard board("", "", 0, clock);
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
  const Status streaming = cuts.WaitUntilStreaming();
  Result<VerifyReport> report = streaming.ok()
                                    ? Verify(connector.open_source, cuts, globs, observe, end.get_token())
                                    : Result<VerifyReport>(streaming.error());
  end.request_stop();
  running.join();
  if (!ran.ok()) return std::move(ran).error();  // Why the comparison failed, or what spoiled it.
  return report;
}

}  // namespace sluice

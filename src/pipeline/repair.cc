#include "pipeline/repair.h"

#include <algorithm>
#include <map>

#include "observability/error_catalog.h"
#include "observability/log.h"
#include "pipeline/repair_rows.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kExportWaitMax = kReaderPauseMax - std::chrono::milliseconds(500);

/// What one sink needs.
struct SinkWork {
  std::vector<const TableComparison*> comparisons;
  std::vector<TableRepair*> tables;
};

TableRepair Plan(const TableComparison& comparison) {
  TableRepair repair;
  repair.table = comparison.table;
  repair.sink = comparison.sink;
  repair.refused = RefusalOf(comparison);
  repair.missing = comparison.count(RowDifference::kMissing);
  repair.extra = comparison.count(RowDifference::kExtra);
  repair.different = comparison.count(RowDifference::kDifferent);
  repair.located = comparison.located;
  return repair;
}

const TableDefinition* Find(const std::vector<TableDefinition>& tables, const std::string& name) {
  for (const TableDefinition& table : tables)
    if (ToString(table.schema->name) == name) return &table;
  return nullptr;
}

/// Lets the sink go on, whatever happens.
class Held {
 public:
  explicit Held(ConsistentCut& cut) : hold_(*cut.barrier->hold()) {}
  ~Held() { hold_.Release(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  SinkHold& operator*() { return hold_; }

 private:
  SinkHold& hold_;
};

Result<std::vector<RowRepair>> FetchRows(const std::vector<TableDefinition>& tables, InitialCopy& copy, const SinkWork& work,
                                         const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const auto reader, copy.Open());
  std::vector<RowRepair> repairs;
  for (const TableComparison* comparison : work.comparisons) {
    const TableDefinition* const table = Find(tables, comparison->table);
    if (table == nullptr || table->schema->columns.size() != comparison->columns.size() || table->schema->key != comparison->form.identity)
      return Error{ErrorKind::kUnavailable, "table " + comparison->table + " has changed since its rows were compared", slu::kRepairTooLate};
    const std::vector<KeyTexts> keys = KeysOf(*comparison);
    std::vector<std::optional<FetchedRow>> rows;
    RETURN_IF_ERROR(reader->FetchKeys(*table, TransferForm(comparison->form), keys, stop, rows));
    repairs.push_back(MakeRepair(table->schema, keys, rows));
  }
  return repairs;
}

Status RepairSink(Source& source, CutRequests& cuts, const std::string& sink, const SinkWork& work, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> tables, source.ReadTables());
  ASSIGN_OR_RETURN(ConsistentCut cut, cuts.Take([&] { return source.ExportSnapshot(kExportWaitMax); }, sink));
  Held held(cut);
  ASSIGN_OR_RETURN(std::vector<RowRepair> repairs, FetchRows(tables, *cut.source_rows, work, stop));
  RETURN_IF_ERROR((*held).Order(std::move(repairs)));
  for (TableRepair* const table : work.tables) {
    table->done = true;
    log::Info("pipeline", "verify.repaired", "rows were put right",
              {{"table", table->table}, {"sink", sink}, {"missing", std::to_string(table->missing)},
               {"extra", std::to_string(table->extra)}, {"different", std::to_string(table->different)}});
  }
  return Ok();
}

}  // namespace

bool RepairReport::complete() const {
  return std::all_of(tables.begin(), tables.end(), [&](const TableRepair& table) {
    return table.refused.empty() && table.located && (dry_run || table.done);
  });
}

Result<RepairReport> Repair(const OpenSource& open_source, CutRequests& cuts, const VerifyOptions& options, bool dry_run,
                            const VerifyObserver& observe, std::stop_token stop) {
  ASSIGN_OR_RETURN(const VerifyReport found, Verify(open_source, cuts, options, observe, stop));
  RepairReport report;
  report.lsn = found.lsn;
  report.dry_run = dry_run;
  report.tables.reserve(found.tables.size());  // Pointed to below.
  std::map<std::string, SinkWork> work;
  for (const TableComparison& comparison : found.tables) {
    if (comparison.result == Comparison::kEqual) continue;
    TableRepair& table = report.tables.emplace_back(Plan(comparison));
    if (!table.refused.empty() || comparison.rows.empty()) continue;
    work[comparison.sink].comparisons.push_back(&comparison);
    work[comparison.sink].tables.push_back(&table);
  }
  if (dry_run || work.empty()) return report;
  ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, open_source());
  for (const auto& [sink, of_sink] : work) RETURN_IF_ERROR(RepairSink(*source, cuts, sink, of_sink, stop));
  return report;
}

}  // namespace sluice

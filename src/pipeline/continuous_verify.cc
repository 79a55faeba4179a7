#include "pipeline/continuous_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/pause.h"
#include "observability/error_catalog.h"
#include "observability/log.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using SteadyTime = ComparisonTurns::SteadyTime;

// Whoever has just started it looks at something else first.
constexpr milliseconds kFirstAfter{600'000};
constexpr milliseconds kSoon{600'000};
constexpr milliseconds kPoll{30'000};
// A side matter, so the stream waits for its snapshot much shorter than for one that somebody asked for.
constexpr milliseconds kSnapshotWait{500};
// An exported snapshot keeps the source from removing dead rows.
constexpr std::chrono::minutes kSnapshotAgeMax{60};
// How long the list of tables is taken for true.
constexpr std::chrono::minutes kTablesKnownFor{5};

milliseconds Shorter(milliseconds wait, milliseconds every) { return std::min(wait, every / 10); }

}  // namespace

const TableDefinition* ComparisonTurns::Next(const std::vector<TableDefinition>& tables, SteadyTime now) {
  std::set<TableName> names;
  const TableDefinition* next = nullptr;
  SteadyTime next_due = SteadyTime::max();
  for (const TableDefinition& table : tables) {
    names.insert(table.schema->name);
    const SteadyTime due = due_.try_emplace(table.schema->name, started_ + Shorter(kFirstAfter, every_)).first->second;
    if (due >= next_due) continue;
    next = &table;
    next_due = due;
  }
  std::erase_if(due_, [&](const auto& entry) { return !names.contains(entry.first); });
  return next_due <= now ? next : nullptr;
}

std::optional<ComparisonTurns::SteadyTime> ComparisonTurns::next_due() const {
  const auto first = std::min_element(due_.begin(), due_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return first == due_.end() ? std::nullopt : std::optional(first->second);
}

void ComparisonTurns::Done(const TableDefinition& table, SteadyTime now, bool soon) {
  due_[table.schema->name] = now + (soon ? Shorter(kSoon, every_) : every_);
}

void Tell(StatusBoard& board, const VerifyReport& report) {
  for (const TableComparison& table : report.tables) {
    board.Compared(table, report.lsn);
    // Where rows are not all followed by declaration a difference is no surprise.
    if (table.result != Comparison::kDifferent || table.append_only) continue;
    log::Error("verify", "table.different", "a table differs between the source and a sink",
               {{"table", table.table},
                {"sink", table.sink},
                {"lsn", ToString(report.lsn)},
                {"rows_source", std::to_string(table.rows_source)},
                {"rows_sink", std::to_string(table.rows_sink)},
                {"rows_different", fmt::format("{}{}", table.rows_different(), table.located ? "" : " and more")},
                {"code", fmt::format("SLU-{}", slu::kVerifyDifferent)}});
  }
}

ContinuousVerify::ContinuousVerify(const VerifyConfig& config, OpenSource open_source, CutRequests& cuts, StatusBoard& board)
    : config_(config), open_source_(std::move(open_source)), cuts_(cuts), board_(board) {
  if (config_.every.count() > 0) thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void ContinuousVerify::Run(const std::stop_token& stop) {
  ComparisonTurns turns(config_.every, std::chrono::steady_clock::now());
  while (!stop.stop_requested()) {
    if (board_.Snapshot().state == PipelineState::kStreaming) {
      const Status compared = CompareDue(turns, stop);
      if (!compared.ok() && compared.error().kind != ErrorKind::kCancelled)
        log::Info("verify", "verify.waits", compared.error().message + ", trying again later", {{"evidence", compared.error().evidence}});
    }
    // Looking costs the source two connections and a reading of its catalog: not while nothing can be due.
    const auto now = std::chrono::steady_clock::now();
    const SteadyTime::duration until_due = turns.next_due().value_or(now) - now;
    Pause(std::clamp<SteadyTime::duration>(until_due, Shorter(kPoll, config_.every), Shorter(kTablesKnownFor, config_.every)), stop);
  }
}

Status ContinuousVerify::CompareDue(ComparisonTurns& turns, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, open_source_());
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> tables, source->ReadTables());
  const auto read_at = std::chrono::steady_clock::now();
  while (!stop.stop_requested() && std::chrono::steady_clock::now() - read_at < kTablesKnownFor) {
    const TableDefinition* const table = turns.Next(tables, std::chrono::steady_clock::now());
    if (table == nullptr) return Ok();
    const auto compared = TooLarge(*table) ? Result<Outcome>(Outcome::kWell) : CompareOne(*source, *table, stop);
    if (!compared.ok() && compared.error().kind == ErrorKind::kCancelled) return compared.error();
    turns.Done(*table, std::chrono::steady_clock::now(), /*soon=*/!compared.ok() || *compared == Outcome::kOpen);
    if (!compared.ok()) return compared.error();
  }
  return Ok();
}

// A snapshot for each table, so that none is older than its table takes.
Result<ContinuousVerify::Outcome> ContinuousVerify::CompareOne(Source& source, const TableDefinition& table, const std::stop_token& stop) {
  VerifyOptions options;
  options.source_bytes_per_second = config_.bytes_per_second_max;
  options.snapshot_wait_max = kSnapshotWait;
  ASSIGN_OR_RETURN(const VerifyReport report, VerifyTables(source, cuts_, {table}, options, nullptr, stop));
  Tell(board_, report);
  const bool well = std::all_of(report.tables.begin(), report.tables.end(), [](const TableComparison& compared) {
    return compared.result == Comparison::kEqual || compared.result == Comparison::kNotCopied || compared.append_only;
  });
  return well ? Outcome::kWell : Outcome::kOpen;
}

bool ContinuousVerify::TooLarge(const TableDefinition& table) const {
  const uint64_t bytes = table.size_bytes();
  const uint64_t needed = bytes / std::max<uint64_t>(config_.bytes_per_second_max, 1);
  if (needed <= static_cast<uint64_t>(std::chrono::seconds(kSnapshotAgeMax).count())) return false;
  log::Warn("verify", "verify.too_large", "a table takes too long to compare at this rate: raise verify.max_rate, or run sluice verify at a quiet hour",
            {{"table", ToString(table.schema->name)}, {"size_bytes", std::to_string(bytes)}});
  return true;
}

}  // namespace sluice

#include "cli/lake/lake_ordering.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/pause.h"
#include "cli/lake/lake_order_json.h"
#include "cli/lake/lake_reading.h"
#include "cli/parts.h"
#include "cli/progress_line.h"
#include "cli/signals.h"
#include "config/printable.h"
#include "server/control_client.h"
#include "server/state_lock.h"
#include "sink/lake/lake_sink.h"
#include "sink/lake/table_id.h"
#include "sink/mapping/mapping_rules.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kAttendPause{10};
constexpr std::chrono::seconds kHeldWithin{45};
constexpr std::chrono::milliseconds kStatusWithin{10'000};

void Show(const ordered_json& progress, ProgressLine& line) {
  const size_t total = progress.value("tables_total", size_t{0});
  if (total > 0) line.Show(fmt::format("table {} of {}: {}", progress.value("tables_done", size_t{0}) + 1, total, Printable(progress.value("table", ""))));
}

/// The slot, database and server that the lake knows; it is opened for nothing else.
Result<LogIdentity> KnownLog(const Config& config) {
  ASSIGN_OR_RETURN(const std::vector<SinkBookmark> bookmarks, ReadBookmarks(config));
  for (const SinkBookmark& entry : bookmarks)
    if (entry.sink == config.lake->name && entry.bookmark) return entry.bookmark->position.log;
  return Error{ErrorKind::kNeedsOperator, fmt::format("nothing was copied to the lake at {} yet", config.lake->warehouse), slu::kLakeMissing};
}

// Opening it takes the lake's next epoch: whoever else writes to it, on another machine perhaps, cannot commit any more and opens it anew.
Result<LakeReport> ByItself(const Config& config, LakeOrder order, ProgressLine& line) {
  SignalStop signals;
  ASSIGN_OR_RETURN(const StateLock lock, StateLock::Acquire(config.state_folder));
  Config only_lake;
  only_lake.lake = BehindMapping(*config.lake);
  only_lake.lake->maintenance.enabled = false;
  ASSIGN_OR_RETURN(const LogIdentity log, KnownLog(only_lake));
  LakeOrders orders;
  ASSIGN_OR_RETURN(const std::unique_ptr<Sink> sink, LakeSink::Open(*only_lake.lake, log, &orders));
  order.at_once = true;
  std::jthread attending([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && sink->Attend().ok()) Pause(kAttendPause, stop);
  });
  return orders.Ask(std::move(order), [&](const LakeProgress& progress) {
    Show(ProgressToJson(progress), line);
    return true;
  }, signals.token());
}

std::optional<TableName> SourceOf(const Config& config, const TableName& table, const StatusBoard& board) {
  const mapping::MappingRules rules(config.lake->map);
  for (const TableStatus& known : board.Snapshot().tables)
    if ((rules.empty() ? known.name : rules.TargetOf(known.name)) == table) return known.name;
  return std::nullopt;
}

}  // namespace

Result<std::vector<TableName>> NamedTables(Invocation& invocation, const std::vector<std::string>& names) {
  std::vector<TableName> tables;
  if (names.empty()) return tables;
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const TableIdentifier id, FindTable(lake.catalog(), name));
    const TableName table = NameOf(id);
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) tables.push_back(table);
  }
  return tables;
}

bool IsRunning(const Config& config) {
  const auto answer = Ask(SocketPath(config), {"bookmarks", {}}, kStatusWithin);
  return answer.ok() || answer.error().code != slu::kNoServer;
}

Result<ordered_json> CarryOutOrder(Invocation& invocation, LakeOrder order) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  if (!config.lake) return Error{ErrorKind::kNeedsOperator, "the configuration has no lake", slu::kLakeMissing};
  ProgressLine line(invocation.terminal.progress);
  Result<ordered_json> answer = Ask(SocketPath(config), {"lake", {}, config.lake->name, OrderToJson(order)}, std::nullopt,
                                    [&line](const ordered_json& progress) { Show(progress, line); });
  if (answer.ok() || answer.error().code != slu::kNoServer) return answer;
  ASSIGN_OR_RETURN(const LakeReport report, ByItself(config, std::move(order), line));
  return ReportToJson(report);
}

ExitCode PrintReport(const Invocation& invocation, ordered_json report, const std::string& schema, const std::function<void(const ordered_json&)>& print) {
  const bool all_done = report.value("not_done", 0) == 0;
  if (invocation.options.json) {
    ordered_json document = {{"schema", schema}};
    document.update(report);
    invocation.PrintJson(document);
  } else {
    print(report);
    for (const ordered_json& table : report.at("tables"))
      if (!table.value("note", "").empty()) invocation.Say(fmt::format("{}: {}", Printable(table.value("table", "")), Printable(table.value("note", ""))));
    if (!report.value("note", "").empty()) invocation.Say(Printable(report.value("note", "")));
  }
  return all_done ? ExitCode::kOk : ExitCode::kFindings;
}

Result<ordered_json> AnswerLakeOrder(const Config& config, LakeOrders& orders, const StatusBoard& board, TableRequests& requests, const ControlRequest& request,
                                     const ControlServer::Progress& progress, std::stop_token stop) {
  ASSIGN_OR_RETURN(LakeOrder order, OrderFromJson(request.options));
  if (!config.lake) return Error{ErrorKind::kNeedsOperator, "the running process has no lake", slu::kLakeMissing};
  if (order.kind == LakeOrder::Kind::kRollBack) {
    const TableName& table = order.tables.at(0);
    const auto source = SourceOf(config, table, board);
    if (!source) return Error{ErrorKind::kNeedsOperator, fmt::format("the running process does not copy a table to {}", ToString(table)), slu::kLakeNoTable};
    requests.Ask({TableRequest::Kind::kHold, *source, config.lake->name, {0, slu::kLakeRolledBack, order.reason, {}}});
    RETURN_IF_ERROR(requests.WaitUntilDone(kHeldWithin));
  }
  ASSIGN_OR_RETURN(const LakeReport report, orders.Ask(std::move(order), [&](const LakeProgress& now) { return progress(ProgressToJson(now)).ok(); }, std::move(stop)));
  return ReportToJson(report);
}

}  // namespace sluice::cli

#pragma once
// How a command has something done to the lake: by the running process, or by itself where none runs.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/invocation.h"
#include "pipeline/status_board.h"
#include "pipeline/table_requests.h"
#include "server/control_server.h"
#include "sink/lake/lake_orders.h"

namespace sluice::cli {

/// By the lake's names, each once. Error: kLakeNoTable with the nearest name, kLakeMissing.
Result<std::vector<TableName>> NamedTables(Invocation& invocation, const std::vector<std::string>& names);

/// Whether a process that runs this configuration answers.
bool IsRunning(const Config& config);

/// The answer is a report's. Error: kConflict (8201 somebody else is at work with this state), what the work says.
Result<nlohmann::ordered_json> CarryOutOrder(Invocation& invocation, LakeOrder order);

/// Prints the report: with --json as `schema`, else by `print`. The exit code says whether every table was done.
ExitCode PrintReport(const Invocation& invocation, nlohmann::ordered_json report, const std::string& schema,
                     const std::function<void(const nlohmann::ordered_json&)>& print);

/// What the running process does about an order: it has a table held before it is set back, so that the stream knows.
Result<nlohmann::ordered_json> AnswerLakeOrder(const Config& config, LakeOrders& orders, const StatusBoard& board, TableRequests& requests,
                                               const ControlRequest& request, const ControlServer::Progress& progress, std::stop_token stop);

}  // namespace sluice::cli

#include "server/control_commands.h"

#include <fmt/format.h>

#include "observability/error_catalog.h"
#include "pipeline/status_json.h"
#include "pipeline/table_orders.h"
#include "pipeline/verify_json.h"

namespace sluice {
namespace {

using nlohmann::ordered_json;

Result<ordered_json> AnswerVerify(const ControlCommands& commands, const ControlRequest& request,
                                  const ControlServer::Progress& progress, std::stop_token stop) {
  std::stop_source client_gone;
  const std::stop_callback forward(stop, [&client_gone] { client_gone.request_stop(); });
  const auto observe = [&](const VerifyProgress& now) {
    const Status sent = progress(
        {{"table", now.table}, {"tables_done", now.tables_done}, {"tables_total", now.tables_total}});
    if (!sent.ok()) client_gone.request_stop();  // Nobody reads the answer: stop burdening the source.
  };
  const VerifyRequest asked = OptionsFromJson(request.globs, request.options);
  if (request.command == "repair") {
    ASSIGN_OR_RETURN(const RepairReport report, commands.repair(asked.options, asked.dry_run, observe, client_gone.get_token()));
    return RepairToJson(report);
  }
  ASSIGN_OR_RETURN(const VerifyReport report, commands.verify(asked.options, observe, client_gone.get_token()));
  return VerifyToJson(report, asked);
}

// A restart of the pipeline that carries it out, behind the commit of a large transaction.
constexpr std::chrono::seconds kCarriedOutWithin{45};

Result<ordered_json> AnswerOrder(const ControlCommands& commands, const ControlRequest& request, TableRequest::Kind kind) {
  const PipelineStatus status = commands.board->Snapshot();
  std::vector<TableName> tables;
  std::vector<std::string> sinks;
  for (const TableStatus& table : status.tables) tables.push_back(table.name);
  for (const SinkStatus& sink : status.sinks) sinks.push_back(sink.name);
  ASSIGN_OR_RETURN(const std::vector<TableRequest> requests, RequestsFor({kind, request.globs, request.sink}, tables, sinks));
  ordered_json named = ordered_json::array();
  for (const TableRequest& one : requests) {
    named.push_back(ToString(one.table));
    commands.table_requests->Ask(one);
  }
  RETURN_IF_ERROR(commands.table_requests->WaitUntilDone(kCarriedOutWithin));
  return ordered_json{{"tables", std::move(named)}};
}

}  // namespace

ControlServer::Handler Answer(ControlCommands commands) {
  return [commands = std::move(commands)](const ControlRequest& request, const ControlServer::Progress& progress,
                                          std::stop_token stop) -> Result<ordered_json> {
    if (request.command == "status") return StatusToJson(commands.board->Snapshot());
    if (request.command == "tables") return TablesToJson(commands.board->Snapshot(), request.globs);
    if (request.command == "bookmarks") return BookmarksToJson(commands.board->Snapshot());
    if (request.command == "verify" || request.command == "repair") return AnswerVerify(commands, request, progress, stop);
    if (request.command == "resync") return AnswerOrder(commands, request, TableRequest::Kind::kCopyAgain);
    if (request.command == "skip") return AnswerOrder(commands, request, TableRequest::Kind::kHold);
    if (request.command == "lake" && commands.lake) return commands.lake(request, progress, stop);
    if (request.command == "stop") {
      commands.stop();
      return ordered_json{{"stopping", true}};
    }
    return Error{ErrorKind::kNeedsOperator, fmt::format("the running process knows no command \"{}\"", request.command),
                 slu::kControlProtocol};
  };
}

}  // namespace sluice

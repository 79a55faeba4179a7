// sluice resync, sluice skip: what becomes of single tables while all others go on.

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/parts.h"
#include "config/printable.h"
#include "pipeline/table_orders.h"
#include "server/control_client.h"
#include "server/state_lock.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

// The running process may be in the midst of a large transaction.
constexpr std::chrono::seconds kAnswerWithin{60};

struct Options {
  TableOrder order;
  bool dry_run = false;
};

std::vector<std::string> SinkNames(const Config& config) {
  std::vector<std::string> names;
  if (config.replica) names.push_back(config.replica->name);
  if (config.lake) names.push_back(config.lake->name);
  return names;
}

Result<std::vector<TableRequest>> Resolve(const Config& config, const TableOrder& order, Source& source) {
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> tables, source.ReadTables());
  std::vector<TableName> names;
  for (const TableDefinition& table : tables) names.push_back(table.schema->name);
  return RequestsFor(order, names, SinkNames(config));
}

ordered_json Listed(const std::vector<TableRequest>& requests) {
  ordered_json tables = ordered_json::array();
  for (const TableRequest& request : requests) tables.push_back(ToString(request.table));
  return {{"tables", std::move(tables)}};
}

// Nobody runs: noted in the destinations themselves, for the next start.
Result<ordered_json> NoteForTheNextStart(const Config& config, const TableOrder& order) {
  ASSIGN_OR_RETURN(const StateLock lock, StateLock::Acquire(config.state_folder));
  const Connector connector = MakeConnector(config);
  ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, connector.open_source());
  ASSIGN_OR_RETURN(const std::vector<TableRequest> requests, Resolve(config, order, *source));
  ASSIGN_OR_RETURN(const std::vector<AttachedSink> sinks, connector.open_sinks(source->identity()));
  for (const TableRequest& request : requests)
    for (const AttachedSink& attached : sinks)
      if (request.sink.empty() || request.sink == attached.sink->name()) RETURN_IF_ERROR(CarryOut(request, nullptr, *attached.sink));
  return Listed(requests);
}

Result<ordered_json> Order(const Config& config, const Options& options) {
  const TableOrder& order = options.order;
  if (options.dry_run) {
    const Connector connector = MakeConnector(config);
    ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, connector.open_source());
    ASSIGN_OR_RETURN(const std::vector<TableRequest> requests, Resolve(config, order, *source));
    return Listed(requests);
  }
  const std::string command = order.kind == TableRequest::Kind::kHold ? "skip" : "resync";
  Result<ordered_json> answer = Ask(SocketPath(config), {command, order.globs, order.sink}, kAnswerWithin);
  const bool nobody = !answer.ok() && answer.error().code == slu::kNoServer;
  return nobody ? NoteForTheNextStart(config, order) : std::move(answer);
}

Result<ExitCode> Run(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(ordered_json answer, Order(config, options));
  const bool hold = options.order.kind == TableRequest::Kind::kHold;
  if (invocation.options.json) {
    answer["schema"] = hold ? "sluice.skip/v1" : "sluice.resync/v1";
    answer["dry_run"] = options.dry_run;
    invocation.PrintJson(answer);
    return ExitCode::kOk;
  }
  for (const ordered_json& table : answer["tables"]) PrintData(Printable(table.get<std::string>()) + "\n");
  if (options.dry_run) invocation.Say(hold ? "these would be held" : "these would be copied again; nothing was changed");
  else invocation.Say(hold ? "held: their rows stay as they are. Copy them again with: sluice resync TABLE" : "to be copied again while the others stream; watch with: sluice tables");
  return ExitCode::kOk;
}

void AddOrder(CLI::App& app, Invocation& invocation, TableRequest::Kind kind, const std::string& name, const std::string& summary, const std::string& examples) {
  CLI::App* verb = AddVerb(app, name, summary, examples);
  const auto options = std::make_shared<Options>();
  options->order.kind = kind;
  verb->add_option("table", options->order.globs, "tables by name or glob")->required();
  verb->add_option("--sink", options->order.sink, "only there (default: every sink)")->type_name("NAME");
  verb->add_flag("--dry-run", options->dry_run, "only say which tables");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Run(*options, invocation); }; });
}

}  // namespace

void AddResync(CLI::App& app, Invocation& invocation) {
  AddOrder(app, invocation, TableRequest::Kind::kCopyAgain, "resync", "Copy tables again, one by one, while all others go on; ends their hold",
           "  sluice resync public.shot\n"
           "  sluice resync 'public.*' --sink lake\n"
           "  sluice resync public.shot --dry-run\n");
}

void AddSkip(CLI::App& app, Invocation& invocation) {
  AddOrder(app, invocation, TableRequest::Kind::kHold, "skip", "Hold tables: their changes are skipped until they are copied again",
           "  sluice skip public.shot_video\n"
           "  sluice skip public.shot_video --sink replica\n");
}

}  // namespace sluice::cli

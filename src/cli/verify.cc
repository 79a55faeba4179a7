// sluice verify: are source and sinks equal at one LSN, and if not, which rows? With a running process by its help,
// else alone.

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/parts.h"
#include "cli/signals.h"
#include "cli/verify_report.h"
#include "config/units.h"
#include "pipeline/repair.h"
#include "pipeline/verify_json.h"
#include "server/control_client.h"
#include "server/state_lock.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

// One line that is drawn over.
class Counter {
 public:
  explicit Counter(bool shown) : shown_(shown) {}
  ~Counter() {
    if (shown_) PrintTalk("\r\x1b[K");
  }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  void Show(const ordered_json& progress) {
    if (shown_) PrintTalk("\r\x1b[K" + VerifyLine(progress, TerminalWidth() - 1));
  }

 private:
  const bool shown_;
};

Result<ordered_json> ByItself(const Config& config, const VerifyRequest& request, bool repair, Counter& counter) {
  SignalStop signals;
  ASSIGN_OR_RETURN(const StateLock lock, StateLock::Acquire(config.state_folder));
  const SystemClock clock;
  const Connector connector = MakeConnector(config);
  const auto observe = [&counter](const VerifyProgress& now) {
    counter.Show({{"table", now.table}, {"tables_done", now.tables_done}, {"tables_total", now.tables_total}});
  };
  if (!repair) {
    ASSIGN_OR_RETURN(const VerifyReport report, VerifyAlone(connector, MakePipelineOptions(config), clock, request.options, observe, signals.token()));
    return VerifyToJson(report, request);
  }
  RepairReport report;
  RETURN_IF_ERROR(BesidePipeline(connector, MakePipelineOptions(config), clock, signals.token(), [&](CutRequests& cuts, std::stop_token stop) -> Status {
    ASSIGN_OR_RETURN(report, sluice::Repair(connector.open_source, cuts, request.options, request.dry_run, observe, stop));
    return Ok();
  }));
  return RepairToJson(report);
}

/// Asks the running process, or does it where none runs.
Result<ordered_json> Run(Invocation& invocation, const VerifyRequest& request, bool repair) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  if (const std::string& sink = request.options.sink; !sink.empty()) {
    const bool known = (config.replica && config.replica->name == sink) || (config.lake && config.lake->name == sink);
    if (!known) return Error{ErrorKind::kNeedsOperator, fmt::format("there is no sink \"{}\"", sink), slu::kNoSuchSink};
  }
  Counter counter(invocation.terminal.progress);
  Result<ordered_json> answer = Ask(SocketPath(config), {repair ? "repair" : "verify", request.options.globs, "", OptionsToJson(request)}, std::nullopt,
                                    [&counter](const ordered_json& progress) { counter.Show(progress); });
  const bool nobody = !answer.ok() && answer.error().code == slu::kNoServer;
  return nobody ? ByItself(config, request, repair, counter) : std::move(answer);
}

using Render = std::string (*)(const ordered_json&, bool);

Result<ExitCode> Verify(const VerifyRequest& request, Invocation& invocation, Render render) {
  ASSIGN_OR_RETURN(const ordered_json report, Run(invocation, request, /*repair=*/false));
  if (invocation.options.json) invocation.PrintJson(report);
  else PrintData(render(report, invocation.terminal.stdout_is_tty));
  return report.value("equal", false) ? ExitCode::kOk : ExitCode::kFindings;
}

Result<ExitCode> Repair(const VerifyRequest& request, Invocation& invocation) {
  ASSIGN_OR_RETURN(const ordered_json report, Run(invocation, request, /*repair=*/true));
  if (invocation.options.json) invocation.PrintJson(report);
  else PrintData(RenderRepair(report, invocation.terminal.stdout_is_tty));
  const bool found = request.dry_run && !report.at("tables").empty();
  return report.value("complete", false) && !found ? ExitCode::kOk : ExitCode::kFindings;
}

using RequestPtr = std::shared_ptr<VerifyRequest>;

void AddWhat(CLI::App& verb, const RequestPtr& request, const std::string& which) {
  verb.add_option("table", request->options.globs, which);
  verb.add_option("--sink", request->options.sink, "only this sink");
}

void AddMode(CLI::App& verb, const RequestPtr& request) {
  verb.add_option_function<std::string>("--mode", [request](const std::string& mode) { request->options.all_rows = mode == "full"; },
                                        "checksum: servers sum up their rows; full: all rows travel")
      ->check(CLI::IsMember({"checksum", "full"}))->type_name("MODE");
  verb.add_option("--rate", "how fast the source may be read per second: 20MiB (default: as fast as it can)")
      ->type_name("SIZE")
      ->each([request](const std::string& text) {
        const std::optional<uint64_t> rate = ParseSize(text);
        if (!rate || *rate == 0) throw CLI::ValidationError("--rate", "a size like 20MiB");
        request->options.source_bytes_per_second = *rate;
      });
}

void AddDiff(CLI::App& verify, Invocation& invocation) {
  CLI::App* verb = AddVerb(verify, "diff", "Which rows differ, and in which columns",
                           "  sluice verify diff public.shot\n"
                           "  sluice verify diff public.shot --limit 5 --values\n");
  const auto request = std::make_shared<VerifyRequest>();
  request->rows_shown = 20;
  AddWhat(*verb, request, "tables by name or glob (default: all)");
  verb->add_option("--limit", request->rows_shown, "rows shown per table and sink (default 20)")->type_name("ROWS");
  verb->add_flag("--values", request->values_shown, "show the values, too");
  verb->callback([&invocation, request] { invocation.command = [&invocation, request] { return Verify(*request, invocation, RenderDiff); }; });
}

void AddRepair(CLI::App& verify, Invocation& invocation) {
  CLI::App* verb = AddVerb(verify, "repair", "Put right the rows that differ, from the source",
                           "  sluice verify repair public.shot --dry-run\n"
                           "  sluice verify repair public.shot\n");
  const auto request = std::make_shared<VerifyRequest>();
  AddWhat(*verb, request, "tables by name or glob");
  verb->get_option("table")->required();
  verb->add_flag("--dry-run", request->dry_run, "only say what would be done");
  verb->callback([&invocation, request] { invocation.command = [&invocation, request] { return Repair(*request, invocation); }; });
}

}  // namespace

void AddVerify(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "verify", "Compare source and sinks at one LSN, and put right what differs",
                           "  sluice verify\n"
                           "  sluice verify 'public.shot*' --sink lake\n"
                           "  sluice verify --rate 20MiB\n"
                           "  sluice verify diff public.shot\n"
                           "  sluice verify repair public.shot --dry-run\n");
  const auto add_run = [&invocation](CLI::App& to, CLI::App* parent) {
    const auto request = std::make_shared<VerifyRequest>();
    AddWhat(to, request, "tables by name or glob (default: all)");
    AddMode(to, request);
    to.callback([&invocation, request, parent] {
      if (parent != nullptr && !parent->get_subcommands().empty()) return;
      invocation.command = [&invocation, request] { return Verify(*request, invocation, RenderVerify); };
    });
  };
  add_run(*verb, verb);
  add_run(*AddVerb(*verb, "run", "The same as sluice verify", "  sluice verify run --json\n"), nullptr);
  AddDiff(*verb, invocation);
  AddRepair(*verb, invocation);
}

}  // namespace sluice::cli

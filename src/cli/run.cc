// sluice run: copies what is missing, then follows the source.

#include <fmt/format.h>

#include "cli/build_version.h"
#include "cli/commands.h"
#include "cli/lake/lake_ordering.h"
#include "cli/parts.h"
#include "cli/progress_view.h"
#include "cli/signals.h"
#include "observability/log.h"
#include "pipeline/continuous_verify.h"
#include "pipeline/pipeline.h"
#include "pipeline/supervisor.h"
#include "pipeline/verify.h"
#include "server/control_commands.h"
#include "server/state_lock.h"

namespace sluice::cli {
namespace {

struct Options {
  std::string until_lsn;
  bool until_caught_up = false;
};

constexpr size_t kHeldNamed = 5;

// Everything that lives as long as the process; pipelines come and go inside.
class Runner {
 public:
  Runner(const Config& config, PipelineOptions options, bool redraw)
      : config_(config), options_(std::move(options)), redraw_(redraw), connector_(MakeConnector(config, &lake_orders_)),
        board_(config.project, config.source.name, {config.source.slot_budget_warn_bytes, config.source.slot_give_up_bytes}, clock_) {}

  Result<ExitCode> Run() {
    SignalStop signals;
    ASSIGN_OR_RETURN(const StateLock lock, StateLock::Acquire(config_.state_folder));
    std::stop_source stop;
    const std::stop_callback forward(signals.token(), [&stop] { stop.request_stop(); });
    ASSIGN_OR_RETURN(const std::unique_ptr<ControlServer> server, ControlServer::Listen(SocketPath(config_), Answer(Commands(stop))));
    ASSIGN_OR_RETURN(const std::unique_ptr<CatalogServer> catalog, ServeCatalog(config_));
    const ProgressView view(board_, redraw_);
    const ContinuousVerify comparing(config_.pipeline.verify, connector_.open_source, cuts_, board_);
    Supervisor supervisor(board_);
    const Status done = supervisor.Run([this](std::stop_token asked) { return RunOnce(std::move(asked)); }, stop.get_token());
    if (!done.ok() && done.error().kind != ErrorKind::kCancelled) return done.error();
    if (signals.exit_code() != ExitCode::kOk) return signals.exit_code();
    RETURN_IF_ERROR(NameHeldTables());
    return ExitCode::kOk;
  }

 private:
  /// An end that was asked for by a position is complete only if every table came along.
  Status NameHeldTables() const {
    std::string held;
    size_t count = 0;
    for (const TableStatus& table : board_.Snapshot().tables)
      for (const TableHold& hold : table.held_in)
        if (++count <= kHeldNamed) held += fmt::format("{}{} in {} (SLU-{}: {})", held.empty() ? "" : "; ", table.table, hold.sink, hold.why.code, hold.why.reason);
    if (count == 0) return Ok();
    if (count > kHeldNamed) held += fmt::format("; and {} more", count - kHeldNamed);
    return Error{ErrorKind::kNeedsOperator, "held: " + held, slu::kTablesHeld};
  }

  RunOutcome RunOnce(std::stop_token stop) {
    Pipeline pipeline(connector_, options_, clock_, board_, cuts_, requests_);
    const Result<PipelineEnd> ended = pipeline.Run(std::move(stop));
    if (!ended.ok()) return {ended.error(), pipeline.made_progress(), false};
    return {Ok(), pipeline.made_progress(), *ended == PipelineEnd::kAgain};
  }

  ControlCommands Commands(std::stop_source& stop) {
    const auto verify = [this](const VerifyOptions& options, const VerifyObserver& observe, std::stop_token asked) {
      auto report = Verify(connector_.open_source, cuts_, options, observe, std::move(asked));
      if (report.ok()) Tell(board_, *report);
      return report;
    };
    const auto repair = [this](const VerifyOptions& options, bool dry_run, const VerifyObserver& observe, std::stop_token asked) {
      return Repair(connector_.open_source, cuts_, options, dry_run, observe, std::move(asked));
    };
    const auto lake = [this](const ControlRequest& request, const ControlServer::Progress& progress, std::stop_token asked) {
      return AnswerLakeOrder(config_, lake_orders_, board_, requests_, request, progress, std::move(asked));
    };
    return {&board_, verify, repair, [&stop] { stop.request_stop(); }, &requests_, lake};
  }

  const Config& config_;
  const PipelineOptions options_;
  const bool redraw_;
  const SystemClock clock_;
  LakeOrders lake_orders_;
  const Connector connector_;
  StatusBoard board_;
  CutRequests cuts_;
  TableRequests requests_;
};

Result<ExitCode> Run(const Options& options, Invocation& invocation) {
  PipelineOptions pipeline;
  std::optional<Lsn> until;
  if (!options.until_lsn.empty()) {
    const Result<Lsn> parsed = ParseLsn(options.until_lsn);
    if (!parsed.ok()) return Error{ErrorKind::kNeedsOperator, parsed.error().message, slu::kUsage, "", "", {"an LSN looks like 5C/9A01F2E8: SELECT pg_current_wal_lsn()"}};
    until = *parsed;
  }
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  pipeline = MakePipelineOptions(config);
  pipeline.until_lsn = until;
  pipeline.until_caught_up = options.until_caught_up;
  log::Info("cli", "started", fmt::format("sluice {} ({})", kVersion, kCommit), {{"config", config.path}, {"project", config.project}, {"slot", config.source.slot}});
  return Runner(config, std::move(pipeline), invocation.terminal.progress).Run();
}

}  // namespace

void AddRun(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "run", "Copy what is missing, then follow the source until stopped",
                           "  sluice run\n"
                           "  sluice run --until-caught-up       # end once every sink has what is committed now\n"
                           "  sluice run --until-lsn 5C/9A01F2E8\n");
  const auto options = std::make_shared<Options>();
  CLI::Option* lsn = verb->add_option("--until-lsn", options->until_lsn, "end once every sink is durable up to there")->type_name("LSN");
  verb->add_flag("--until-caught-up", options->until_caught_up, "the same, up to where the source's log ends now")->excludes(lsn);
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Run(*options, invocation); }; });
}

}  // namespace sluice::cli

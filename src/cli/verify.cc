// sluice verify: are source and sinks equal at one LSN? With a running process by its help, else alone.

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/parts.h"
#include "cli/signals.h"
#include "cli/verify_report.h"
#include "pipeline/status_json.h"
#include "pipeline/verify.h"
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

Result<ordered_json> VerifyByItself(const Config& config, const std::vector<std::string>& globs, Counter& counter) {
  SignalStop signals;
  ASSIGN_OR_RETURN(const StateLock lock, StateLock::Acquire(config.state_folder));
  const SystemClock clock;
  const Connector connector = MakeConnector(config);
  const auto observe = [&counter](const VerifyProgress& now) {
    counter.Show({{"table", now.table}, {"tables_done", now.tables_done}, {"tables_total", now.tables_total}});
  };
  ASSIGN_OR_RETURN(const VerifyReport report, VerifyAlone(connector, MakePipelineOptions(config), clock, globs, observe, signals.token()));
  return VerifyToJson(report);
}

Result<ordered_json> Compare(const Config& config, const std::vector<std::string>& globs, Counter& counter) {
  Result<ordered_json> answer = Ask(SocketPath(config), {"verify", globs}, std::nullopt, [&counter](const ordered_json& progress) { counter.Show(progress); });
  const bool nobody = !answer.ok() && answer.error().code == slu::kNoServer;
  return nobody ? VerifyByItself(config, globs, counter) : std::move(answer);
}

Result<ExitCode> Verify(const std::vector<std::string>& globs, Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  Result<ordered_json> report = ordered_json();
  {
    Counter counter(invocation.terminal.progress);
    report = Compare(config, globs, counter);
  }
  if (!report.ok()) return report.error();
  if (invocation.options.json) invocation.PrintJson(*report);
  else PrintData(RenderVerify(*report, invocation.terminal.stdout_is_tty));
  return report->value("equal", false) ? ExitCode::kOk : ExitCode::kFindings;
}

}  // namespace

void AddVerify(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "verify", "Compare source and sinks at one LSN, row by row",
                           "  sluice verify\n"
                           "  sluice verify 'public.shot*'\n"
                           "  sluice verify --json\n");
  const auto globs = std::make_shared<std::vector<std::string>>();
  verb->add_option("glob", *globs, "tables by name or glob (default: all)");
  verb->callback([&invocation, globs] { invocation.command = [&invocation, globs] { return Verify(*globs, invocation); }; });
}

}  // namespace sluice::cli

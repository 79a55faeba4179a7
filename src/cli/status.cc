// sluice status, sluice tables: what the running process says about itself.

#include "cli/commands.h"
#include "cli/parts.h"
#include "cli/status_report.h"
#include "server/control_client.h"

namespace sluice::cli {
namespace {

constexpr std::chrono::seconds kAnswerWithin{10};

Result<ExitCode> ShowStatus(Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(const nlohmann::ordered_json status, Ask(SocketPath(config), {"status", {}}, kAnswerWithin));
  if (invocation.options.json) invocation.PrintJson(status);
  else PrintData(RenderStatus(status, invocation.terminal.stdout_is_tty));
  return StatusExitCode(status);
}

Result<ExitCode> ShowTables(const std::vector<std::string>& globs, Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(const nlohmann::ordered_json tables, Ask(SocketPath(config), {"tables", globs}, kAnswerWithin));
  if (invocation.options.json) invocation.PrintJson(tables);
  else invocation.PrintTable(TablesTable(tables));
  return ExitCode::kOk;
}

}  // namespace

void AddStatus(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "status", "How fresh each sink is, and what the slot holds on the source",
                           "  sluice status\n"
                           "  sluice status --json | jq '.sinks[].freshness_seconds'\n");
  verb->callback([&invocation] { invocation.command = [&invocation] { return ShowStatus(invocation); }; });
}

void AddTables(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "tables", "The state of each table",
                           "  sluice tables\n"
                           "  sluice tables 'public.*' --json\n");
  const auto globs = std::make_shared<std::vector<std::string>>();
  verb->add_option("glob", *globs, "tables by name or glob (default: all)");
  verb->callback([&invocation, globs] { invocation.command = [&invocation, globs] { return ShowTables(*globs, invocation); }; });
}

}  // namespace sluice::cli

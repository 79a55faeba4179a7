// sluice debug: what developers and tests ask.

#include "base/failpoint.h"
#include "cli/commands.h"

namespace sluice::cli {
namespace {

Result<ExitCode> ListFailpoints(const Invocation& invocation) {
  nlohmann::ordered_json names = nlohmann::ordered_json::array();
  for (const std::string_view name : failpoint::All()) {
    if (invocation.options.json) names.push_back(name);
    else PrintData(std::string(name) + "\n");
  }
  if (invocation.options.json) invocation.PrintJson({{"schema", "sluice.failpoints/v1"}, {"failpoints", std::move(names)}});
  return ExitCode::kOk;
}

}  // namespace

void AddDebug(CLI::App& app, Invocation& invocation) {
  CLI::App* debug = AddVerb(app, "debug", "For developers and tests", "  sluice debug failpoints\n  SLUICE_FAILPOINTS=lake.before_commit=kill sluice run\n");
  CLI::App* verb = AddVerb(*debug, "failpoints", "Every place where a test can make the program fail", "  sluice debug failpoints\n");
  verb->callback([&invocation] { invocation.command = [&invocation] { return ListFailpoints(invocation); }; });
}

}  // namespace sluice::cli

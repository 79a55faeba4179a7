// sluice version: what this program is made of.

#include <arrow/config.h>
#include <fmt/format.h>
#include <libpq-fe.h>

#include "cli/build_version.h"
#include "cli/commands.h"

namespace sluice::cli {
namespace {

std::string LibpqVersion() { return fmt::format("{}.{}", PQlibVersion() / 10000, PQlibVersion() % 10000); }

Result<ExitCode> Version(const Invocation& invocation) {
  const std::string arrow = arrow::GetBuildInfo().version_string;
  if (invocation.options.json) {
    invocation.PrintJson({{"schema", "sluice.version/v1"}, {"version", kVersion}, {"commit", kCommit}, {"libpq", LibpqVersion()}, {"arrow", arrow}});
    return ExitCode::kOk;
  }
  PrintData(fmt::format("sluice {} ({})\nlibpq {}, Arrow {}\n", kVersion, kCommit, LibpqVersion(), arrow));
  return ExitCode::kOk;
}

}  // namespace

void AddVersion(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "version", "Show the version of the program and its libraries", "  sluice version\n  sluice version --json\n");
  verb->callback([&invocation] { invocation.command = [&invocation] { return Version(invocation); }; });
}

}  // namespace sluice::cli

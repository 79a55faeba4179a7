// sluice demo: hands over to the script that comes with the program.

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/commands.h"

namespace sluice::cli {
namespace {

// Beside an installation, or in the checkout that the program was built in.
std::string FindScript() {
  std::error_code failed;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
  const std::filesystem::path folder = program.parent_path();
  for (const std::filesystem::path& script : {folder / "../share/sluice/demo/run", folder / "../../tools/demo/run"})
    if (access(script.c_str(), X_OK) == 0) return std::filesystem::weakly_canonical(script, failed).string();
  return "";
}

Result<ExitCode> Demo(bool keep) {
  const std::string script = FindScript();
  if (script.empty())
    return Error{ErrorKind::kNeedsOperator, "the demo is not installed beside this program", slu::kFileSystem, "", "It is a script that comes with the sources.",
                 {"in a checkout: make demo"}};
  if (keep) setenv("KEEP", "1", 1);
  execl(script.c_str(), script.c_str(), static_cast<char*>(nullptr));
  return Error{ErrorKind::kNeedsOperator, fmt::format("cannot start {}", script), slu::kFileSystem, std::strerror(errno)};
}

}  // namespace

void AddDemo(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "demo", "Two throw-away servers, a lake and a minute of live data",
                           "  sluice demo\n"
                           "  sluice demo --keep     # stays up to play with\n");
  const auto keep = std::make_shared<bool>(false);
  verb->add_flag("--keep", *keep, "keep everything running at the end");
  verb->callback([&invocation, keep] { invocation.command = [keep] { return Demo(*keep); }; });
}

}  // namespace sluice::cli

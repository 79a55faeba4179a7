// sluice serve: the lake's catalog for readers, in a process of its own.

#include <condition_variable>
#include <mutex>

#include "cli/commands.h"
#include "cli/parts.h"
#include "cli/signals.h"

namespace sluice::cli {
namespace {

Result<ExitCode> Serve(Invocation& invocation) {
  SignalStop signals;
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  if (!config.serve_catalog)
    return Error{ErrorKind::kNeedsOperator, "the configuration has no serve.catalog", slu::kMissingField, "", "", {"serve: { catalog: { listen: 127.0.0.1:8181 } }"}};
  ASSIGN_OR_RETURN(const std::unique_ptr<CatalogServer> server, ServeCatalog(config));
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait(lock, signals.token(), [] { return false; });
  return signals.exit_code();
}

}  // namespace

void AddServe(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "serve", "Serve the lake's catalog to readers by Iceberg's REST protocol, as run does beside its work",
                           "  sluice serve\n"
                           "  sluice serve -X serve.catalog.listen=127.0.0.1:8182\n");
  verb->callback([&invocation] { invocation.command = [&invocation] { return Serve(invocation); }; });
}

}  // namespace sluice::cli

// sluice lake: for those who look after the lake, while sluice runs and while it does not. What changes the lake is done by the running
// process where there is one.

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"

namespace sluice::cli {

void AddLake(CLI::App& app, Invocation& invocation) {
  CLI::App* lake = AddVerb(app, "lake", "Looks after the lake: its tables, snapshots, files, and whether they are sound",
                           "  sluice lake tables\n"
                           "  sluice lake show public.orders\n"
                           "  sluice lake cut --sql duckdb\n"
                           "  sluice lake tag before-migration\n"
                           "  sluice lake check --readers athena,spark\n");
  AddLakeTables(*lake, invocation);
  AddLakeShow(*lake, invocation);
  AddLakeSnapshots(*lake, invocation);
  AddLakeFiles(*lake, invocation);
  AddLakeCut(*lake, invocation);
  AddLakeCheck(*lake, invocation);
  AddLakeTag(*lake, invocation);
  AddLakeExpire(*lake, invocation);
  AddLakeCompact(*lake, invocation);
  AddLakeOrphans(*lake, invocation);
  AddLakeRollback(*lake, invocation);
}

}  // namespace sluice::cli

// sluice lake: for those who look after the lake. All of these only read, while sluice runs and while it does not.

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"

namespace sluice::cli {

void AddLake(CLI::App& app, Invocation& invocation) {
  CLI::App* lake = AddVerb(app, "lake", "Looks after the lake: its tables, snapshots, files, and whether they are sound",
                           "  sluice lake tables\n"
                           "  sluice lake show public.orders\n"
                           "  sluice lake cut --sql duckdb\n"
                           "  sluice lake check --readers athena,spark\n");
  AddLakeTables(*lake, invocation);
  AddLakeShow(*lake, invocation);
  AddLakeSnapshots(*lake, invocation);
  AddLakeFiles(*lake, invocation);
  AddLakeCut(*lake, invocation);
  AddLakeCheck(*lake, invocation);
}

}  // namespace sluice::cli

#pragma once
// The verbs of `sluice lake`, one file each, as those of the program are in cli/commands.h.

#include <CLI/CLI.hpp>

#include "cli/invocation.h"

namespace sluice::cli {

void AddLakeTables(CLI::App& lake, Invocation& invocation);
void AddLakeShow(CLI::App& lake, Invocation& invocation);
void AddLakeSnapshots(CLI::App& lake, Invocation& invocation);
void AddLakeFiles(CLI::App& lake, Invocation& invocation);
void AddLakeCut(CLI::App& lake, Invocation& invocation);
void AddLakeCheck(CLI::App& lake, Invocation& invocation);
void AddLakeTag(CLI::App& lake, Invocation& invocation);
void AddLakeExpire(CLI::App& lake, Invocation& invocation);
void AddLakeCompact(CLI::App& lake, Invocation& invocation);
void AddLakeOrphans(CLI::App& lake, Invocation& invocation);
void AddLakeRollback(CLI::App& lake, Invocation& invocation);

}  // namespace sluice::cli

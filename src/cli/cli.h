#pragma once

namespace sluice::cli {

/// Reads the command line, runs its command, shows its error if there is one. Returns the exit code of the manual.
int Main(int argc, char** argv);

}  // namespace sluice::cli

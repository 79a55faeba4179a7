#pragma once
// One call of the program: what stood on its command line, and what its command is.

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/terminal.h"
#include "config/config_loader.h"
#include "observability/error_catalog.h"

namespace sluice::cli {

struct GlobalOptions {
  std::string config_file;             ///< -c; empty: the usual places.
  std::vector<std::string> overrides;  ///< -X path=value.
  std::string output = "table";        ///< table or json.
  bool json = false;                   ///< --json, or -o json.
  bool quiet = false;
  int verbose = 0;
  std::string log_format;              ///< Empty: the configuration's.
  bool no_color = false;
  bool no_progress = false;
  bool yes = false;
};

struct Invocation {
  GlobalOptions options;
  Terminal terminal;
  std::function<Result<ExitCode>()> command;  ///< Set by the verb that was named.
  std::optional<LoadedConfig> loaded;         ///< Kept to show its mistakes.

  /// Finds, reads and checks the configuration, and sets up logging by it. Error: 1001 to 1003.
  Result<Config> LoadConfig();

  /// Prints data to stdout as it stands in the manual.
  void PrintJson(const nlohmann::ordered_json& document) const;
  void PrintTable(const class Table& table) const;
  /// A sentence on stderr, unless --quiet.
  void Say(std::string_view line) const;
};

/// Whether the person at the terminal, or --yes, agrees to what was just said. Nobody there: no.
bool Confirmed(const Invocation& invocation);

}  // namespace sluice::cli

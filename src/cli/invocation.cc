#include "cli/invocation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "cli/output.h"
#include "config/printable.h"
#include "observability/log.h"

namespace sluice::cli {
namespace {

log::Format FormatOf(const std::string& word) {
  if (word == "json") return log::Format::kJson;
  return word == "text" ? log::Format::kText : log::Format::kAuto;
}

log::Level LevelOf(const GlobalOptions& options, const std::string& word) {
  if (options.verbose > 0 || word == "debug") return log::Level::kDebug;
  if (options.quiet || word == "error") return options.quiet ? log::Level::kWarn : log::Level::kError;
  return word == "warn" ? log::Level::kWarn : log::Level::kInfo;
}

}  // namespace

Result<Config> Invocation::LoadConfig() {
  ASSIGN_OR_RETURN(const std::string path, FindConfigFile(options.config_file));
  ASSIGN_OR_RETURN(loaded, LoadConfigFile(path, options.overrides));
  if (!loaded->config) return ToError(*loaded);
  Config config = *loaded->config;
  if (!options.log_format.empty()) config.log_format = options.log_format;
  log::Configure(FormatOf(config.log_format), LevelOf(options, config.log_level));
  return config;
}

void Invocation::PrintJson(const nlohmann::ordered_json& document) const {
  // Names in databases may be no UTF-8; the output must be.
  PrintData(document.dump(terminal.stdout_is_tty ? 2 : -1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void Invocation::PrintTable(const Table& table) const { PrintData(table.Render(terminal.stdout_is_tty)); }

void Invocation::Say(std::string_view line) const {
  if (!options.quiet) PrintTalk(std::string(line) + "\n");
}

bool Confirmed(const Invocation& invocation) {
  if (invocation.options.yes) return true;
  if (isatty(STDIN_FILENO) == 0) return false;
  PrintTalk("Do it? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace sluice::cli

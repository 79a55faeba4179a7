// sluice sql: asks the lake at one moment of the source, and the replica, with DuckDB.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/commands.h"
#include "cli/lake/moment.h"
#include "cli/sql/shell.h"
#include "config/printable.h"
#include "config/units.h"

namespace sluice::cli {
namespace {

constexpr uint64_t kMemoryMin = 64ull << 20, kMemoryMax = 1ull << 42;
constexpr size_t kTextMax = 64 << 20;  // Of a file with statements.

struct Options {
  CutOptions moment;
  std::string lake, statement, file, format, memory;
};

Error Usage(std::string message, std::string fix) { return {ErrorKind::kNeedsOperator, std::move(message), slu::kUsage, "", "", {std::move(fix)}}; }

ResultFormat FormatOf(const Options& options, const Invocation& invocation) {
  if (options.format == "csv") return ResultFormat::kCsv;
  if (options.format == "markdown") return ResultFormat::kMarkdown;
  if (options.format == "json" || (options.format.empty() && invocation.options.json)) return ResultFormat::kJson;
  return invocation.terminal.stdout_is_tty ? ResultFormat::kTable : ResultFormat::kTabs;
}

Result<std::string> ReadAll(std::istream& in, const std::string& name) {
  std::string text;
  char buffer[1 << 16];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
    if (text.size() > kTextMax) return Usage(fmt::format("{} is larger than {}", Printable(name), FormatSize(kTextMax)), "take it apart");
  }
  return text;
}

/// nullopt: they are typed.
Result<std::optional<std::string>> TextOf(const Options& options) {
  if (!options.statement.empty()) return std::optional(options.statement);
  if (!options.file.empty()) {
    std::ifstream file(options.file, std::ios::binary);
    if (!file) return Usage(fmt::format("{} cannot be read", Printable(options.file)), "name a file with statements");
    ASSIGN_OR_RETURN(std::string text, ReadAll(file, options.file));
    return std::optional(std::move(text));
  }
  if (isatty(STDIN_FILENO) == 1) return std::optional<std::string>();
  ASSIGN_OR_RETURN(std::string text, ReadAll(std::cin, "what comes by stdin"));
  return std::optional(std::move(text));
}

Status CheckLakeName(const std::string& name, Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  if (name.empty() || !config.lake || config.lake->name == name) return Ok();
  return Error{ErrorKind::kNeedsOperator, fmt::format("there is no lake \"{}\"", Printable(name)), slu::kNoSuchSink, "", "", {fmt::format("the lake is called {}", Printable(config.lake->name))}};
}

Result<ExitCode> Sql(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const CutWish wish, ParseCutWish(options.moment));
  SessionOptions limits;
  if (!options.memory.empty()) {
    const auto bytes = ParseSize(options.memory);
    if (!bytes || *bytes < kMemoryMin || *bytes > kMemoryMax) return Usage(fmt::format("\"{}\" is no size from 64MiB on", Printable(options.memory)), "--memory 4GiB");
    limits.memory_bytes_max = *bytes;
  }
  RETURN_IF_ERROR(CheckLakeName(options.lake, invocation));
  ASSIGN_OR_RETURN(const std::optional<std::string> text, TextOf(options));
  QuerySignals signals;
  const auto open = [&] { return OpenCutSession(invocation, wish, limits, signals); };
  auto session = open();
  if (!session.ok()) return session.error().kind == ErrorKind::kCancelled && signals.came() ? Result<ExitCode>(signals.exit_code()) : session.error();
  SqlShell shell{invocation, signals, FormatOf(options, invocation), std::move(*session), open};
  shell.SayBanner();
  if (!text) return shell.RunTerminal();
  const Status ran = shell.RunText(*text);
  if (ran.ok()) return ExitCode::kOk;
  if (ran.error().kind != ErrorKind::kCancelled) return ran.error();
  if (!signals.came()) return ExitCode::kFailed;  // Nobody reads what is written any more.
  PrintTalk("cancelled\n");
  return signals.exit_code();
}

}  // namespace

void AddSql(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "sql", "Asks lake and replica in SQL: all tables of the lake at one moment of the source",
                           "  sluice sql                                                     type statements\n"
                           "  sluice sql -q --format csv -c 'SELECT * FROM public.orders' > orders.csv\n"
                           "  sluice sql --at 2026-07-01T12:00:00Z -c 'SELECT count(*) FROM lake.public.orders'\n"
                           "  sluice sql -c 'SELECT id FROM lake.public.orders EXCEPT SELECT id FROM replica.public.orders'\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("file", options->file, "statements to run")->type_name("FILE");
  verb->add_option("-c,--command", options->statement, "run this and end; the configuration is named by --config here")->type_name("SQL");
  AddCutOptions(*verb, options->moment);
  verb->add_option("--lake", options->lake, "the lake's name in the configuration")->type_name("NAME");
  verb->add_option("--format", options->format, "table, csv, json or markdown")->check(CLI::IsMember({"table", "csv", "json", "markdown"}))->type_name("FORMAT");
  verb->add_option("--memory", options->memory, "so much at most (1GiB); what does not fit goes to files in $TMPDIR")->type_name("SIZE");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Sql(*options, invocation); }; });
}

}  // namespace sluice::cli

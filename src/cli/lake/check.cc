// sluice lake check: holds the lake against the format and against its readers, with code of its own.

#include <fmt/format.h>

#include "audit/rules.h"
#include "cli/commands.h"
#include "cli/lake/lake_check_report.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_reading.h"
#include "cli/progress_line.h"
#include "cli/signals.h"
#include "config/did_you_mean.h"
#include "config/printable.h"

namespace sluice::cli {
namespace {

struct Options {
  std::vector<std::string> tables, readers;
  bool deep = false;
};

// Who was named on the command line, else the lake's readers of the configuration.
Result<std::vector<audit::Reader>> ParseReaders(std::vector<std::string> names, const LakeConfig& lake) {
  if (names.empty())
    for (const ReaderEngine reader : lake.readers) names.emplace_back(NameOf(reader));
  std::vector<audit::Reader> readers;
  for (const std::string& name : names) {
    const auto reader = audit::ParseReader(name);
    if (!reader)
      return Error{ErrorKind::kNeedsOperator, fmt::format("there is no reader \"{}\"", Printable(name)), slu::kUsage, "", "", {fmt::format("known ones: {}", audit::ReaderNames())}};
    readers.push_back(*reader);
  }
  return readers;
}

Result<std::vector<TableIdentifier>> Wanted(Catalog& catalog, const std::vector<std::string>& names) {
  if (names.empty()) return ListTables(catalog);
  std::vector<TableIdentifier> tables;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(TableIdentifier table, FindTable(catalog, name));
    tables.push_back(std::move(table));
  }
  return tables;
}

// A file of a snapshot that expired while we read looks missing: then the table is looked at again as it is now.
Result<std::optional<CheckedLakeTable>> CheckOne(const OpenedLake& lake, const TableIdentifier& id, const audit::CheckOptions& options) {
  constexpr int kAttempts = 3;
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(const auto location, lake.catalog().MetadataLocation(id));
    if (!location) return std::optional<CheckedLakeTable>();
    CheckedLakeTable table{ToString(id), *location, audit::CheckTable(lake.store(), *location, options)};
    if (!table.checked.findings.Has(audit::kMissingFile) || attempt == kAttempts) return std::optional(std::move(table));
    ASSIGN_OR_RETURN(const auto now, lake.catalog().MetadataLocation(id));
    if (now == location) return std::optional(std::move(table));
  }
}

Result<ExitCode> Check(const Options& options, Invocation& invocation) {
  audit::CheckOptions check;
  check.deep = options.deep;
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(check.readers, ParseReaders(options.readers, lake.config));
  ASSIGN_OR_RETURN(const std::vector<TableIdentifier> wanted, Wanted(lake.catalog(), options.tables));
  SignalStop signals;
  ProgressLine progress(invocation.terminal.progress);
  check.stopped = [&] { return signals.token().stop_requested(); };
  std::vector<CheckedLakeTable> tables;
  for (const TableIdentifier& id : wanted) {
    if (check.stopped()) break;
    check.progress = [&](const char* doing, size_t done, size_t total) {
      progress.Show(fmt::format("table {} of {}: {}, {} {}{}", tables.size() + 1, wanted.size(), Printable(ToString(id)), doing, done, total > 0 ? fmt::format(" of {}", total) : ""));
    };
    ASSIGN_OR_RETURN(auto table, CheckOne(lake, id, check));
    if (table) tables.push_back(std::move(*table));
  }
  progress.Erase();
  if (invocation.options.json) invocation.PrintJson(LakeCheckToJson(tables));
  else PrintData(RenderLakeCheck(tables, invocation.terminal.color && invocation.terminal.stdout_is_tty));
  if (check.stopped()) return signals.exit_code();
  for (const CheckedLakeTable& table : tables)
    if (table.checked.findings.bad() > 0) return ExitCode::kFindings;
  return ExitCode::kOk;
}

}  // namespace

void AddLakeCheck(CLI::App& lake, Invocation& invocation) {
  CLI::App* verb = AddVerb(lake, "check", "Is the lake sound, and can its readers read it? Reads it with code of its own",
                           "  sluice lake check\n"
                           "  sluice lake check public.orders --deep\n"
                           "  sluice lake check --readers athena,redshift,spark --json\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("table", options->tables, "only these tables, NAMESPACE.TABLE by the lake's names")->type_name("TABLE...");
  verb->add_option("--readers", options->readers, "hold the tables against the limits of these, in place of the lake's readers: " + audit::ReaderNames())->delimiter(',')->allow_extra_args(false)->type_name("NAMES");
  verb->add_flag("--deep", options->deep, "also decode every column of every live data file");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Check(*options, invocation); }; });
}

}  // namespace sluice::cli

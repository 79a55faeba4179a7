// sluice check: is everything as it must be? Changes nothing.

#include "cli/check_report.h"
#include "cli/commands.h"
#include "cli/parts.h"
#include "cli/source_facts.h"
#include "sink/lake/lake_check.h"
#include "sink/mapping/mapping_check.h"
#include "sink/replica/replica_check.h"
#include "source/postgres/source_check.h"

namespace sluice::cli {
namespace {

struct Options {
  bool print_sql = false;
  bool deny_warnings = false;
  std::string role;
};

// The configuration was read without a mistake, else we would not be here.
CheckGroup CheckedConfig(const Config& config) {
  return {"CONFIG", config.path, {{"C001", Severity::kOk, "", "syntax"}, {"C002", Severity::kOk, "", "version 1"},
                                  {"C010", Severity::kOk, "", "references"}, {"C020", Severity::kOk, "", "no plain-text secrets"}}};
}

// What a sink's map does, then the sink with the tables as it will see them.
CheckGroup CheckedSink(const std::string& title, const std::string& name, const MappingConfig& map, const std::vector<TableDefinition>& tables,
                       const std::function<Findings(const std::vector<TableDefinition>&)>& check) {
  const mapping::MappingRules rules(map);
  CheckGroup group{title, name, tables.empty() ? Findings() : mapping::CheckMapping(rules, tables)};
  const Findings own = check(rules.empty() ? tables : mapping::MapDefinitions(rules, tables));
  group.findings.insert(group.findings.end(), own.begin(), own.end());
  return group;
}

Result<ExitCode> Check(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  if (options.print_sql) {
    ASSIGN_OR_RETURN(const std::string script, PrivilegesScript(config, options.role));
    PrintData(script);
    return ExitCode::kOk;
  }
  std::vector<CheckGroup> groups = {CheckedConfig(config)};
  groups.push_back({"SOURCE", config.source.name, CheckSource(config.source, config.pipeline)});
  // Where the source cannot tell, its own findings say so; the sinks are looked at all the same.
  const Result<std::vector<TableDefinition>> read = ReadSourceTables(config);
  const std::vector<TableDefinition> tables = read.ok() ? *read : std::vector<TableDefinition>();
  const Result<std::unique_ptr<Source>> source = MakeConnector(config).open_source();
  const std::optional<LogIdentity> log = source.ok() ? std::optional((*source)->identity()) : std::nullopt;
  if (config.replica)
    groups.push_back(CheckedSink("TARGET", config.replica->name, config.replica->map, tables, [&](const auto& mapped) { return CheckReplica(*config.replica, log, mapped); }));
  if (config.lake)
    groups.push_back(CheckedSink("LAKE", config.lake->name, config.lake->map, tables, [&](const auto& mapped) { return CheckLake(BehindMapping(*config.lake), mapped); }));
  if (invocation.options.json) invocation.PrintJson(ReportToJson(groups));
  else PrintData(RenderReport(groups, invocation.terminal.color && invocation.terminal.stdout_is_tty));
  const CheckCounts counts = Count(groups);
  const bool bad = counts.failures > 0 || (options.deny_warnings && counts.warnings > 0);
  return bad ? ExitCode::kFindings : ExitCode::kOk;
}

}  // namespace

void AddCheck(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "check", "Is everything as it must be? Changes nothing",
                           "  sluice check\n"
                           "  sluice check --json\n"
                           "  sluice check --print-sql --role sluice_reader | psql \"$ADMIN\"   # rights on the source\n");
  const auto options = std::make_shared<Options>();
  verb->add_flag("--print-sql", options->print_sql, "print the script that gives a role no more rights on the source than needed");
  verb->add_option("--role", options->role, "the role that the script is for (default: the one of the source's DSN)")->type_name("NAME");
  verb->add_flag("--deny-warnings", options->deny_warnings, "warnings count as failures");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Check(*options, invocation); }; });
}

}  // namespace sluice::cli

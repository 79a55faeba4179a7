// sluice lake cut: one moment of the source over all tables of the lake.

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/lake/cut_reading.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_reading.h"
#include "cli/lake/moment.h"
#include "cli/output.h"
#include "config/printable.h"
#include "duckdb/lake_statements.h"
#include "pipeline/status_json.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

struct Options {
  CutOptions moment;
  std::string sql;
};

std::string_view WordOf(CutState state) {
  switch (state) {
    case CutState::kSnapshot: return "snapshot";
    case CutState::kEmpty: return "empty";
    case CutState::kExpired: return "expired";
    case CutState::kNotYetThere: return "not_yet_there";
    case CutState::kBehind: return "behind";
    case CutState::kForeign: return "foreign";
  }
  return "";
}

std::string SparkName(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) quoted.append(c == '`' ? 2 : 1, c);
  return quoted + "`";
}

/// One statement that reads the table as of the cut; empty where there is none.
std::string Statement(const std::string& dialect, const TableAtCut& table, const std::string& metadata_location) {
  if (table.state != CutState::kSnapshot) return "";
  if (dialect == "spark")
    return fmt::format("CREATE OR REPLACE TEMPORARY VIEW {} AS SELECT * FROM lake.{}.{} VERSION AS OF {};", SparkName(table.name.name_space + "_" + table.name.name), SparkName(table.name.name_space),
                       SparkName(table.name.name), *table.snapshot_id);
  return fmt::format("CREATE OR REPLACE VIEW {}.{} AS {};", DuckDbName(table.name.name_space), DuckDbName(table.name.name), ScanOf(metadata_location, *table.snapshot_id));
}

/// The same for a DuckDB that has the lake's catalog attached.
std::string AttachedStatement(const TableAtCut& table) {
  if (table.state != CutState::kSnapshot) return "";
  return fmt::format("SELECT * FROM lake.{}.{} AT (VERSION => {});", DuckDbName(table.name.name_space), DuckDbName(table.name.name), *table.snapshot_id);
}

void PrintSql(const Cut& cut, const LoadedTables& loaded, const std::string& dialect, bool to_terminal) {
  // A program gets names as they are; what drives a terminal must not reach one.
  const auto shown = [&](const std::string& sql) { return to_terminal ? Printable(sql) : sql; };
  PrintData(fmt::format("-- the lake at {}{}\n", ToString(cut.lsn), cut.source_time ? ", everything up to " + ToRfc3339(*cut.source_time) : ""));
  if (dialect == "spark") PrintData("-- in Spark the catalog is called lake, and spark.sql.catalog.lake.cache-enabled=false\n");
  std::vector<std::string> made;
  for (size_t i = 0; i < cut.tables.size(); ++i) {
    const TableAtCut& table = cut.tables[i];
    const std::string name = Printable(ToString(table.name));
    if (table.state == CutState::kEmpty) PrintData(fmt::format("-- {} was empty\n", name));
    if (table.is_missing()) PrintData(fmt::format("-- {} is missing: {}\n", name, Printable(table.reason)));
    if (table.state != CutState::kSnapshot) continue;
    if (dialect == "duckdb" && std::find(made.begin(), made.end(), table.name.name_space) == made.end()) {
      made.push_back(table.name.name_space);
      PrintData(shown(fmt::format("CREATE SCHEMA IF NOT EXISTS {};", DuckDbName(table.name.name_space))) + "\n");
    }
    PrintData(shown(Statement(dialect, table, loaded.locations[i])) + "\n");
    if (dialect == "duckdb") PrintData("-- with the catalog attached as lake: " + Printable(AttachedStatement(table)) + "\n");
  }
}

ordered_json ToJson(const Cut& cut, const LoadedTables& loaded, const std::string& dialect) {
  ordered_json tables = ordered_json::array();
  for (size_t i = 0; i < cut.tables.size(); ++i) {
    const TableAtCut& table = cut.tables[i];
    if (table.state == CutState::kForeign) continue;
    ordered_json one = {{"table", ToString(table.name)}, {"state", WordOf(table.state)}};
    one["snapshot_id"] = table.snapshot_id ? ordered_json(*table.snapshot_id) : ordered_json();
    one["lsn"] = table.lsn.valid() ? ordered_json(ToString(table.lsn)) : ordered_json();
    if (!table.reason.empty()) one["reason"] = table.reason;
    one["metadata_location"] = loaded.locations[i];
    if (!dialect.empty()) one["sql"] = Statement(dialect, table, loaded.locations[i]);
    tables.push_back(std::move(one));
  }
  const auto missing = std::count_if(cut.tables.begin(), cut.tables.end(), [](const TableAtCut& table) { return table.is_missing(); });
  return {{"schema", "sluice.lake.cut/v1"}, {"lsn", ToString(cut.lsn)}, {"source_time", cut.source_time ? ordered_json(ToRfc3339(*cut.source_time)) : ordered_json()},
          {"missing", missing}, {"tables", std::move(tables)}};
}

void Print(const Cut& cut, const Invocation& invocation) {
  PrintData(fmt::format("lsn          {}\nsource time  {}\n\n", ToString(cut.lsn), cut.source_time ? ToRfc3339(*cut.source_time) : "not known"));
  Table table({{"TABLE"}, {"SNAPSHOT", Align::kRight}, {"LSN"}, {""}});
  for (const TableAtCut& at : cut.tables) {
    if (at.state == CutState::kForeign) continue;
    table.AddRow({ToString(at.name), at.snapshot_id ? std::to_string(*at.snapshot_id) : "–", at.state == CutState::kSnapshot ? ToString(at.lsn) : "–",
                  at.is_missing() ? "missing: " + at.reason : at.state == CutState::kEmpty ? "no rows" : ""});
  }
  invocation.PrintTable(table);
}

Result<ExitCode> MakeCut(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const CutWish wish, ParseCutWish(options.moment));
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const LoadedTables loaded, LoadTables(lake, invocation));
  ASSIGN_OR_RETURN(const Cut cut, CutOf(loaded, wish));
  if (invocation.options.json) invocation.PrintJson(ToJson(cut, loaded, options.sql));
  else if (!options.sql.empty()) PrintSql(cut, loaded, options.sql, invocation.terminal.stdout_is_tty);
  else Print(cut, invocation);
  const auto missing = std::count_if(cut.tables.begin(), cut.tables.end(), [](const TableAtCut& table) { return table.is_missing(); });
  if (missing == 0) return ExitCode::kOk;
  invocation.Say(fmt::format("{} of {} tables cannot be read as of {}", missing, cut.tables.size(), ToString(cut.lsn)));
  return ExitCode::kFindings;
}

}  // namespace

void AddLakeCut(CLI::App& lake, Invocation& invocation) {
  CLI::App* verb = AddVerb(lake, "cut", "One moment of the source over all tables: which snapshot of each to read together",
                           "  sluice lake cut\n"
                           "  sluice lake cut --at 2026-07-01T12:00:00Z --sql duckdb | duckdb\n"
                           "  sluice lake cut --lsn 5C/9A01F2E8 --sql spark\n");
  const auto options = std::make_shared<Options>();
  AddCutOptions(*verb, options->moment);
  verb->add_option("--sql", options->sql, "print statements that read it: duckdb or spark")->check(CLI::IsMember({"duckdb", "spark"}))->type_name("DIALECT");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return MakeCut(*options, invocation); }; });
}

}  // namespace sluice::cli

// sluice restore: fills a PostgreSQL from the lake as of one moment, so that the next run follows from there.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/pause.h"
#include "cli/commands.h"
#include "cli/dsn_parts.h"
#include "cli/lake/cut_reading.h"
#include "cli/lake/moment.h"
#include "cli/output.h"
#include "cli/parts.h"
#include "cli/progress_line.h"
#include "cli/signals.h"
#include "config/printable.h"
#include "config/units.h"
#include "pipeline/status_json.h"
#include "change/table_glob.h"
#include "restore/restore.h"
#include "server/state_lock.h"
#include "sink/lake/table_id.h"
#include "sink/mapping/mapping_rules.h"
#include "sink/replica/replica_sink.h"
#include "source/postgres/pg_source.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kRedrawEvery{200};

struct Options {
  CutOptions moment;
  std::vector<std::string> globs;
  std::string to;
  bool standalone = false, quick = false, dry_run = false;
};

/// The lake as of the moment, and whom it goes to.
struct Prepared {
  Config config;
  OpenedLake lake;
  Cut cut;
  RestorePlan plan;
  ReplicaConfig target;
  std::string target_name;  ///< host/database, printable.
  std::vector<std::string> notes;
};

Result<ReplicaConfig> TargetOf(const Config& config, const Options& options) {
  ReplicaConfig target = config.replica.value_or(ReplicaConfig());
  if (!options.to.empty()) target.dsn = options.to;
  if (target.dsn.empty())
    return Error{ErrorKind::kNeedsOperator, "the configuration has no replica", slu::kUsage, "", "", {"say where the tables shall go: --to 'host=db2 dbname=copy user=sluice'"}};
  return target;
}

Result<std::string> NameOfTarget(const std::string& dsn) {
  ASSIGN_OR_RETURN(const PgConnection connection, PgConnection::Connect(dsn, {"sluice restore"}));
  const DsnParts parts = PartsOf(dsn, connection.get());
  return Printable(parts.whole.empty() ? fmt::format("{}:{}/{}", parts.host, parts.port, parts.database) : fmt::format("database {}", PQdb(connection.get())));
}

/// Whether the replica shows the table as the lake does: under one name, with the same columns, rows and masks.
bool ShownAlike(const mapping::MappingRules& lake, const mapping::MappingRules& replica, const TableName& table) {
  const std::vector<TableName> sources = lake.SourcesOf(table);
  return std::any_of(sources.begin(), sources.end(), [&](const TableName& source) {
    return lake.TargetOf(source) == table && replica.TargetOf(source) == table && lake.RulesFor(source).fingerprint == replica.RulesFor(source).fingerprint;
  });
}

Status OpenTables(const LoadedTables& loaded, const Options& options, const Invocation& invocation, Prepared& made) {
  const mapping::MappingRules of_lake(made.lake.config.map), of_replica(made.config.replica ? made.config.replica->map : MappingConfig());
  ProgressLine progress(invocation.terminal.progress);
  std::set<std::string> unused(options.globs.begin(), options.globs.end());
  for (size_t i = 0; i < made.cut.tables.size(); ++i) {
    const TableAtCut& table = made.cut.tables[i];
    if (table.state == CutState::kForeign || ParseChangesOf(loaded.tables[i].metadata->properties)) continue;
    bool wanted = options.globs.empty();
    for (const std::string& glob : options.globs) {
      if (!MatchesAny({glob}, ToString(table.name))) continue;
      wanted = true;
      unused.erase(glob);
    }
    if (!wanted) continue;
    progress.Show(fmt::format("looking at table {} of {}", i + 1, made.cut.tables.size()));
    if (table.is_missing()) {
      made.plan.left_out.push_back({table.name, table.reason});
      continue;
    }
    if (options.to.empty() && !ShownAlike(of_lake, of_replica, table.name)) {
      made.plan.left_out.push_back({table.name, "the replica's mapping shows it otherwise than the lake's"});
      continue;
    }
    auto rows = LakeRows::Open(made.lake.store(), *made.lake.manifests, table.name, {loaded.locations[i], loaded.tables[i].metadata}, table.snapshot_id);
    if (rows.ok()) made.plan.tables.push_back(std::move(*rows));
    else if (rows.error().kind == ErrorKind::kNeedsOperator || rows.error().kind == ErrorKind::kCorrupt) made.plan.left_out.push_back({table.name, rows.error().message});
    else return std::move(rows).error();
  }
  if (unused.empty()) return Ok();
  return Error{ErrorKind::kNeedsOperator, fmt::format("no table of the lake is called {}", Printable(*unused.begin())), slu::kLakeNoTable, "", "", {"list them: sluice lake tables"}};
}

// Whoever cannot be asked cannot be harmed either: the next run looks at the slot before it does anything.
Status CheckSlot(Prepared& made) {
  auto source = PgSource::Connect(made.config.source, made.config.pipeline, made.config.state_folder + "/spill");
  Result<std::optional<SlotState>> slot = source.ok() ? (*source)->FindSlot() : Result<std::optional<SlotState>>(source.error());
  if (!slot.ok()) {
    made.notes.push_back(fmt::format("the source does not answer, so it is not known whether its slot goes on from there: {}", Printable(slot.error().message)));
    return Ok();
  }
  const auto refuse = [](std::string message) { return Error{ErrorKind::kNeedsOperator, std::move(message), slu::kRestoreNotFollowed}; };
  const std::string name = Printable(made.config.source.slot);
  if (!*slot) return refuse(fmt::format("replication slot {} is not there", name));
  if ((*slot)->lost) return refuse(fmt::format("replication slot {} was invalidated", name));
  if ((*slot)->confirmed_flush_lsn > made.cut.lsn)
    return refuse(fmt::format("replication slot {} goes on after {}, the moment to restore is {}", name, ToString((*slot)->confirmed_flush_lsn), ToString(made.cut.lsn)));
  return Ok();
}

Result<Prepared> Prepare(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const CutWish wish, ParseCutWish(options.moment));
  ASSIGN_OR_RETURN(Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(ReplicaConfig target, TargetOf(config, options));
  ASSIGN_OR_RETURN(OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const LoadedTables loaded, LoadTables(lake, invocation));
  ASSIGN_OR_RETURN(Cut cut, CutOf(loaded, wish));
  ASSIGN_OR_RETURN(std::string name, NameOfTarget(target.dsn));
  Prepared made{std::move(config), std::move(lake), std::move(cut), {}, std::move(target), std::move(name), {}};
  made.plan.point = {{loaded.bookmark->position.log, made.cut.lsn}, made.cut.source_time.value_or(Timestamp{})};
  if (options.to.empty() && !options.standalone) RETURN_IF_ERROR(CheckSlot(made));
  RETURN_IF_ERROR(OpenTables(loaded, options, invocation, made));
  if (made.plan.tables.empty() && made.plan.left_out.empty()) return Error{ErrorKind::kNeedsOperator, "the lake has no table", slu::kLakeNoCut};
  return made;
}

std::string PlanText(const Prepared& made) {
  std::string text = fmt::format("Into {}, as of {}{}:\n  {} tables, {} rows, {} of files\n", made.target_name, ToString(made.cut.lsn),
                                 made.cut.source_time ? ", everything committed up to " + ToRfc3339(*made.cut.source_time) : "", made.plan.tables.size(), made.plan.rows(),
                                 FormatSize(made.plan.bytes()));
  for (const TableLeftOut& table : made.plan.left_out) text += fmt::format("  not {}: {}\n", Printable(ToString(table.table)), Printable(table.reason));
  for (const std::string& note : made.notes) text += "Note: " + note + "\n";
  return text;
}

/// One line about the copy, until destroyed.
class CopyLine {
 public:
  CopyLine(const CopyProgress& progress, bool shown) : line_(shown) {
    thread_ = std::jthread([this, &progress](const std::stop_token& stop) {
      for (Pause(kRedrawEvery, stop); !stop.stop_requested(); Pause(kRedrawEvery, stop)) Show(progress.Snapshot());
    });
  }
  /// Says something else from now on.
  void Say(std::string text) {
    const std::lock_guard lock(mutex_);
    said_ = std::move(text);
    line_.Show(said_);
  }

 private:
  void Show(const CopyProgressSnapshot& now) {
    const std::lock_guard lock(mutex_);
    if (!said_.empty() || now.tables.empty()) return;
    uint64_t rows = 0;
    for (const TableCopyProgress& table : now.tables) rows += table.rows_copied;
    line_.Show(fmt::format("{} of {} tables, {} rows, {} of {} of files", now.count(CopyState::kDone), now.tables.size(), rows, FormatSize(now.bytes_read()), FormatSize(now.bytes_total())));
  }

  std::mutex mutex_;  // Guards the two below.
  ProgressLine line_;
  std::string said_;
  std::jthread thread_;
};

std::string_view WordOf(RestoreOutcome outcome) {
  switch (outcome) {
    case RestoreOutcome::kEqual: return "equal";
    case RestoreOutcome::kNotCompared: return "not_compared";
    case RestoreOutcome::kDifferent: return "different";
    case RestoreOutcome::kLeftOut: return "left_out";
  }
  return "";
}

void PrintReport(const Prepared& made, const std::vector<RestoredTable>& restored, const Invocation& invocation) {
  if (invocation.options.json) {
    ordered_json tables = ordered_json::array();
    for (const RestoredTable& table : restored) {
      ordered_json one = {{"table", ToString(table.table)}, {"result", WordOf(table.outcome)}, {"rows", table.rows}};
      if (!table.reason.empty()) one["reason"] = table.reason;
      tables.push_back(std::move(one));
    }
    invocation.PrintJson({{"schema", "sluice.restore/v1"}, {"lsn", ToString(made.cut.lsn)},
                          {"source_time", made.cut.source_time ? ordered_json(ToRfc3339(*made.cut.source_time)) : ordered_json()}, {"tables", std::move(tables)}});
    return;
  }
  Table table({{"TABLE"}, {"ROWS", Align::kRight}, {"RESULT"}, {""}});
  for (const RestoredTable& one : restored)
    table.AddRow({ToString(one.table), one.outcome == RestoreOutcome::kLeftOut ? "–" : std::to_string(one.rows), std::string(WordOf(one.outcome)), one.reason});
  invocation.PrintTable(table);
}

// Signals end it from here on, and the line about it is gone when it returns.
Result<std::vector<RestoredTable>> CarryOut(Prepared& made, const Options& options, const Invocation& invocation) {
  const SignalStop signals;
  CopyProgress progress;
  CopyLine line(progress, invocation.terminal.progress);
  const LogIdentity log = made.plan.point.position.log;
  const RestoreParts parts{made.lake.store(), *made.lake.manifests, [&] { return ReplicaSink::Open(made.target, log); }, progress,
                           [&](const TableName& table) { line.Say("comparing " + Printable(ToString(table))); }};
  const CopyConfig& copy = made.config.source.copy;
  return sluice::Restore(std::move(made.plan), {copy.parallel, copy.range_bytes_target, !options.quick}, parts, signals.token());
}

Result<ExitCode> Restore(const Options& options, Invocation& invocation) {
  std::optional<StateLock> lock;
  if (options.to.empty()) {
    ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
    ASSIGN_OR_RETURN(lock, StateLock::Acquire(config.state_folder));
  }
  ASSIGN_OR_RETURN(Prepared made, Prepare(options, invocation));
  invocation.Say(PlanText(made));
  if (options.dry_run) return made.plan.left_out.empty() ? ExitCode::kOk : ExitCode::kFindings;
  if (!Confirmed(invocation)) return Error{ErrorKind::kNeedsOperator, "nothing was restored", slu::kNotConfirmed};
  ASSIGN_OR_RETURN(const std::vector<RestoredTable> restored, CarryOut(made, options, invocation));
  PrintReport(made, restored, invocation);
  const bool whole = std::all_of(restored.begin(), restored.end(), [](const RestoredTable& table) { return table.outcome == RestoreOutcome::kEqual || table.outcome == RestoreOutcome::kNotCompared; });
  if (options.to.empty()) invocation.Say(whole ? "Now: sluice run goes on from there" : "Now: sluice run goes on from there, and copies from the source what is missing");
  return whole ? ExitCode::kOk : ExitCode::kFindings;
}

}  // namespace

void AddRestore(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "restore", "Fill a PostgreSQL from the lake as of one moment, to be followed from there",
                           "  sluice restore                                       the replica, as of the newest moment\n"
                           "  sluice restore --at 2026-07-01T12:00:00Z --to 'host=db2 dbname=then user=sluice'\n"
                           "  sluice restore --dry-run\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("table", options->globs, "tables by name or glob (default: all)");
  AddCutOptions(*verb, options->moment);
  verb->add_option("--to", options->to, "into this PostgreSQL instead of the replica, as the lake shows the tables")->type_name("DSN");
  verb->add_flag("--standalone", options->standalone, "also where the slot cannot go on from there");
  verb->add_flag("--quick", options->quick, "do not compare the rows afterwards");
  verb->add_flag("--dry-run", options->dry_run, "only say what would be restored");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Restore(*options, invocation); }; });
}

}  // namespace sluice::cli

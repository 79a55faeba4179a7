// sluice lake expire, compact, orphans: what keeps a lake small and quick, now instead of when its time comes.

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_order_json.h"
#include "cli/lake/lake_ordering.h"
#include "cli/lake/lake_reading.h"
#include "cli/output.h"
#include "config/units.h"
#include "iceberg/snapshot_expiry.h"
#include "sink/lake/left_uploads.h"
#include "sink/lake/orphans.h"
#include "sink/lake/table_id.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::vector<std::string> tables;
  std::optional<int> keep;
  std::optional<std::chrono::seconds> older_than;
  bool dry_run = false;
};
using OptionsPtr = std::shared_ptr<Options>;

std::string Count(const ordered_json& table, const std::string& figure) {
  return table.contains(figure) ? FormatCount(static_cast<uint64_t>(std::max<int64_t>(0, table.at(figure).get<int64_t>()))) : "–";
}

std::string Size(const ordered_json& table, const std::string& figure) {
  return table.contains(figure) ? FormatSize(static_cast<uint64_t>(std::max<int64_t>(0, table.at(figure).get<int64_t>()))) : "–";
}

std::string FromTo(const ordered_json& table, const std::string& figure, std::string (*text)(const ordered_json&, const std::string&)) {
  return table.contains(figure + "_before") ? text(table, figure + "_before") + " → " + text(table, figure + "_after") : "–";
}

/// What would be done to each table that follows the source, or to those named.
Result<ordered_json> WouldDo(Invocation& invocation, const Options& options, const std::function<Status(const OpenedLake& lake, const TableIdentifier& id, const CatalogTable& table, LakeTableDone& done)>& look) {
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const HeldTables held, ReadHeldTables(lake.catalog()));
  ASSIGN_OR_RETURN(const std::vector<TableName> named, NamedTables(invocation, options.tables));
  LakeReport report;
  RETURN_IF_ERROR(ForEachTable(lake, invocation, [&](const TableIdentifier& id, const CatalogTable& table) -> Status {
    const TableName name = NameOf(id);
    if (!named.empty() && std::find(named.begin(), named.end(), name) == named.end()) return Ok();
    const iceberg::Properties& properties = table.metadata->properties;
    ASSIGN_OR_RETURN(const auto copied, ParseCopiedTable(properties));
    const auto changes_of = ParseChangesOf(properties);
    if (named.empty() && !properties.contains(kStateProperty) && !changes_of) return Ok();
    LakeTableDone& done = report.tables.emplace_back(LakeTableDone{name, (copied || changes_of) && !held.contains(name), "", std::nullopt, {}});
    if (!done.done) done.note = held.contains(name) ? "it is held: " + held.at(name).reason : "it is being copied, or not sluice's";
    return done.done ? look(lake, id, table, done) : Ok();
  }));
  return ReportToJson(report);
}

Result<LakeOrder> OrderFor(LakeOrder::Kind kind, const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  if (!config.lake) return Error{ErrorKind::kNeedsOperator, "the configuration has no lake", slu::kLakeMissing};
  LakeOrder order{.kind = kind};
  ASSIGN_OR_RETURN(order.tables, NamedTables(invocation, options.tables));
  order.snapshots_kept = options.keep.value_or(config.lake->snapshots_kept);
  order.orphans_after = options.older_than.value_or(config.lake->maintenance.orphans_after);
  return order;
}

void SayDryRun(const Options& options, const Invocation& invocation) {
  if (options.dry_run) invocation.Say("nothing was changed");
}

Result<ExitCode> Expire(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(LakeOrder order, OrderFor(LakeOrder::Kind::kExpire, options, invocation));
  const int keep = order.snapshots_kept;
  Result<ordered_json> report = options.dry_run ? WouldDo(invocation, options, [&](const OpenedLake& lake, const TableIdentifier&, const CatalogTable& table, LakeTableDone& done) -> Status {
    const std::vector<int64_t> expired = iceberg::SnapshotsToExpire(*table.metadata, keep);
    ASSIGN_OR_RETURN(const auto files, iceberg::FindUnreachable(*table.metadata, expired, {}, *lake.manifests));
    const auto count = static_cast<int64_t>(expired.size());
    done.figures = {{"snapshots_expired", count}, {"snapshots_left", static_cast<int64_t>(table.metadata->snapshots.size()) - count}, {"files_removed", static_cast<int64_t>(files.size())}};
    return Ok();
  }) : CarryOutOrder(invocation, std::move(order));
  if (!report.ok()) return report.error();
  (*report)["dry_run"] = options.dry_run;
  return PrintReport(invocation, *report, "sluice.lake.expire/v1", [&](const ordered_json& json) {
    using enum Align;
    Table table({{"TABLE"}, {options.dry_run ? "TO EXPIRE" : "EXPIRED", kRight}, {"LEFT", kRight}, {options.dry_run ? "FILES TO REMOVE" : "FILES REMOVED", kRight}});
    for (const ordered_json& one : json.at("tables")) table.AddRow({one.at("table").get<std::string>(), Count(one, "snapshots_expired"), Count(one, "snapshots_left"), Count(one, "files_removed")});
    invocation.PrintTable(table);
    SayDryRun(options, invocation);
  });
}

Result<ExitCode> Compact(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(LakeOrder order, OrderFor(LakeOrder::Kind::kCompact, options, invocation));
  ASSIGN_OR_RETURN(ordered_json report, CarryOutOrder(invocation, std::move(order)));
  return PrintReport(invocation, std::move(report), "sluice.lake.compact/v1", [&](const ordered_json& json) {
    using enum Align;
    Table table({{"TABLE"}, {"FILES", kRight}, {"DELETE FILES", kRight}, {"DELETED ROWS", kRight}, {"SIZE", kRight}});
    for (const ordered_json& one : json.at("tables"))
      table.AddRow({one.at("table").get<std::string>(), FromTo(one, "data_files", Count), FromTo(one, "delete_files", Count), FromTo(one, "deleted_rows", Count), FromTo(one, "bytes", Size)});
    invocation.PrintTable(table);
  });
}

// Taking the lake's next epoch, whoever removes them by itself also counts what the last process left as nobody's.
Result<ExitCode> Orphans(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(LakeOrder order, OrderFor(LakeOrder::Kind::kRemoveOrphans, options, invocation));
  Result<ordered_json> report = ordered_json();
  if (options.dry_run) {
    ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
    const uint64_t next = IsRunning(config) ? 0 : 1;
    std::string note;
    report = WouldDo(invocation, options, [&](const OpenedLake& lake, const TableIdentifier& id, const CatalogTable& table, LakeTableDone& done) -> Status {
      ASSIGN_OR_RETURN(const auto properties, lake.catalog().NamespaceProperties(kBookmarkNamespace));
      ASSIGN_OR_RETURN(const uint64_t epoch, ParseEpoch(properties.value_or(iceberg::Properties{})));
      const OrphanAge age{epoch + next, SystemClock().Now() - order.orphans_after};
      ASSIGN_OR_RETURN(const auto orphans, FindOrphans(lake.store(), lake.catalog(), *lake.manifests, id, age));
      const auto uploads = FindLeftUploads(lake.store(), table.metadata->location, age);
      if (!uploads.ok()) note = WhyUploadsStay(uploads.error());
      int64_t bytes = 0;
      for (const ObjectInfo& orphan : orphans) bytes += orphan.size_bytes;
      done.figures = {{"files_removed", static_cast<int64_t>(orphans.size())}, {"bytes_removed", bytes}, {"uploads_aborted", uploads.ok() ? static_cast<int64_t>(uploads->size()) : 0}};
      return Ok();
    });
    if (report.ok() && !note.empty()) (*report)["note"] = note;
  } else {
    report = CarryOutOrder(invocation, std::move(order));
  }
  if (!report.ok()) return report.error();
  (*report)["dry_run"] = options.dry_run;
  return PrintReport(invocation, *report, "sluice.lake.orphans/v1", [&](const ordered_json& json) {
    using enum Align;
    Table table({{"TABLE"}, {options.dry_run ? "FILES TO REMOVE" : "FILES REMOVED", kRight}, {"SIZE", kRight}, {options.dry_run ? "UPLOADS TO ABORT" : "UPLOADS ABORTED", kRight}});
    for (const ordered_json& one : json.at("tables")) table.AddRow({one.at("table").get<std::string>(), Count(one, "files_removed"), Size(one, "bytes_removed"), Count(one, "uploads_aborted")});
    invocation.PrintTable(table);
    SayDryRun(options, invocation);
  });
}

using Command = Result<ExitCode> (*)(const Options&, Invocation&);

CLI::App* AddMaintenance(CLI::App& lake, Invocation& invocation, const OptionsPtr& options, const std::string& name, const std::string& summary, const std::string& examples, Command command) {
  CLI::App* verb = AddVerb(lake, name, summary, examples);
  verb->add_option("table,--table", options->tables, "only these tables, by the lake's names (default: all)")->type_name("TABLE...");
  verb->callback([&invocation, options, command] { invocation.command = [&invocation, options, command] { return command(*options, invocation); }; });
  return verb;
}

}  // namespace

void AddLakeExpire(CLI::App& lake, Invocation& invocation) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb = AddMaintenance(lake, invocation, options, "expire", "Expire old snapshots now, and remove the files that only they need; what tags name stays",
                                  "  sluice lake expire\n"
                                  "  sluice lake expire public.orders --keep 10 --dry-run\n", Expire);
  verb->add_option("--keep", options->keep, "so many of the newest snapshots stay (default: snapshots.keep)")->check(CLI::Range(1, 100'000))->type_name("N");
  verb->add_flag("--dry-run", options->dry_run, "only say what would be done");
}

void AddLakeCompact(CLI::App& lake, Invocation& invocation) {
  AddMaintenance(lake, invocation, std::make_shared<Options>(), "compact", "Write small files and files with deleted rows again now, whatever the hour",
                 "  sluice lake compact\n"
                 "  sluice lake compact public.orders\n", Compact);
}

void AddLakeOrphans(CLI::App& lake, Invocation& invocation) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb = AddMaintenance(lake, invocation, options, "orphans", "Remove files now that nothing refers to, and unfinished uploads whose writer is gone",
                                  "  sluice lake orphans --dry-run\n"
                                  "  sluice lake orphans public.orders --older-than 24h\n", Orphans);
  verb->add_flag("--dry-run", options->dry_run, "only say what would be done");
  verb->add_option("--older-than", "files of unknown origin only when they are older (default: maintenance.orphans_after; at least 1h)")
      ->type_name("TIME")
      ->each([options](const std::string& text) {
        const auto parsed = ParseDuration(text);
        if (!parsed || *parsed < std::chrono::hours(1) || *parsed > std::chrono::hours(24 * 366)) throw CLI::ValidationError("--older-than", "a duration from 1h to 366d");
        options->older_than = std::chrono::floor<std::chrono::seconds>(*parsed);
      });
}

}  // namespace sluice::cli

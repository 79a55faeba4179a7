// sluice lake tag: names for moments of the lake, the same on all tables, which keep what they name.

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_ordering.h"
#include "cli/lake/lake_reading.h"
#include "cli/lake/moment.h"
#include "cli/output.h"
#include "config/did_you_mean.h"
#include "config/printable.h"
#include "pipeline/status_json.h"
#include "sink/lake/cut_table.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string name;
  CutOptions moment;
  std::vector<std::string> tables;
  bool remove = false;
};

struct ListedTag {
  std::optional<TaggedMoment> moment;  // Absent: another program made it.
  std::vector<std::string> tables;
};

Result<std::map<std::string, ListedTag>> ListTags(const OpenedLake& lake, const Invocation& invocation) {
  std::map<std::string, ListedTag> tags;
  ASSIGN_OR_RETURN(const auto cuts, lake.catalog().LoadTable(CutTableId()));
  TaggedMoments moments;
  if (cuts) {
    ASSIGN_OR_RETURN(moments, ParseTaggedMoments(cuts->metadata->properties));
  }
  RETURN_IF_ERROR(ForEachTable(lake, invocation, [&](const TableIdentifier& id, const CatalogTable& table) -> Status {
    for (const std::string& name : TagsOf(*table.metadata)) tags[name].tables.push_back(ToString(id));
    return Ok();
  }));
  for (auto& [name, tag] : tags)
    if (const auto moment = moments.find(name); moment != moments.end()) tag.moment = moment->second;
  return tags;
}

std::string KindOf(const std::string& name, const ListedTag& tag) {
  const auto period = PeriodOf(name);
  if (period) return *period == TagPeriod::kHour ? "hourly" : "daily";
  return tag.moment ? "by hand" : "foreign";
}

Result<ExitCode> List(Invocation& invocation) {
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const auto tags, ListTags(lake, invocation));
  std::vector<std::pair<std::string, ListedTag>> sorted(tags.begin(), tags.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return (a.second.moment ? a.second.moment->lsn : Lsn{}) > (b.second.moment ? b.second.moment->lsn : Lsn{}); });
  if (invocation.options.json) {
    ordered_json all = ordered_json::array();
    for (const auto& [name, tag] : sorted) {
      ordered_json one = {{"tag", name}, {"kind", KindOf(name, tag)}};
      one["lsn"] = tag.moment ? ordered_json(ToString(tag.moment->lsn)) : ordered_json();
      one["source_time"] = tag.moment && tag.moment->source_time ? ordered_json(ToRfc3339(*tag.moment->source_time)) : ordered_json();
      one["tagged_at"] = tag.moment ? ordered_json(ToRfc3339(tag.moment->tagged_at)) : ordered_json();
      one["tables"] = tag.tables;
      all.push_back(std::move(one));
    }
    invocation.PrintJson({{"schema", "sluice.lake.tags/v1"}, {"tags", std::move(all)}});
    return ExitCode::kOk;
  }
  Table table({{"TAG"}, {"KIND"}, {"LSN"}, {"SOURCE TIME"}, {"TABLES", Align::kRight}});
  for (const auto& [name, tag] : sorted)
    table.AddRow({name, KindOf(name, tag), tag.moment ? ToString(tag.moment->lsn) : "–", tag.moment && tag.moment->source_time ? ToRfc3339(*tag.moment->source_time) : "–", std::to_string(tag.tables.size())});
  invocation.PrintTable(table);
  return ExitCode::kOk;
}

void Print(const ordered_json& report, const std::string& name, bool removed, const Invocation& invocation) {
  const std::string shown = Printable(name);
  if (removed) PrintData(fmt::format("deleted tag {}\n\n", shown));
  else PrintData(fmt::format("tag          {}\nlsn          {}\nsource time  {}\n\n", shown, report.value("lsn", "–"), report.value("source_time", "not known")));
  Table table({{"TABLE"}, {"SNAPSHOT", Align::kRight}});
  for (const ordered_json& one : report.at("tables")) table.AddRow({one.at("table").get<std::string>(), one.contains("snapshot_id") ? std::to_string(one.at("snapshot_id").get<int64_t>()) : "–"});
  invocation.PrintTable(table);
}

Error WithNearest(Error error, const std::string& name, Invocation& invocation) {
  const auto lake = OpenLake(invocation);
  const auto tags = lake.ok() ? ListTags(*lake, invocation) : Result<std::map<std::string, ListedTag>>(lake.error());
  if (!tags.ok()) return error;
  std::vector<std::string> names;
  for (const auto& [known, tag] : *tags) names.push_back(known);
  if (const auto meant = DidYouMean(name, names)) error.fix = {fmt::format("did you mean {}?", Printable(*meant)), "list them: sluice lake tag list"};
  return error;
}

Result<ExitCode> Tag(const Options& options, Invocation& invocation) {
  LakeOrder order{.kind = options.remove ? LakeOrder::Kind::kDeleteTag : LakeOrder::Kind::kTag, .tag = options.name};
  if (!options.remove) RETURN_IF_ERROR(CheckTagName(options.name));
  ASSIGN_OR_RETURN(order.at, ParseCutWish(options.moment));
  ASSIGN_OR_RETURN(order.tables, NamedTables(invocation, options.tables));
  Result<ordered_json> report = CarryOutOrder(invocation, std::move(order));
  if (!report.ok()) return report.error().code == slu::kLakeNoTag ? WithNearest(report.error(), options.name, invocation) : report.error();
  (*report)["tag"] = options.name;
  return PrintReport(invocation, *report, "sluice.lake.tag/v1", [&](const ordered_json& json) { Print(json, options.name, options.remove, invocation); });
}

}  // namespace

void AddLakeTag(CLI::App& lake, Invocation& invocation) {
  CLI::App* verb = AddVerb(lake, "tag", "Name one moment on all tables, so that it stays and can be read by its name",
                           "  sluice lake tag before-migration\n"
                           "  sluice lake tag month-end --at 2026-07-01T00:00:00Z\n"
                           "  sluice lake tag --delete before-migration\n"
                           "  sluice lake tag list\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("name", options->name, "of the tag: a letter, then letters, digits, points, hyphens and underscores")->type_name("NAME");
  AddCutOptions(*verb, options->moment);
  verb->add_option("--table", options->tables, "only these tables, by the lake's names")->allow_extra_args(false)->type_name("TABLE");
  verb->add_flag("--delete", options->remove, "remove the tag; what only it kept goes with the next snapshots that expire")->excludes(verb->get_option("--at"))->excludes(verb->get_option("--lsn"));
  verb->callback([&invocation, options, verb] {
    if (!verb->get_subcommands().empty()) return;
    if (options->name.empty()) throw CLI::RequiredError("name");
    invocation.command = [&invocation, options] { return Tag(*options, invocation); };
  });
  CLI::App* list = AddVerb(*verb, "list", "All tags, the newest moment first", "  sluice lake tag list\n");
  list->callback([&invocation] { invocation.command = [&invocation] { return List(invocation); }; });
}

}  // namespace sluice::cli

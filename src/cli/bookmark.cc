// sluice bookmark: how far each sink is, read from the sinks themselves; works while sluice runs and while it does not.

#include <fmt/format.h>

#include "cli/parts.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "config/did_you_mean.h"
#include "config/printable.h"
#include "pipeline/status_json.h"

namespace sluice::cli {
namespace {

nlohmann::ordered_json ToJson(const SinkBookmark& entry) {
  nlohmann::ordered_json json = {{"sink", entry.sink}, {"lsn", nullptr}};
  if (!entry.bookmark) return json;
  const Bookmark& bookmark = *entry.bookmark;
  json["lsn"] = ToString(bookmark.position.lsn);
  const LogIdentity& log = bookmark.position.log;
  json["system_identifier"] = std::to_string(log.system_identifier);  // More digits than a JSON number may have.
  json["timeline"] = log.timeline;
  json["database"] = log.database;
  json["slot"] = log.slot;
  json["watermark_at"] = bookmark.source_time == Timestamp{} ? nlohmann::ordered_json() : nlohmann::ordered_json(ToRfc3339(bookmark.source_time));
  json["epoch"] = bookmark.epoch;
  return json;
}

Result<ExitCode> List(Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(const std::vector<SinkBookmark> entries, ReadBookmarks(config));
  if (invocation.options.json) {
    nlohmann::ordered_json bookmarks = nlohmann::ordered_json::array();
    for (const SinkBookmark& entry : entries) bookmarks.push_back(ToJson(entry));
    invocation.PrintJson({{"schema", "sluice.bookmarks/v1"}, {"bookmarks", std::move(bookmarks)}});
    return ExitCode::kOk;
  }
  Table table({{"SINK"}, {"LSN"}, {"SOURCE TIME"}, {"EPOCH", Align::kRight}});
  for (const SinkBookmark& entry : entries) {
    if (!entry.bookmark) table.AddRow({entry.sink, "–", "–", "–"});
    else table.AddRow({entry.sink, ToString(entry.bookmark->position.lsn), ToRfc3339(entry.bookmark->source_time), std::to_string(entry.bookmark->epoch)});
  }
  invocation.PrintTable(table);
  return ExitCode::kOk;
}

Result<ExitCode> Show(const std::string& name, Invocation& invocation) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(const std::vector<SinkBookmark> entries, ReadBookmarks(config));
  std::vector<std::string> known;
  for (const SinkBookmark& entry : entries) {
    known.push_back(entry.sink);
    if (entry.sink != name) continue;
    if (invocation.options.json) {
      nlohmann::ordered_json json = ToJson(entry);
      json["schema"] = "sluice.bookmark/v1";
      invocation.PrintJson(json);
      return ExitCode::kOk;
    }
    if (!entry.bookmark) {
      PrintData(fmt::format("{}  nothing durable yet\n", Printable(name)));
      return ExitCode::kOk;
    }
    const Bookmark& bookmark = *entry.bookmark;
    const LogIdentity& log = bookmark.position.log;
    PrintData(fmt::format("sink         {}\nlsn          {}\nsource time  {}\nepoch        {}\nlog          system {} · timeline {} · database {} · slot {}\n", Printable(name),
                          ToString(bookmark.position.lsn), ToRfc3339(bookmark.source_time), bookmark.epoch, log.system_identifier, log.timeline, Printable(log.database), Printable(log.slot)));
    return ExitCode::kOk;
  }
  const auto meant = DidYouMean(name, known);
  return Error{ErrorKind::kNeedsOperator, fmt::format("there is no sink \"{}\"", Printable(name)), slu::kNoSuchSink, "", "",
               {meant ? fmt::format("did you mean: sluice bookmark show {}", Printable(*meant)) : "list them: sluice bookmark list"}};
}

}  // namespace

void AddBookmark(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "bookmark", "How far each sink is durable, read from the sinks themselves",
                           "  sluice bookmark list\n"
                           "  sluice bookmark show lake --json\n");
  CLI::App* list = AddVerb(*verb, "list", "All sinks", "  sluice bookmark list --json\n");
  list->callback([&invocation] { invocation.command = [&invocation] { return List(invocation); }; });
  CLI::App* show = AddVerb(*verb, "show", "One sink with its log and epoch", "  sluice bookmark show lake\n");
  const auto name = std::make_shared<std::string>();
  show->add_option("sink", *name, "name of the sink in the configuration")->required();
  show->callback([&invocation, name] { invocation.command = [&invocation, name] { return Show(*name, invocation); }; });
}

}  // namespace sluice::cli

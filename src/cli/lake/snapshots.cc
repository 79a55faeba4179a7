// sluice lake snapshots: what each commit to a table did, the newest first.

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_reading.h"
#include "cli/output.h"
#include "pipeline/status_json.h"

namespace sluice::cli {
namespace {

using iceberg::Snapshot;
using nlohmann::ordered_json;

std::string Entry(const Snapshot& snapshot, const char* key) {
  const auto found = snapshot.summary.find(key);
  return found == snapshot.summary.end() ? "" : found->second;
}

std::string Changed(const Snapshot& snapshot, const char* added, const char* removed) {
  const std::string plus = Entry(snapshot, added), minus = Entry(snapshot, removed);
  std::string text = plus.empty() || plus == "0" ? "" : "+" + plus;
  if (!minus.empty() && minus != "0") text += (text.empty() ? "−" : " −") + minus;
  return text.empty() ? "–" : text;
}

// Rows that a commit deletes are named by delete files, or go with their data file.
std::string RowsDeleted(const Snapshot& snapshot) { return Changed(snapshot, "added-position-deletes", "removed-position-deletes"); }

std::vector<std::string> RefsOf(const iceberg::TableMetadata& metadata, int64_t id) {
  std::vector<std::string> names;
  for (const auto& [name, ref] : metadata.refs)
    if (ref.snapshot_id == id) names.push_back(name);
  return names;
}

ordered_json ToJson(const Snapshot& snapshot, const iceberg::TableMetadata& metadata) {
  const auto mark = ParseSnapshotMark(snapshot.summary);
  ordered_json json = {{"snapshot_id", snapshot.snapshot_id}, {"sequence_number", snapshot.sequence_number}};
  json["parent_snapshot_id"] = snapshot.parent_snapshot_id ? ordered_json(*snapshot.parent_snapshot_id) : ordered_json();
  json["committed_at"] = TimeText(snapshot.timestamp_ms);
  json["operation"] = Entry(snapshot, "operation");
  json["lsn"] = mark ? ordered_json(ToString(mark->lsn)) : ordered_json();
  json["source_time"] = mark && mark->source_time ? ordered_json(ToRfc3339(*mark->source_time)) : ordered_json();
  json["refs"] = RefsOf(metadata, snapshot.snapshot_id);
  json["summary"] = snapshot.summary;
  return json;
}

Result<ExitCode> Snapshots(const std::string& name, Invocation& invocation) {
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const FoundTable found, LoadTable(lake.catalog(), name));
  const iceberg::TableMetadata& metadata = *found.table.metadata;
  std::vector<Snapshot> snapshots = metadata.snapshots;
  std::sort(snapshots.begin(), snapshots.end(), [](const Snapshot& a, const Snapshot& b) { return a.sequence_number > b.sequence_number; });
  if (invocation.options.json) {
    ordered_json all = ordered_json::array();
    for (const Snapshot& snapshot : snapshots) all.push_back(ToJson(snapshot, metadata));
    invocation.PrintJson({{"schema", "sluice.lake.snapshots/v1"}, {"table", ToString(found.id)}, {"snapshots", std::move(all)}});
    return ExitCode::kOk;
  }
  using enum Align;
  Table table({{"SNAPSHOT", kRight}, {"COMMITTED"}, {"OPERATION"}, {"LSN"}, {"ROWS", kRight}, {"DELETES", kRight}, {"FILES", kRight}, {"DELETE FILES", kRight}, {"REFS"}});
  for (const Snapshot& snapshot : snapshots) {
    const auto mark = ParseSnapshotMark(snapshot.summary);
    table.AddRow({std::to_string(snapshot.snapshot_id), TimeText(snapshot.timestamp_ms), Entry(snapshot, "operation"), mark ? ToString(mark->lsn) : "–",
                  Changed(snapshot, "added-records", "deleted-records"), RowsDeleted(snapshot), Changed(snapshot, "added-data-files", "deleted-data-files"),
                  Changed(snapshot, "added-delete-files", "removed-delete-files"), fmt::format("{}", fmt::join(RefsOf(metadata, snapshot.snapshot_id), ", "))});
  }
  invocation.PrintTable(table);
  return ExitCode::kOk;
}

}  // namespace

void AddLakeSnapshots(CLI::App& lake, Invocation& invocation) {
  CLI::App* verb = AddVerb(lake, "snapshots", "What each commit to a table did, the newest first", "  sluice lake snapshots public.orders\n");
  const auto name = std::make_shared<std::string>();
  verb->add_option("table", *name, "NAMESPACE.TABLE, by the lake's names")->required()->type_name("TABLE");
  verb->callback([&invocation, name] { invocation.command = [&invocation, name] { return Snapshots(*name, invocation); }; });
}

}  // namespace sluice::cli

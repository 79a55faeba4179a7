// sluice lake tables: every table of the lake in one line, and what to do better.

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_reading.h"
#include "cli/output.h"
#include "cli/progress_line.h"
#include "config/printable.h"
#include "config/units.h"
#include "iceberg/snapshot_producer.h"
#include "sink/lake/cuts.h"
#include "sink/lake/table_figures.h"
#include "sink/lake/table_id.h"
#include "sink/lake/table_layout.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kSmallShare = 8;  // A file is small below this part of the size that is aimed at.

struct Row {
  std::string name;
  TableFigures figures;
  size_t snapshots = 0;
  std::optional<int64_t> committed_ms;
  std::optional<Lsn> lsn;
  std::vector<std::string> hints;
};

Result<Row> MakeRow(const OpenedLake& lake, const TableIdentifier& id, const iceberg::TableMetadata& metadata) {
  Row row{ToString(id), {}, metadata.snapshots.size(), {}, {}, {}};
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(metadata, *lake.manifests));
  ASSIGN_OR_RETURN(row.figures, ReadFigures(metadata, *manifests, *lake.manifests, static_cast<int64_t>(FileBytesTargetOf(lake.config, NameOf(id))) / kSmallShare));
  if (const iceberg::Snapshot* current = metadata.current_snapshot()) row.committed_ms = current->timestamp_ms;
  const auto history = MainHistory(metadata);
  if (!history.empty() && history.front().mark) row.lsn = history.front().mark->lsn;
  row.hints = Hints(row.figures, DeleteFilesPerCommit(metadata));
  return row;
}

ordered_json ToJson(const FileFigures& figures) {
  ordered_json json = {{"rows_physical", figures.rows}, {"rows_deleted", figures.deleted_rows}, {"rows_live", figures.live_rows()}, {"deleted_share", figures.deleted_share()},
                       {"data_files", figures.data_files}, {"small_files", figures.small_files}, {"delete_files", figures.delete_files}, {"bytes", figures.bytes}};
  if (figures.equality_deletes > 0) json["equality_deletes"] = figures.equality_deletes;
  return json;
}

ordered_json ToJson(const Row& row) {
  ordered_json json = {{"table", row.name}};
  json.update(ToJson(row.figures.all));
  json["partitions"] = row.figures.partitions.size();
  json["snapshots"] = row.snapshots;
  json["committed_at"] = row.committed_ms ? ordered_json(TimeText(*row.committed_ms)) : ordered_json();
  json["lsn"] = row.lsn ? ordered_json(ToString(*row.lsn)) : ordered_json();
  json["hints"] = row.hints;
  return json;
}

std::string Count(int64_t count) { return FormatCount(static_cast<uint64_t>(std::max<int64_t>(0, count))); }

std::vector<std::string> Cells(const std::string& name, const FileFigures& figures) {
  return {name, Count(figures.live_rows()), Count(figures.deleted_rows), figures.deleted_rows == 0 ? "–" : fmt::format("{:.0f}%", 100 * figures.deleted_share()),
          Count(figures.data_files), Count(figures.small_files), Count(figures.delete_files), FormatSize(static_cast<uint64_t>(std::max<int64_t>(0, figures.bytes)))};
}

void Print(const std::vector<Row>& rows, const FileFigures& total, const Invocation& invocation) {
  using enum Align;
  Table table({{"TABLE"}, {"ROWS", kRight}, {"DELETED", kRight}, {"SHARE", kRight}, {"FILES", kRight}, {"SMALL", kRight}, {"DELETES", kRight}, {"SIZE", kRight}, {"SNAPSHOTS", kRight}, {"COMMITTED"}, {"LSN"}});
  const auto add = [&](std::vector<std::string> cells, size_t snapshots, const std::string& committed, const std::string& lsn) {
    cells.insert(cells.end(), {Count(static_cast<int64_t>(snapshots)), committed, lsn});
    table.AddRow(std::move(cells));
  };
  size_t snapshots = 0;
  for (const Row& row : rows) {
    snapshots += row.snapshots;
    add(Cells(row.name, row.figures.all), row.snapshots, row.committed_ms ? TimeText(*row.committed_ms).substr(0, 19) + "Z" : "–", row.lsn ? ToString(*row.lsn) : "–");
  }
  add(Cells(fmt::format("{} {}", rows.size(), rows.size() == 1 ? "table" : "tables"), total), snapshots, "", "");
  invocation.PrintTable(table);
  for (const Row& row : rows)
    for (const std::string& hint : row.hints) invocation.Say(fmt::format("{}: {}", Printable(row.name), Printable(hint)));
}

Result<ExitCode> Tables(Invocation& invocation) {
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  std::vector<Row> rows;
  FileFigures total;
  ProgressLine progress(invocation.terminal.progress);
  const Status read = ForEachTable(lake, invocation, [&](const TableIdentifier& id, const CatalogTable& table) -> Status {
    progress.Show(fmt::format("reading {}", Printable(ToString(id))));
    ASSIGN_OR_RETURN(Row row, MakeRow(lake, id, *table.metadata));
    total.Add(row.figures.all);
    rows.push_back(std::move(row));
    return Ok();
  });
  progress.Erase();
  if (!invocation.options.json) {
    Print(rows, total, invocation);
  } else {
    ordered_json tables = ordered_json::array();
    for (const Row& row : rows) tables.push_back(ToJson(row));
    invocation.PrintJson({{"schema", "sluice.lake.tables/v1"}, {"tables", std::move(tables)}, {"total", ToJson(total)}});
  }
  RETURN_IF_ERROR(read);
  return ExitCode::kOk;
}

}  // namespace

void AddLakeTables(CLI::App& lake, Invocation& invocation) {
  CLI::App* verb = AddVerb(lake, "tables", "All tables: rows, deleted rows, files, size, last commit",
                           "  sluice lake tables\n"
                           "  sluice lake tables --json | jq '.tables[] | select(.deleted_share > 0.2) | .table'\n");
  verb->callback([&invocation] { invocation.command = [&invocation] { return Tables(invocation); }; });
}

}  // namespace sluice::cli

// sluice lake files: the files that a snapshot of a table is made of.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_reading.h"
#include "cli/output.h"
#include "cli/progress_line.h"
#include "config/units.h"
#include "iceberg/literal.h"
#include "iceberg/snapshot_producer.h"
#include "sink/lake/table_figures.h"
#include "sink/lake/table_files.h"

namespace sluice::cli {
namespace {

using iceberg::DataFile;
using iceberg::FileContent;
using nlohmann::ordered_json;

struct Options {
  std::string table, partition;
  int64_t snapshot = 0;
};

struct Line {
  DataFile file;
  std::string partition;
  int64_t deleted_rows = 0;  ///< Of a data file: those that are deleted; of a delete file: those that it names.
  std::string key;           ///< "id 1 … 400"; empty: not known.
};

std::string_view WordOf(FileContent content) {
  switch (content) {
    case FileContent::kData: return "data";
    case FileContent::kPositionDeletes: return "deletes";
    case FileContent::kEqualityDeletes: return "equality deletes";
  }
  return "";
}

std::string BoundText(const iceberg::Type& type, const iceberg::BoundById& bounds, int32_t id) {
  const auto found = std::find_if(bounds.begin(), bounds.end(), [&](const auto& bound) { return bound.first == id; });
  if (found == bounds.end()) return "?";
  const auto value = iceberg::DecodeBound(type, found->second);
  return value.ok() ? iceberg::ToHumanText({}, type, *value) : "?";
}

/// Of the first column of the key.
std::string KeyText(const iceberg::Schema& schema, const DataFile& file) {
  if (schema.identifier_field_ids.empty() || file.content != FileContent::kData) return "";
  const iceberg::Field* const key = schema.FindField(schema.identifier_field_ids.front());
  if (key == nullptr || !key->type.is_primitive()) return "";
  return fmt::format("{} {} … {}", key->name, BoundText(key->type, file.lower_bounds, key->id), BoundText(key->type, file.upper_bounds, key->id));
}

Result<iceberg::ManifestFiles> ManifestsOf(const OpenedLake& lake, const FoundTable& found, int64_t snapshot) {
  if (snapshot == 0) return iceberg::CurrentManifests(*found.table.metadata, *lake.manifests);
  const iceberg::Snapshot* const wanted = found.table.metadata->FindSnapshot(snapshot);
  if (wanted == nullptr)
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} has no snapshot {}", ToString(found.id), snapshot), slu::kLakeNoSnapshot, "", "", {fmt::format("list them: sluice lake snapshots {}", ToString(found.id))}};
  return lake.manifests->ReadManifestList(wanted->manifest_list);
}

Result<std::vector<Line>> ReadLines(const OpenedLake& lake, const FoundTable& found, const Options& options) {
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, ManifestsOf(lake, found, options.snapshot));
  std::vector<TableFile> with_deletes;
  RETURN_IF_ERROR(LoadTableFiles(lake.store(), *lake.manifests, *manifests, with_deletes));
  std::map<std::string, int64_t> deleted;
  for (const TableFile& file : with_deletes) deleted[file.path] = file.deleted_count;
  const iceberg::TableMetadata& metadata = *found.table.metadata;
  std::vector<Line> lines;
  for (const iceberg::ManifestFile& manifest : *manifests) {
    ASSIGN_OR_RETURN(const iceberg::ManifestEntries entries, lake.manifests->ReadManifest(manifest));
    for (const iceberg::ManifestEntry& entry : *entries) {
      if (!entry.is_live()) continue;
      const DataFile& file = entry.file;
      Line line{file, PartitionText(metadata, file), file.content == FileContent::kData ? deleted[file.path] : file.record_count, KeyText(metadata.schema(), file)};
      if (line.partition.find(options.partition) != std::string::npos) lines.push_back(std::move(line));
    }
  }
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return std::tie(a.partition, a.file.content, a.file.path) < std::tie(b.partition, b.file.content, b.file.path); });
  return lines;
}

ordered_json ToJson(const Line& line) {
  const DataFile& file = line.file;
  ordered_json json = {{"path", file.path}, {"content", WordOf(file.content)}, {"format", file.format}, {"partition", line.partition}, {"rows", file.content == FileContent::kData ? file.record_count : 0},
                       {"deleted_rows", line.deleted_rows}, {"bytes", file.file_size_bytes}};
  json["key_bounds"] = line.key.empty() ? ordered_json() : ordered_json(line.key);
  if (file.referenced_data_file) json["referenced_data_file"] = *file.referenced_data_file;
  return json;
}

Result<ExitCode> Files(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const FoundTable found, LoadTable(lake.catalog(), options.table));
  ProgressLine progress(invocation.terminal.progress);
  progress.Show("reading manifests and deletes");
  ASSIGN_OR_RETURN(const std::vector<Line> lines, ReadLines(lake, found, options));
  progress.Erase();
  if (invocation.options.json) {
    ordered_json files = ordered_json::array();
    for (const Line& line : lines) files.push_back(ToJson(line));
    const int64_t snapshot = options.snapshot != 0 ? options.snapshot : found.table.metadata->current_snapshot_id.value_or(0);
    invocation.PrintJson({{"schema", "sluice.lake.files/v1"}, {"table", ToString(found.id)}, {"snapshot_id", snapshot == 0 ? ordered_json() : ordered_json(snapshot)},
                          {"location", found.table.metadata->location}, {"files", std::move(files)}});
    return ExitCode::kOk;
  }
  using enum Align;
  Table table({{"CONTENT"}, {"PARTITION"}, {"ROWS", kRight}, {"DELETED", kRight}, {"SIZE", kRight}, {"KEY"}, {"FILE"}});
  const std::string prefix = found.table.metadata->location + "/";
  for (const Line& line : lines) {
    const std::string& path = line.file.path;
    table.AddRow({std::string(WordOf(line.file.content)), line.partition.empty() ? "–" : line.partition, line.file.content == FileContent::kData ? std::to_string(line.file.record_count) : "–",
                  std::to_string(line.deleted_rows), FormatSize(static_cast<uint64_t>(std::max<int64_t>(0, line.file.file_size_bytes))), line.key.empty() ? "–" : line.key,
                  path.starts_with(prefix) ? path.substr(prefix.size()) : path});
  }
  invocation.PrintTable(table);
  return ExitCode::kOk;
}

}  // namespace

void AddLakeFiles(CLI::App& lake, Invocation& invocation) {
  CLI::App* verb = AddVerb(lake, "files", "Data and delete files of a table with their partition, rows, deleted rows, size and key bounds",
                           "  sluice lake files public.orders\n"
                           "  sluice lake files public.orders --partition day=2026-07-01 --json\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("table", options->table, "NAMESPACE.TABLE, by the lake's names")->required()->type_name("TABLE");
  verb->add_option("--snapshot", options->snapshot, "of this snapshot (default: the current one)")->type_name("ID");
  verb->add_option("--partition", options->partition, "only those whose partition contains this text")->type_name("TEXT");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Files(*options, invocation); }; });
}

}  // namespace sluice::cli

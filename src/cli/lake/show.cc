// sluice lake show: one table: columns, partitions, state, size, and how to read it.

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_reading.h"
#include "cli/output.h"
#include "cli/parts.h"
#include "config/printable.h"
#include "config/units.h"
#include "duckdb/lake_statements.h"
#include "iceberg/snapshot_producer.h"
#include "pipeline/status_json.h"
#include "sink/lake/cuts.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/row_sorter.h"
#include "sink/lake/table_figures.h"
#include "sink/lake/table_id.h"
#include "sink/lake/table_layout.h"
#include "sink/lake/tag_cost.h"

namespace sluice::cli {
namespace {

using iceberg::TableMetadata;
using nlohmann::ordered_json;

struct Options {
  std::string table;
  size_t top = 10;
};

std::string TypeText(const iceberg::Type& type) {
  switch (type.id) {
    case iceberg::TypeId::kStruct: {
      std::string members;
      for (const iceberg::Field& field : type.fields) members += (members.empty() ? "" : ", ") + field.name + " " + TypeText(field.type);
      return "struct<" + members + ">";
    }
    case iceberg::TypeId::kList: return "list<" + TypeText(type.fields.at(0).type) + ">";
    case iceberg::TypeId::kMap: return "map<" + TypeText(type.fields.at(0).type) + ", " + TypeText(type.fields.at(1).type) + ">";
    default: return iceberg::ToString(type);
  }
}

std::string ColumnName(const TableMetadata& metadata, int32_t field_id) {
  const iceberg::Field* const field = metadata.schema().FindField(field_id);
  return field == nullptr ? fmt::format("#{}", field_id) : field->name;
}

std::string PartitionsText(const TableMetadata& metadata) {
  std::string text;
  for (const iceberg::PartitionField& field : metadata.spec().fields) {
    const std::string transform = iceberg::ToString(field.transform), column = ColumnName(metadata, field.source_id);
    text += (text.empty() ? "" : ", ") + (transform == "identity" ? column : fmt::format("{}({})", transform, column));
  }
  return text.empty() ? "none" : text;
}

std::string SortText(const TableMetadata& metadata) {
  std::string text;
  for (const iceberg::SortField& field : metadata.sort_order().fields) {
    text += (text.empty() ? "" : ", ") + ColumnName(metadata, field.source_id) + (field.ascending ? "" : " desc");
    if (field.nulls_first != field.ascending) text += field.nulls_first ? " nulls first" : " nulls last";
  }
  return text.empty() ? "none" : text;
}

constexpr const char* kFromTheNextChangeOn = "the configuration asks for another one, which holds from the table's next change on after a start";

// Where the table is laid out otherwise than the configuration says, and why; empty where not.
ordered_json LayoutNotes(const TableMetadata& metadata, const LakeConfig& config, const TableName& name) {
  ordered_json notes = ordered_json::object();
  const auto copied = ParseCopiedTable(metadata.properties);
  const size_t columns = metadata.schema().fields.size();
  if (!copied.ok() || !*copied || ParseChangesOf(metadata.properties) || columns < AddedColumnCount()) return notes;
  const size_t at = columns - AddedColumnCount();
  const auto spec = MakePartitionSpec(PartitionConfigOf(config, name), name, metadata.schema(), at);
  if (!spec.ok()) notes["partition"] = spec.error().message;
  else if (!SamePartitions(*spec, metadata.spec())) notes["partition"] = kFromTheNextChangeOn;
  const auto sort = MakeSortOrder(SortConfigOf(config, name), name, metadata.schema(), at);
  if (!sort.ok()) notes["sort"] = sort.error().message;
  else if (sort->fields != metadata.sort_order().fields) notes["sort"] = kFromTheNextChangeOn;
  const int32_t format_version = FormatVersionOf(config, name);
  if (format_version > metadata.format_version) notes["format"] = kFromTheNextChangeOn;
  if (format_version < metadata.format_version) notes["format"] = fmt::format("the configuration asks for {}, and there is no way back", format_version);
  return notes;
}

// What readers and maintenance go by; ours speak of the bookmark, which has a line of its own.
ordered_json PropertiesThatMatter(const TableMetadata& metadata) {
  ordered_json json = ordered_json::object();
  for (const auto& [key, value] : metadata.properties)
    if (!key.starts_with("sluice.") || key == kStateProperty || key == kCopyLsnProperty || key == kCatchingUpProperty) json[key] = value;
  return json;
}

ordered_json Figures(const FileFigures& figures) {
  return {{"rows_live", figures.live_rows()}, {"rows_deleted", figures.deleted_rows}, {"data_files", figures.data_files}, {"delete_files", figures.delete_files}, {"bytes", figures.bytes}};
}

struct Largest {
  std::vector<std::pair<std::string, FileFigures>> partitions;  // The largest first.
  size_t others = 0;
};

Largest LargestPartitions(const TableFigures& figures, size_t top) {
  Largest largest{{figures.partitions.begin(), figures.partitions.end()}, 0};
  std::stable_sort(largest.partitions.begin(), largest.partitions.end(), [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  if (largest.partitions.size() > top) {
    largest.others = largest.partitions.size() - top;
    largest.partitions.resize(top);
  }
  return largest;
}

std::string DuckDbLine(const std::string& metadata_location) { return fmt::format("SELECT * FROM iceberg_scan({});", DuckDbText(metadata_location)); }

ordered_json Document(const FoundTable& found, const TableFigures& figures, const Largest& largest, const TagCost& cost, const LakeConfig& config) {
  const TableMetadata& metadata = *found.table.metadata;
  ordered_json json = {{"schema", "sluice.lake.table/v1"}, {"table", ToString(found.id)}, {"location", metadata.location}, {"metadata_location", found.table.metadata_location},
                       {"table_uuid", metadata.table_uuid}, {"format_version", metadata.format_version}};
  json["columns"] = ordered_json::array();
  const auto& keys = metadata.schema().identifier_field_ids;
  for (const iceberg::Field& field : metadata.schema().fields)
    json["columns"].push_back({{"id", field.id}, {"name", field.name}, {"type", TypeText(field.type)}, {"required", field.required}, {"key", std::find(keys.begin(), keys.end(), field.id) != keys.end()}});
  json["partition"] = PartitionsText(metadata);
  json["sort"] = SortText(metadata);
  json["layout_notes"] = LayoutNotes(metadata, config, NameOf(found.id));
  json["properties"] = PropertiesThatMatter(metadata);
  const iceberg::Snapshot* const current = metadata.current_snapshot();
  json["snapshot_id"] = current ? ordered_json(current->snapshot_id) : ordered_json();
  json["committed_at"] = current ? ordered_json(TimeText(current->timestamp_ms)) : ordered_json();
  const auto history = MainHistory(metadata);
  const auto mark = history.empty() ? std::nullopt : history.front().mark;
  json["lsn"] = mark ? ordered_json(ToString(mark->lsn)) : ordered_json();
  json["source_time"] = mark && mark->source_time ? ordered_json(ToRfc3339(*mark->source_time)) : ordered_json();
  json["snapshots"] = metadata.snapshots.size();
  json["refs"] = ordered_json::array();
  for (const auto& [name, ref] : metadata.refs) json["refs"].push_back({{"name", name}, {"type", ref.is_tag ? "tag" : "branch"}, {"snapshot_id", ref.snapshot_id}});
  json["kept_by_tags"] = {{"snapshots", cost.snapshots}, {"files", cost.files}, {"bytes", cost.bytes}};
  json["size"] = Figures(figures.all);
  json["partitions"] = ordered_json::array();
  for (const auto& [name, of_partition] : largest.partitions) {
    ordered_json one = {{"partition", name}};
    one.update(Figures(of_partition));
    json["partitions"].push_back(std::move(one));
  }
  json["partitions_not_shown"] = largest.others;
  json["read_with"] = {{"duckdb", DuckDbLine(found.table.metadata_location)}};
  return json;
}

std::string TextOr(const ordered_json& value) { return value.is_string() ? value.get<std::string>() : value.is_null() ? "–" : value.dump(); }

void Print(const ordered_json& json, const FileFigures& all, const Largest& largest, const Invocation& invocation) {
  const auto line = [&](const char* label, const std::string& text) { PrintData(fmt::format("{:<12}{}\n", label, Printable(text))); };
  line("table", TextOr(json["table"]));
  line("location", TextOr(json["location"]));
  line("metadata", TextOr(json["metadata_location"]));
  line("format", fmt::format("{}, {} snapshots", json["format_version"].get<int>(), json["snapshots"].get<size_t>()));
  line("partition", TextOr(json["partition"]));
  line("sort", TextOr(json["sort"]));
  for (const auto& [of, note] : json["layout_notes"].items()) line("note", fmt::format("{}: {}", of, TextOr(note)));
  line("snapshot", fmt::format("{} of {}", TextOr(json["snapshot_id"]), TextOr(json["committed_at"])));
  line("bookmark", fmt::format("{}, everything up to {} on the source", TextOr(json["lsn"]), TextOr(json["source_time"])));
  for (const ordered_json& ref : json["refs"]) line(ref["type"] == "tag" ? "tag" : "branch", fmt::format("{} at {}", TextOr(ref["name"]), TextOr(ref["snapshot_id"])));
  if (const int64_t bytes = json["kept_by_tags"]["bytes"].get<int64_t>(); json["kept_by_tags"]["snapshots"] != 0)
    line("tags keep", fmt::format("{} files, {}, that no other snapshot needs", json["kept_by_tags"]["files"].get<int64_t>(), FormatSize(static_cast<uint64_t>(std::max<int64_t>(0, bytes)))));
  for (const auto& [key, value] : json["properties"].items()) line("property", fmt::format("{} = {}", key, TextOr(value)));
  line("size", fmt::format("{} rows, {} deleted, {} data files, {} delete files, {}", FormatCount(static_cast<uint64_t>(std::max<int64_t>(0, all.live_rows()))),
                           FormatCount(static_cast<uint64_t>(all.deleted_rows)), all.data_files, all.delete_files, FormatSize(static_cast<uint64_t>(std::max<int64_t>(0, all.bytes)))));
  PrintData("\n");
  Table columns({{"ID", Align::kRight}, {"COLUMN"}, {"TYPE"}, {""}});
  for (const ordered_json& column : json["columns"])
    columns.AddRow({column["id"].dump(), column["name"].get<std::string>(), column["type"].get<std::string>(), column["key"] == true ? "key" : column["required"] == true ? "required" : ""});
  invocation.PrintTable(columns);
  if (json["partition"] != "none") {
    PrintData("\n");
    using enum Align;
    Table partitions({{"PARTITION"}, {"ROWS", kRight}, {"DELETED", kRight}, {"FILES", kRight}, {"DELETES", kRight}, {"SIZE", kRight}});
    for (const auto& [name, figures] : largest.partitions)
      partitions.AddRow({name, std::to_string(figures.live_rows()), std::to_string(figures.deleted_rows), std::to_string(figures.data_files), std::to_string(figures.delete_files),
                         FormatSize(static_cast<uint64_t>(std::max<int64_t>(0, figures.bytes)))});
    invocation.PrintTable(partitions);
    if (largest.others > 0) PrintData(fmt::format("and {} more: --top\n", largest.others));
  }
  PrintData(fmt::format("\nread it with DuckDB:  {}\n", Printable(TextOr(json["read_with"]["duckdb"]))));
}

Result<ExitCode> Show(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const FoundTable found, LoadTable(lake.catalog(), options.table));
  const TableMetadata& metadata = *found.table.metadata;
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(metadata, *lake.manifests));
  ASSIGN_OR_RETURN(const TableFigures figures, ReadFigures(metadata, *manifests, *lake.manifests, 0));
  const Largest largest = LargestPartitions(figures, options.top);
  ASSIGN_OR_RETURN(const TagCost cost, FindTagCost(metadata, lake.config.snapshots_kept, *lake.manifests));
  const ordered_json document = Document(found, figures, largest, cost, BehindMapping(lake.config));
  if (invocation.options.json) invocation.PrintJson(document);
  else Print(document, figures.all, largest, invocation);
  return ExitCode::kOk;
}

}  // namespace

void AddLakeShow(CLI::App& lake, Invocation& invocation) {
  CLI::App* verb = AddVerb(lake, "show", "One table: columns, partitions, properties, state, size by partition, how to read it",
                           "  sluice lake show public.orders\n"
                           "  sluice lake show orders --top 50\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("table", options->table, "NAMESPACE.TABLE, by the lake's names")->required()->type_name("TABLE");
  verb->add_option("--top", options->top, "so many of the largest partitions (10)")->check(CLI::Range(1, 1'000'000))->type_name("N");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Show(*options, invocation); }; });
}

}  // namespace sluice::cli

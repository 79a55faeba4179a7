#include "sink/lake/lake_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "iceberg/snapshot_producer.h"
#include "observability/error_catalog.h"
#include "sink/lake/definition_file.h"
#include "sink/lake/input_text.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/live_rows.h"

namespace sluice {
namespace {

constexpr size_t kRowsBytes = 64 << 10;  // Handed over at once.

Error CannotRestore(std::string why) { return {ErrorKind::kNeedsOperator, std::move(why), slu::kRestoreTable}; }

/// The table as it was at a snapshot that is left.
Result<iceberg::TableMetadata> MetadataAt(const iceberg::TableMetadata& metadata, std::optional<int64_t> snapshot_id) {
  iceberg::TableMetadata at = metadata;
  if (snapshot_id == metadata.current_snapshot_id) return at;
  at.current_snapshot_id = snapshot_id;
  if (!snapshot_id) return at;  // It was empty, and may have the columns of now.
  const iceberg::Snapshot* const snapshot = metadata.FindSnapshot(*snapshot_id);
  if (snapshot == nullptr || !snapshot->schema_id || metadata.FindSchema(*snapshot->schema_id) == nullptr)
    return CannotRestore("the columns that it had then are not known any more");
  at.current_schema_id = *snapshot->schema_id;
  return at;
}

/// The names under which its structure may be found, of then before of now.
std::vector<std::string> DefinitionNames(const iceberg::TableMetadata& metadata, std::optional<int64_t> snapshot_id) {
  std::vector<std::string> names;
  const auto add = [&](const iceberg::Properties& properties) {
    const auto named = properties.find(kDefinitionProperty);
    if (named != properties.end() && std::find(names.begin(), names.end(), named->second) == names.end()) names.push_back(named->second);
  };
  // Of the current snapshot the table's own is newer: a structure may be followed without a row.
  const bool is_current = snapshot_id == metadata.current_snapshot_id;
  if (is_current) add(metadata.properties);
  if (const iceberg::Snapshot* const snapshot = snapshot_id ? metadata.FindSnapshot(*snapshot_id) : nullptr) add(snapshot->summary);
  if (!is_current) add(metadata.properties);
  return names;
}

/// Takes out what the table had no more. False: it had a column that the definition lacks.
bool FitColumns(const iceberg::Schema& held, size_t added_columns, TableDefinition& table) {
  TableSchema fitted = *table.schema;
  std::vector<ColumnDefinition> definitions;
  std::vector<size_t> place(fitted.columns.size(), SIZE_MAX);
  fitted.columns.clear();
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (held.FindColumn(table.schema->columns[i].name) == nullptr) continue;
    place[i] = fitted.columns.size();
    fitted.columns.push_back(table.schema->columns[i]);
    definitions.push_back(table.columns[i]);
  }
  if (fitted.columns.size() + added_columns != held.fields.size()) return false;
  for (std::vector<size_t>* key : {&fitted.key, &table.primary_key}) {
    for (size_t& column : *key) {
      if (place[column] == SIZE_MAX) return false;
      column = place[column];
    }
  }
  table.columns = std::move(definitions);
  table.schema = std::make_shared<const TableSchema>(std::move(fitted));
  return true;
}

FieldIds IdsByName(const iceberg::Schema& held, const TableSchema& table) {
  FieldIds ids;
  for (const Column& column : table.columns)
    if (column.attribute_number != 0) ids[column.attribute_number] = held.FindColumn(column.name)->id;
  return ids;
}

TypePtr WithoutBinary(const TypePtr& type) {
  if (!type->has_binary) return type;
  auto text = std::make_shared<Type>(*type);
  text->has_binary = false;
  return text;
}

std::optional<int64_t> WholeNumber(const iceberg::Type& type, const iceberg::BoundById& bounds, int32_t field) {
  if (type.id != iceberg::TypeId::kInt && type.id != iceberg::TypeId::kLong) return std::nullopt;
  for (const auto& [id, bytes] : bounds) {
    if (id != field) continue;
    const auto bound = iceberg::DecodeBound(type, bytes);
    if (!bound.ok()) return std::nullopt;
    if (const auto* number = std::get_if<int32_t>(&*bound)) return *number;
    if (const auto* number = std::get_if<int64_t>(&*bound)) return *number;
  }
  return std::nullopt;
}

/// Writes rows as RowReceiver takes them, each value as its text.
class RowWriter {
 public:
  RowWriter(const LakeSchema& schema, RowReceiver& receiver) : schema_(schema), receiver_(receiver) {}

  Status Add(std::span<const Cell> cells) {
    AppendBigEndian<int16_t>(rows_, static_cast<int16_t>(cells.size()));
    for (size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].is_null()) {
        AppendBigEndian<int32_t>(rows_, -1);
        continue;
      }
      const size_t at = rows_.size();
      AppendBigEndian<int32_t>(rows_, 0);
      const Column& column = schema_.source->columns[i];
      if (!AppendInputText(cells[i], *column.type, schema_.iceberg.fields[i].type, rows_))
        return CannotRestore(fmt::format("a value in column {} names something of the source, or is not what sluice writes", column.name));
      StoreBigEndian(std::as_writable_bytes(std::span(rows_)).data() + at, static_cast<int32_t>(rows_.size() - at - sizeof(int32_t)));
    }
    ++count_;
    return rows_.size() < kRowsBytes ? Status() : Flush();
  }

  Status Flush() {
    if (count_ == 0) return Ok();
    const Status taken = receiver_.Rows(AsBytes(rows_), count_);
    rows_.clear();
    count_ = 0;
    return taken;
  }

 private:
  const LakeSchema& schema_;
  RowReceiver& receiver_;
  std::string rows_;
  size_t count_ = 0;
};

}  // namespace

Result<std::unique_ptr<const LakeRows>> LakeRows::Open(ObjectStore& store, iceberg::ManifestCache& cache, const TableName& name, const CatalogTable& table,
                                                       std::optional<int64_t> snapshot_id) {
  std::unique_ptr<LakeRows> rows(new LakeRows(store));
  ASSIGN_OR_RETURN(iceberg::TableMetadata metadata, MetadataAt(*table.metadata, snapshot_id));
  const size_t added = AddedColumnCount();
  if (metadata.schema().fields.size() < added) return CannotRestore("it lacks sluice's own columns");
  const std::vector<std::string> names = DefinitionNames(*table.metadata, snapshot_id);
  if (names.empty()) return CannotRestore("the lake does not say how it was made: an older sluice copied it");
  bool fits = false;
  for (const std::string& one : names) {
    ASSIGN_OR_RETURN(rows->definition_, ReadDefinition(store, metadata.location, one));
    if (fits = FitColumns(metadata.schema(), added, rows->definition_); fits) break;
  }
  if (!fits) return CannotRestore("its columns changed just then, and how they were made had not been read yet");
  if (rows->definition_.schema->name != name) return CannotRestore("what the lake says of how it was made is of another table");
  for (const Column& column : rows->definition_.schema->columns)
    if (const std::string why = WhyNoInputText(*column.type); !why.empty()) return CannotRestore(fmt::format("column {}: {}", column.name, why));
  const FieldIds ids = IdsByName(metadata.schema(), *rows->definition_.schema);
  metadata.properties[kColumnsProperty] = ToText(ids);
  ASSIGN_OR_RETURN(rows->schema_, EvolveLakeSchema(metadata.schema(), metadata.last_column_id, ids, rows->definition_.schema));
  rows->at_snapshot_ = {table.metadata_location, std::make_shared<const iceberg::TableMetadata>(std::move(metadata))};
  RETURN_IF_ERROR(rows->LoadFiles(cache));
  return std::unique_ptr<const LakeRows>(std::move(rows));
}

Status LakeRows::LoadFiles(iceberg::ManifestCache& cache) {
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(*at_snapshot_.metadata, cache));
  ASSIGN_OR_RETURN(const iceberg::TableScan scan, iceberg::PlanScan(*manifests, cache));
  RETURN_IF_ERROR(LoadTableFiles(store_, scan, files_));
  // The same files in the same order whenever it is read again.
  std::sort(files_.begin(), files_.end(), [](const TableFile& a, const TableFile& b) { return a.path < b.path; });
  bounds_.resize(schema_->source_columns());
  std::map<std::string_view, uint64_t> bytes;
  for (const iceberg::ScanFile& scanned : scan.data_files) {
    const iceberg::DataFile& file = scanned.data.file();
    bytes[file.path] = static_cast<uint64_t>(std::max<int64_t>(file.file_size_bytes, 0));
    for (size_t i = 0; i < bounds_.size(); ++i) {
      const iceberg::Field& field = schema_->iceberg.fields[i];
      const auto low = WholeNumber(field.type, file.lower_bounds, field.id), high = WholeNumber(field.type, file.upper_bounds, field.id);
      if (low) bounds_[i].first = std::min(bounds_[i].first.value_or(*low), *low);
      if (high) bounds_[i].second = std::max(bounds_[i].second.value_or(*high), *high);
    }
  }
  Leaf leaf;
  leaf.oid = definition_.schema->oid;
  leaf.name = definition_.schema->name;
  leaf.pages = static_cast<uint32_t>(files_.size());
  // So that no copy of the source takes the files' numbers for blocks of its own.
  leaf.attachments = fmt::format("snapshot {} of the lake", at_snapshot_.metadata->current_snapshot_id.value_or(0));
  for (const TableFile& file : files_) {
    file_bytes_.push_back(bytes[file.path]);
    leaf.size_bytes += file_bytes_.back();
  }
  leaf.estimated_rows = static_cast<double>(rows());
  definition_.leaves = {std::move(leaf)};
  return Ok();
}

TableDefinition LakeRows::AsText() const {
  TableDefinition text = definition_;
  TableSchema schema = *definition_.schema;
  for (Column& column : schema.columns) column.type = WithoutBinary(column.type);
  text.schema = std::make_shared<const TableSchema>(std::move(schema));
  return text;
}

uint64_t LakeRows::rows() const {
  uint64_t rows = 0;
  for (const TableFile& file : files_) rows += static_cast<uint64_t>(std::max<int64_t>(file.rows - file.deleted_count, 0));
  return rows;
}

Status LakeRows::Read(size_t first, size_t end, RowReceiver& receiver) const {
  RowWriter writer(*schema_, receiver);
  for (size_t at = first; at < std::min(end, files_.size()); ++at)
    RETURN_IF_ERROR(VisitLiveRows(store_, files_[at], *schema_, {}, [&](std::span<const Cell> cells) { return writer.Add(cells); }));
  return writer.Flush();
}

void LakeRows::SetSequenceValues(std::vector<SequenceDefinition>& sequences) const {
  for (SequenceDefinition& sequence : sequences) {
    for (size_t i = 0; i < bounds_.size(); ++i) {
      if (sequence.owner_column.empty() || definition_.schema->columns[i].name != sequence.owner_column) continue;
      const std::optional<int64_t> reached = sequence.increment > 0 ? bounds_[i].second : bounds_[i].first;
      if (!reached || *reached < sequence.min || *reached > sequence.max) continue;
      sequence.last_value = reached;
      sequence.is_called = true;
    }
  }
}

}  // namespace sluice

// Tables of changes: beside a table, with every version of its rows (decision 0026).

#include <arrow/array/util.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "change/table_error.h"
#include "iceberg/table_scan.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "sink/lake/changes_table.h"
#include "sink/lake/foreign_changes.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_sink.h"
#include "sink/lake/live_rows.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/type_map.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

constexpr std::chrono::hours kOldVersionsEvery{1};

Result<std::shared_ptr<arrow::Array>> AllTheSame(const arrow::Scalar& value, int64_t rows) {
  auto same = arrow::MakeArrayFromScalar(value, rows);
  RETURN_IF_ERROR(FromArrow(same.status(), "a table of changes"));
  return *same;
}

Result<std::shared_ptr<arrow::Array>> Times(const iceberg::Field& field, Timestamp time, int64_t rows) {
  return AllTheSame(arrow::TimestampScalar(time.time_since_epoch().count(), ToArrowField(field)->type()), rows);
}

Result<std::shared_ptr<arrow::Array>> Lsns(Lsn lsn, int64_t rows) { return AllTheSame(arrow::Int64Scalar(static_cast<int64_t>(lsn.value)), rows); }

/// Says that none of the rows so far is there any more.
Status AppendEmptied(const iceberg::Schema& table, Timestamp ingested_at, Timestamp committed_at, Lsn at, ChangesWriter& writer) {
  iceberg::Schema stamps;
  stamps.fields.assign(table.fields.end() - static_cast<ptrdiff_t>(AddedColumnCount()), table.fields.end());
  Columns columns(stamps.fields.size());
  ASSIGN_OR_RETURN(columns[0], Times(stamps.fields[0], ingested_at, 1));
  ASSIGN_OR_RETURN(columns[1], Times(stamps.fields[1], committed_at, 1));
  ASSIGN_OR_RETURN(columns[2], Lsns(at, 1));
  const RowVersion emptied = writer.Next(at, VersionKind::kTruncate);
  return writer.Append(stamps, columns, {&emptied, 1});
}

/// What is there at the moment that the table's own mark names.
Lsn MomentOf(const LakeTable& table) {
  const auto mark = ParseSnapshotMark(table.current.metadata->properties);
  return mark ? mark->lsn : table.copied.copy_lsn;
}

}  // namespace

Result<CatalogTable> LakeSink::CreateChanges(const TableIdentifier& id, const LakeTable& table) {
  ASSIGN_OR_RETURN(const ChangesSchema schema, MakeChangesSchema(*table.current.metadata, nullptr));
  iceberg::NewTable made;
  made.uuid = iceberg::NewUuid();
  made.location = catalog_->DefaultLocation(id);
  made.schema = schema.iceberg;
  ASSIGN_OR_RETURN(made.spec, MakePartitionSpec(config_.changes.partition, NameOf(id), schema.iceberg, schema.ingested_at()));
  made.format_version = FormatVersionOf(config_, NameOf(id));
  // A server may number its columns otherwise, so that they are known by their names until FollowChanges.
  made.properties = {{kRoleProperty, kRoleChanges}, {kChangesOfProperty, PropertySuffix(NameOf(table.id))}, {"write.format.default", "parquet"}, {"gc.enabled", "false"}};
  ASSIGN_OR_RETURN(CatalogTable created, catalog_->CreateTable(id, made));
  SLUICE_FAILPOINT("lake.changes_created");
  return created;
}

// A table that was not named for a while has missed versions.
Status LakeSink::StopChanges(const TableIdentifier& id, CatalogTable changes) {
  if (!changes.metadata->properties.contains(kCopyLsnProperty)) return Ok();
  LakeTable table;
  table.id = id;
  table.current = std::move(changes);
  Status stopped = CommitUpdates(table, {iceberg::RemoveProperties{{kCopyLsnProperty}}});
  if (stopped.ok()) log::Info("lake", "lake.changes_stopped", "the versions of a table's rows are not kept any more", {{"table", ToString(id)}});
  if (stopped.ok() || stopped.error().kind == ErrorKind::kUnavailable || stopped.error().kind == ErrorKind::kConflict) return stopped;
  log::Warn("lake", "lake.changes_not_stopped", stopped.error().message, {{"table", ToString(id)}});  // Nobody asks for it.
  return Ok();
}

void LakeSink::LinkChanges(LakeTable& table, CatalogTable found) {
  const TableName name = ChangesTableOf(NameOf(table.id));
  const std::lock_guard lock(mutex_);
  LakeTable& changes = tables_[name];
  changes = LakeTable();
  changes.id = IdOf(name);
  changes.copied.oid = table.copied.oid;
  changes.current = std::move(found);
  changes.changes_of = &table;
  table.changes = &changes;
}

// Those that have gone on with their tables so far. All others begin behind a commit, when it is known which tables are copied again.
Status LakeSink::AttachChanges(std::map<TableIdentifier, CatalogTable> found) {
  for (auto& [id, changes] : found) {
    const TableName name = *ParseChangesOf(changes.metadata->properties);
    if (!KeepsChanges(config_, name)) {
      RETURN_IF_ERROR(StopChanges(id, std::move(changes)));
      continue;
    }
    const auto table = tables_.find(name);
    if (table == tables_.end() || id != IdOf(ChangesTableOf(name))) continue;
    const auto follows = changes.metadata->properties.find(kCopyLsnProperty);
    if (follows == changes.metadata->properties.end() || follows->second != ToString(table->second.copied.copy_lsn)) continue;
    if (!CheckForeignChanges(*changes.metadata, ToString(name)).ok()) continue;  // Set back, so that versions are missing.
    LinkChanges(table->second, std::move(changes));
    // Ahead of the bookmark, as a table may be where tables are committed one by one.
    LakeTable& linked = *table->second.changes;
    if (bookmark_ && MomentOf(linked) > bookmark_->position.lsn) linked.copied.catching_up_from = MomentOf(linked);
  }
  for (const auto& [name, copied] : copied_)
    if (tables_.at(name).changes == nullptr && KeepsChanges(config_, name)) changes_to_start_.push_back(name);
  return Ok();
}

// For a table without open rows. Errors of this table alone say so; what is wrong with catalog or store holds no table.
Status LakeSink::StartChanges(LakeTable& table) {
  Status started = TryStartChanges(table);
  if (started.ok()) return started;
  const int code = started.error().code;
  const bool is_the_tables = code == slu::kLakeForeignTable || code == slu::kLakePartition || code == slu::kLakeFormatUnknown;
  return is_the_tables ? Status(About(NameOf(table.id), std::move(started).error())) : started;
}

Status LakeSink::TryStartChanges(LakeTable& table) {
  const TableIdentifier id = IdOf(ChangesTableOf(NameOf(table.id)));
  ASSIGN_OR_RETURN(auto existing, catalog_->LoadTable(id));
  if (existing && ParseChangesOf(existing->metadata->properties) != NameOf(table.id))
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} exists in the lake and has not the changes of {}", ToString(id), ToString(table.id)), slu::kLakeForeignTable};
  if (!existing) {
    ASSIGN_OR_RETURN(existing, CreateChanges(id, table));
  }
  LinkChanges(table, std::move(*existing));
  RETURN_IF_ERROR(CopyIntoChanges(table));
  return table.writer != nullptr ? OpenChangesWriter(table) : Ok();
}

// One behind each commit: the stream waits for it.
Status LakeSink::StartMissingChanges() {
  while (!changes_to_start_.empty()) {
    const auto table = tables_.find(changes_to_start_.back());
    changes_to_start_.pop_back();
    if (table != tables_.end() && copied_.contains(table->first) && table->second.changes == nullptr) return StartChanges(table->second);
  }
  return Ok();
}

// Columns and partitions as the table and the configuration have them now.
Result<ChangesSchema> LakeSink::FollowChanges(LakeTable& table) {
  LakeTable& changes = *table.changes;
  const TableName name = NameOf(changes.id);
  const iceberg::TableMetadata& metadata = *changes.current.metadata;
  ASSIGN_OR_RETURN(ChangesSchema schema, MakeChangesSchema(*table.current.metadata, &metadata));
  const iceberg::Properties wanted{{kColumnsProperty, ToText(schema.field_ids)}, {kTableOidProperty, std::to_string(table.copied.oid)}};
  std::vector<iceberg::TableUpdate> updates;
  if (!schema.iceberg.SameColumns(metadata.schema())) updates = {iceberg::AddSchema{schema.iceberg}, iceberg::SetCurrentSchema{}};
  const auto has = [&](const auto& entry) { const auto found = metadata.properties.find(entry.first); return found != metadata.properties.end() && found->second == entry.second; };
  if (!std::all_of(wanted.begin(), wanted.end(), has)) updates.push_back(iceberg::SetProperties{wanted});
  auto spec = MakePartitionSpec(config_.changes.partition, name, schema.iceberg, schema.ingested_at());
  if (!spec.ok()) log::Warn("lake", "lake.partitions_kept", "a table keeps its partitions, since the configured ones do not fit", {{"table", ToString(name)}, {"evidence", spec.error().message}});
  for (iceberg::TableUpdate& update : UpdatesToLayout(metadata, spec.ok() ? std::move(*spec) : metadata.spec(), iceberg::SortOrder(), FormatVersionOf(config_, name))) updates.push_back(std::move(update));
  if (!updates.empty()) {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERROR(CommitUpdates(changes, std::move(updates)));
  }
  return schema;
}

Result<std::unique_ptr<ChangesWriter>> LakeSink::MakeChangesWriter(LakeTable& table, Lsn done) {
  ASSIGN_OR_RETURN(ChangesSchema schema, FollowChanges(table));
  const LakeTable& changes = *table.changes;
  const iceberg::TableMetadata& metadata = *changes.current.metadata;
  const auto text = metadata.properties.find(kLastVersionProperty);
  ASSIGN_OR_RETURN(const LastVersion last, ParseLastVersion(text == metadata.properties.end() ? "" : text->second));
  return std::make_unique<ChangesWriter>(context_, std::move(schema), LayoutOf(metadata, config_, NameOf(changes.id)), done, last);
}

Status LakeSink::OpenChangesWriter(LakeTable& table) {
  LakeTable& changes = *table.changes;
  ASSIGN_OR_RETURN(changes.changes_writer, MakeChangesWriter(table, MomentOf(changes)));
  table.writer->TellChanges(changes.changes_writer.get());
  return Ok();
}

// Files all of whose versions came in too long ago, once in a while.
Status LakeSink::RemoveOldVersions(LakeTable& changes, LakeCommit& commit) {
  if (commit.reached) return Ok();  // Of tables that catch up alone.
  const Timestamp now = clock_->Now();
  const auto every = std::min<std::chrono::milliseconds>(kOldVersionsEvery, config_.changes.keep / 4);
  if (config_.changes.keep == std::chrono::milliseconds(0) || now - changes.versions_looked_at < every || !changes.is_complete()) return Ok();
  changes.versions_looked_at = now;
  const iceberg::TableMetadata& metadata = *changes.current.metadata;
  if (!changes.manifests) {
    ASSIGN_OR_RETURN(changes.manifests, iceberg::CurrentManifests(metadata, cache_));
  }
  ASSIGN_OR_RETURN(const iceberg::TableScan scan, iceberg::PlanScan(*changes.manifests, cache_));
  ASSIGN_OR_RETURN(const ChangesSchema schema, MakeChangesSchema(*changes.changes_of->current.metadata, &metadata));
  const iceberg::Field& ingested_at = schema.iceberg.fields[schema.ingested_at()];
  const int64_t oldest = (now - config_.changes.keep).time_since_epoch().count();
  iceberg::TableChange old;
  for (const iceberg::ScanFile& file : scan.data_files) {
    const auto& bounds = file.data.file().upper_bounds;
    const auto bound = std::find_if(bounds.begin(), bounds.end(), [&](const auto& one) { return one.first == ingested_at.id; });
    if (bound == bounds.end()) continue;
    ASSIGN_OR_RETURN(const iceberg::Literal newest, iceberg::DecodeBound(ingested_at.type, bound->second));
    const auto* const time = std::get_if<int64_t>(&newest);
    if (time == nullptr || *time >= oldest) continue;
    old.removed_data_files.push_back(file.data.file().path);
    if (iceberg::VectorOf(scan, file) != nullptr) old.removed_vectors.push_back(file.data.file().path);
  }
  if (old.removed_data_files.empty()) return Ok();
  log::Info("lake", "lake.versions_removed", "versions that are older than changes.keep are removed", {{"table", ToString(changes.id)}, {"files", std::to_string(old.removed_data_files.size())}});
  TableToCommit& part = PartOf(commit, changes);
  part.change.removed_data_files = std::move(old.removed_data_files);
  part.change.removed_vectors = std::move(old.removed_vectors);
  return Ok();
}

// What tables of changes get and lose with what their tables get.
Status LakeSink::AddChanges(LakeCommit& commit) {
  for (auto& [name, changes] : tables_) {
    if (changes.changes_of == nullptr) continue;
    if (changes.changes_writer != nullptr && changes.changes_writer->dirty()) {
      TableToCommit& part = PartOf(commit, changes);
      part.change.added_files = changes.changes_writer->files();
      part.properties[kLastVersionProperty] = ToText(changes.changes_writer->last());
    }
    RETURN_IF_ERROR(RemoveOldVersions(changes, commit));
  }
  return Ok();
}

// What the table has now, from the lake's own files.
Status LakeSink::CopyIntoChanges(LakeTable& table) {
  LakeTable& changes = *table.changes;
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  const iceberg::Schema& columns_of = metadata.schema();
  const Lsn at = table.is_complete() ? std::max(MomentOf(table), bookmark_->position.lsn) : MomentOf(table);
  if (at < MomentOf(changes))
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} has versions up to {}, which is after the copy of {} at {}: they are of another log, and would come after the new ones", ToString(changes.id),
                                                        ToString(MomentOf(changes)), ToString(table.id), ToString(at)), slu::kLakeForeignTable};
  ASSIGN_OR_RETURN(const auto writer, MakeChangesWriter(table, Lsn{}));
  const Timestamp now = clock_->Now();
  const bool begins_again = changes.current.metadata->properties.contains(kLastVersionProperty);
  log::Info("lake", "lake.changes_start", "the versions of a table's rows are kept from here on, beginning with those that are there",
            {{"table", ToString(changes.id)}, {"lsn", ToString(at)}, {"again", begins_again ? "yes" : "no"}});
  if (begins_again) RETURN_IF_ERROR(AppendEmptied(columns_of, now, bookmark_->source_time, at, *writer));

  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(metadata, cache_));
  std::vector<TableFile> files;
  RETURN_IF_ERROR(LoadTableFiles(*store_, cache_, *manifests, files));
  arrow::FieldVector fields;
  for (const iceberg::Field& field : columns_of.fields) fields.push_back(ToArrowField(field));
  const size_t ingested_at = fields.size() - AddedColumnCount();
  const RowVersion version = writer->Next(at, VersionKind::kCopy);
  for (const TableFile& file : files) {
    Status copied = VisitLiveColumns(*store_, file, fields, [&](Columns columns) -> Status {
      const int64_t rows = columns.front()->length();
      ASSIGN_OR_RETURN(columns[ingested_at], Times(columns_of.fields[ingested_at], now, rows));
      ASSIGN_OR_RETURN(columns.back(), Lsns(at, rows));
      return writer->Append(columns_of, columns, std::vector<RowVersion>(static_cast<size_t>(rows), version));
    });
    if (!copied.ok()) return IfReplaced(*catalog_, table, std::move(copied).error());
  }
  SLUICE_FAILPOINT("lake.changes_copied");
  const std::lock_guard lock(mutex_);
  LakeCommit commit = CommitBeside();
  commit.reached = commit.bookmark;
  commit.reached->position.lsn = at;
  TableToCommit& to_commit = commit.tables.emplace_back(TableToCommit{.table = &changes});
  to_commit.change.added_files = writer->files();
  to_commit.properties = {{kCopyLsnProperty, ToString(table.copied.copy_lsn)}, {kLastVersionProperty, ToText(writer->last())}};
  to_commit.moves_snapshot = commits_in_turn();
  return CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_);
}

}  // namespace sluice

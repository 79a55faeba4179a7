// Tables of changes: beside a table, with every version of its rows (decision 0026).

#include <arrow/array/util.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "sink/lake/changes_table.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_sink.h"
#include "sink/lake/live_rows.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/type_map.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

std::shared_ptr<arrow::DataType> TypeOf(const iceberg::Field& field) { return ToArrowField(field)->type(); }

Result<std::shared_ptr<arrow::Array>> AllNull(const iceberg::Field& field, int64_t rows) {
  auto nulls = arrow::MakeArrayOfNull(TypeOf(field), rows);
  RETURN_IF_ERROR(FromArrow(nulls.status(), "a table of changes"));
  return *nulls;
}

Result<std::shared_ptr<arrow::Array>> AllTheSame(const arrow::Scalar& value, int64_t rows) {
  auto same = arrow::MakeArrayFromScalar(value, rows);
  RETURN_IF_ERROR(FromArrow(same.status(), "a table of changes"));
  return *same;
}

/// The rows of `columns`, seen now in a table at that moment. What they were committed at stays.
Status Restamp(const iceberg::Schema& table, Timestamp ingested_at, Lsn at, Columns& columns) {
  const size_t stamps = table.fields.size() - AddedColumnCount();
  const int64_t rows = columns.front()->length();
  const arrow::TimestampScalar time(ingested_at.time_since_epoch().count(), TypeOf(table.fields[stamps]));
  ASSIGN_OR_RETURN(columns[stamps], AllTheSame(time, rows));
  ASSIGN_OR_RETURN(columns[stamps + 2], AllTheSame(arrow::Int64Scalar(static_cast<int64_t>(at.value)), rows));
  return Ok();
}

/// Says that none of the rows so far is there any more.
Status AppendEmptied(const iceberg::Schema& table, Timestamp ingested_at, Lsn at, ChangesWriter& writer) {
  Columns columns;
  for (const iceberg::Field& field : table.fields) {
    ASSIGN_OR_RETURN(auto nulls, AllNull(field, 1));
    columns.push_back(std::move(nulls));
  }
  RETURN_IF_ERROR(Restamp(table, ingested_at, at, columns));
  const RowVersion emptied = writer.Next(at, VersionKind::kTruncate);
  return writer.Append(table, columns, {&emptied, 1});
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
  log::Info("lake", "lake.changes_stopped", "the versions of a table's rows are not kept any more", {{"table", ToString(id)}});
  LakeTable table;
  table.id = id;
  table.current = std::move(changes);
  return CommitUpdates(table, {iceberg::RemoveProperties{{kCopyLsnProperty}}});
}

// For a complete table, before its first change.
Status LakeSink::StartChanges(LakeTable& table) {
  if (!KeepsChanges(config_, NameOf(table.id)) || !bookmark_) return Ok();
  const TableIdentifier id = IdOf(ChangesTableOf(NameOf(table.id)));
  ASSIGN_OR_RETURN(auto existing, catalog_->LoadTable(id));
  if (existing && ParseChangesOf(existing->metadata->properties) != NameOf(table.id))
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} exists in the lake and has not the changes of {}", ToString(id), ToString(table.id)), slu::kLakeForeignTable};
  if (!existing) {
    ASSIGN_OR_RETURN(existing, CreateChanges(id, table));
  }
  {
    const std::lock_guard lock(mutex_);
    LakeTable& changes = tables_[NameOf(id)];
    changes = LakeTable();
    changes.id = id;
    changes.copied.oid = table.copied.oid;
    changes.current = std::move(*existing);
    changes.changes_of = &table;
    table.changes = &changes;
    // Ahead of the bookmark, as a table may be where tables are committed one by one.
    if (MomentOf(changes) > bookmark_->position.lsn) changes.copied.catching_up_from = MomentOf(changes);
  }
  RETURN_IF_ERROR(FollowChanges(table));
  const iceberg::Properties& properties = table.changes->current.metadata->properties;
  const auto follows = properties.find(kCopyLsnProperty);
  return follows != properties.end() && follows->second == ToString(table.copied.copy_lsn) ? Ok() : CopyIntoChanges(table);
}

// Columns and partitions as the table and the configuration have them now.
Status LakeSink::FollowChanges(LakeTable& table) {
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
  for (iceberg::TableUpdate& update : UpdatesToLayout(metadata, spec.ok() ? std::move(*spec) : metadata.spec(), FormatVersionOf(config_, name))) updates.push_back(std::move(update));
  if (!updates.empty()) {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERROR(CommitUpdates(changes, std::move(updates)));
  }
  if (changes.changes_writer) changes.changes_writer->Change(std::move(schema), LayoutOf(*changes.current.metadata, config_, name));
  return Ok();
}

Result<std::unique_ptr<ChangesWriter>> LakeSink::MakeChangesWriter(const LakeTable& table, Lsn done) {
  const LakeTable& changes = *table.changes;
  const iceberg::TableMetadata& metadata = *changes.current.metadata;
  ASSIGN_OR_RETURN(ChangesSchema schema, MakeChangesSchema(*table.current.metadata, &metadata));
  const auto text = metadata.properties.find(kLastVersionProperty);
  ASSIGN_OR_RETURN(const LastVersion last, ParseLastVersion(text == metadata.properties.end() ? "" : text->second));
  return std::make_unique<ChangesWriter>(context_, std::move(schema), LayoutOf(metadata, config_, NameOf(changes.id)), done, last);
}

Status LakeSink::OpenChangesWriter(LakeTable& table) {
  LakeTable& changes = *table.changes;
  RETURN_IF_ERROR(FollowChanges(table));
  ASSIGN_OR_RETURN(changes.changes_writer, MakeChangesWriter(table, MomentOf(changes)));
  table.writer->TellChanges(changes.changes_writer.get());
  return Ok();
}

// What the table has at its moment, from the lake's own files.
Status LakeSink::CopyIntoChanges(LakeTable& table) {
  LakeTable& changes = *table.changes;
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  const iceberg::Schema& columns_of = metadata.schema();
  const Lsn at = MomentOf(table);
  ASSIGN_OR_RETURN(const auto writer, MakeChangesWriter(table, Lsn{}));
  const Timestamp now = clock_->Now();
  const bool begins_again = changes.current.metadata->properties.contains(kLastVersionProperty);
  log::Info("lake", "lake.changes_start", "the versions of a table's rows are kept from here on, beginning with those that are there",
            {{"table", ToString(changes.id)}, {"lsn", ToString(at)}, {"again", begins_again ? "yes" : "no"}});
  if (begins_again) RETURN_IF_ERROR(AppendEmptied(columns_of, now, at, *writer));

  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(metadata, cache_));
  std::vector<TableFile> files;
  RETURN_IF_ERROR(LoadTableFiles(*store_, cache_, *manifests, files));
  arrow::FieldVector fields;
  for (const iceberg::Field& field : columns_of.fields) fields.push_back(ToArrowField(field));
  const RowVersion version = writer->Next(at, VersionKind::kCopy);
  for (const TableFile& file : files) {
    Status copied = VisitLiveColumns(*store_, file, fields, [&](Columns columns) -> Status {
      RETURN_IF_ERROR(Restamp(columns_of, now, at, columns));
      return writer->Append(columns_of, columns, std::vector<RowVersion>(static_cast<size_t>(columns.front()->length()), version));
    });
    if (!copied.ok()) return IfReplaced(*catalog_, table, std::move(copied).error());
  }
  SLUICE_FAILPOINT("lake.changes_copied");
  const std::lock_guard lock(mutex_);
  LakeCommit commit = CommitBeside();
  commit.reached = commit.bookmark;
  // What it has from before a crash may be newer than the copy, and is not taken again then.
  commit.reached->position.lsn = std::max(at, MomentOf(changes));
  TableToCommit& to_commit = commit.tables.emplace_back(TableToCommit{.table = &changes});
  to_commit.change.added_files = writer->files();
  to_commit.properties = {{kCopyLsnProperty, ToString(table.copied.copy_lsn)}, {kLastVersionProperty, ToText(writer->last())}};
  to_commit.moves_snapshot = commits_in_turn();
  return CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_);
}

}  // namespace sluice

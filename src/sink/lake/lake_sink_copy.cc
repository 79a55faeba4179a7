// How tables are copied into the lake: made or filled anew, range by range, and swapped in whole.

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "base/parallel.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "sink/lake/changes_table.h"
#include "sink/lake/commit_in_turn.h"
#include "sink/lake/definition_file.h"
#include "sink/lake/foreign_changes.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_sink.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/row_sorter.h"
#include "sink/lake/reader_profile.h"

namespace sluice {
Status LakeSink::KeepCopies(const std::set<TableName>& tables) {
  const auto forgotten = [&](const TableName& table) { return !tables.contains(table); };
  const std::lock_guard lock(mutex_);
  if (std::none_of(kept_.begin(), kept_.end(), [&](const auto& entry) { return forgotten(entry.first); })) return Ok();
  RETURN_IF_ERROR(ForgetParts(*catalog_, *store_, context_.epoch, forgotten));
  std::erase_if(kept_, [&](const auto& entry) { return forgotten(entry.first); });
  std::erase_if(kept_parts_, [&](const auto& entry) { return forgotten(entry.first); });
  return Ok();
}

Status LakeSink::PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) {
  const std::lock_guard lock(mutex_);
  std::set<TableName> anew;
  for (const TableDefinition& table : tables)
    if (!kept_.contains(table.schema->name)) anew.insert(table.schema->name);
  RETURN_IF_ERROR(ForgetParts(*catalog_, *store_, context_.epoch, [&](const TableName& table) { return anew.contains(table); }));
  NamespaceUpdate begin = ExpectEpoch(context_.epoch);
  for (const TableDefinition& table : tables) {
    Status prepared = PrepareTable(table, point, begin);
    if (!prepared.ok()) return OfTable(table.schema->name, std::move(prepared).error());
  }
  if (begin.set.empty()) return Ok();
  const auto begun = catalog_->Commit({}, begin);
  return begun.ok() ? Status() : begun.error();
}

Status LakeSink::PrepareTable(const TableDefinition& definition, const CopyPoint& point, NamespaceUpdate& begin) {
  const TableName& name = definition.schema->name;
  const TableIdentifier id = IdOf(name);
  if (name.name_space == kBookmarkNamespace)
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: the lake keeps its bookmark in a namespace of that name", ToString(name)), slu::kLakeForeignTable};
  RETURN_IF_ERROR(CheckNames(*definition.schema));
  RETURN_IF_ERROR(catalog_->CreateNamespace(id.name_space));
  ASSIGN_OR_RETURN(auto existing, catalog_->LoadTable(id));
  if (existing && !existing->metadata->properties.contains(kStateProperty)) {
    const auto changes_of = ParseChangesOf(existing->metadata->properties);
    return Error{ErrorKind::kNeedsOperator, changes_of ? fmt::format("table {} exists in the lake as the changes of {}", ToString(name), ToString(*changes_of))
                                                       : fmt::format("table {} exists in the lake and is not sluice's", ToString(name)), slu::kLakeForeignTable};
  }
  DropOut(name);
  LakeTable& table = tables_[name];
  table.id = id;
  table.copied.oid = definition.schema->oid;
  bool refilled = false;
  if (existing) {
    const std::string state = existing->metadata->properties.at(kStateProperty);
    table.current = std::move(*existing);
    // Dropping it could not be made conditional on the epoch.
    const bool is_leftover = state == kStateCopying;
    refilled = !is_leftover || commits_in_turn();
    if (is_leftover && refilled && !kept_.contains(name)) RETURN_IF_ERROR(RemoveLeftoverFiles(table));
  }
  // The transaction that wrote a copied row is not known, but it had committed at this point, before all that are streamed.
  CopyLayout layout;
  layout.stamp = {clock_->Now(), point.source_time, point.position.lsn};
  RETURN_IF_ERROR(refilled ? PrepareRefill(table, definition, layout) : PrepareFresh(table, definition, layout));
  if (definition.schema->has_key())
    layout.keep = [this, name, of = layout, lsn = point.position.lsn](const std::vector<BlockRange>& ranges, const std::vector<iceberg::DataFile>& files) {
      return KeepPart(name, of, lsn, ranges, files);
    };
  const std::string text = LayoutOf(table.current.metadata->table_uuid, *table.schema, layout.spec);
  LakeKeptCopy& kept = kept_parts_[name];
  std::vector<iceberg::DataFile> files;
  if (!kept_.contains(name)) {
    kept = {};
    if (layout.keep) begin.set[CopyingProperty(name)] = ToText({point.position.log, definition.schema->oid, CopyFingerprint(definition), {}, {}}, text);
  } else if (kept.layout != text) {
    // The configuration of its partitions is another one, or somebody dropped it.
    RETURN_IF_ERROR(ForgetParts(*catalog_, *store_, context_.epoch, [&](const TableName& one) { return one == name; }));
    return Error{ErrorKind::kUnavailable, fmt::format("table {}: what is kept of its copy does not fit the table in the lake, so it starts again", ToString(name))};
  }
  for (const KeptPart& part : kept.parts) {
    ASSIGN_OR_RETURN(const std::vector<iceberg::DataFile> of_part, ReadPart(*store_, part));
    files.insert(files.end(), of_part.begin(), of_part.end());
  }
  table.copy = std::make_unique<CopyTarget>(context_, std::move(layout), std::move(files));
  return Ok();
}

Status LakeSink::CheckNames(const TableSchema& table) {
  std::vector<TableIdentifier> others;
  if (NeedsOf(config_.readers).names_ignore_case) {
    ASSIGN_OR_RETURN(const auto namespaces, catalog_->ListNamespaces());
    for (const std::string& name_space : namespaces) {
      if (LowerCase(name_space) != LowerCase(table.name.name_space)) continue;
      ASSIGN_OR_RETURN(const auto tables, catalog_->ListTables(name_space));
      others.insert(others.end(), tables.begin(), tables.end());
    }
  }
  return CheckNamesFor(config_.readers, table, others);
}

Status LakeSink::PrepareFresh(LakeTable& table, const TableDefinition& definition, CopyLayout& layout) {
  const TableName& name = definition.schema->name;
  table.schema = layout.schema = MakeLakeSchema(definition.schema, NeedsOf(config_.readers), commits_in_turn() ? Numbering::kNestedLast : Numbering::kNested);
  table.manifests = std::make_shared<const std::vector<iceberg::ManifestFile>>();
  ASSIGN_OR_RETURN(layout.spec, MakePartitionSpec(PartitionConfigOf(config_, name), *table.schema));
  ASSIGN_OR_RETURN(layout.sort, MakeSortOrder(SortConfigOf(config_, name), *table.schema));
  if (!kept_.contains(name) || !table.current.metadata) {
    if (table.current.metadata) RETURN_IF_ERROR(RemoveLeftover(table));
    iceberg::NewTable made;
    made.uuid = iceberg::NewUuid();
    made.location = catalog_->DefaultLocation(table.id);
    made.schema = table.schema->iceberg;
    made.spec = layout.spec;
    made.sort_order = layout.sort;
    made.format_version = FormatVersionOf(config_, name);
    made.properties = {{kStateProperty, kStateCopying},
                       {kColumnsProperty, ToText(table.schema->field_ids)},
                       {kSchemaProperty, SchemaMark(table.schema->iceberg)},
                       {"write.format.default", "parquet"},
                       {"gc.enabled", "false"}};
    const iceberg::Properties own = TableProperties({{log_, {}}, context_.epoch, {}}, definition.schema->oid);
    made.properties.insert(own.begin(), own.end());
    ASSIGN_OR_RETURN(table.current, catalog_->CreateTable(table.id, made));
  }
  // Of a copy that goes on the table may be partitioned otherwise: its layout tells, and it starts again.
  const iceberg::PartitionSpec wanted = std::move(layout.spec);
  static_cast<TableLayout&>(layout) = LayoutOf(*table.current.metadata, config_, name);
  if (!SamePartitions(wanted, layout.spec)) layout.spec = wanted;
  return Ok();
}

// Readers see the old rows until the commit that puts the new ones in their place; snapshots of before stay.
Status LakeSink::PrepareRefill(LakeTable& table, const TableDefinition& definition, CopyLayout& layout) {
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  ASSIGN_OR_RETURN(FieldIds ids, FieldIdsOf(metadata));
  ASSIGN_OR_RETURN(const auto copied, ParseCopiedTable(metadata.properties));
  if (copied && copied->oid != definition.schema->oid) ids.clear();  // Attribute numbers of another table.
  ASSIGN_OR_RETURN(table.schema, ReplaceLakeSchema(metadata.schema(), metadata.last_column_id, ids, definition.schema, NeedsOf(config_.readers)));
  ASSIGN_OR_RETURN(iceberg::PartitionSpec spec, MakePartitionSpec(PartitionConfigOf(config_, definition.schema->name), *table.schema));
  ASSIGN_OR_RETURN(iceberg::SortOrder sort, MakeSortOrder(SortConfigOf(config_, definition.schema->name), *table.schema));
  table.refill_updates = {iceberg::AddSchema{table.schema->iceberg}, iceberg::SetCurrentSchema{}};
  for (iceberg::TableUpdate& update : UpdatesToLayout(metadata, std::move(spec), std::move(sort), FormatVersionOf(config_, definition.schema->name)))
    table.refill_updates.push_back(std::move(update));
  ASSIGN_OR_RETURN(const iceberg::TableMetadata changed, iceberg::ApplyUpdates(&metadata, table.refill_updates, metadata.last_updated_ms));
  table.refilled = true;
  layout.schema = table.schema;
  static_cast<TableLayout&>(layout) = LayoutOf(changed, config_, definition.schema->name);
  return Ok();
}

Status LakeSink::KeepPart(const TableName& name, const CopyLayout& layout, Lsn lsn, const std::vector<BlockRange>& ranges,
                          const std::vector<iceberg::DataFile>& files) {
  SLUICE_FAILPOINT("lake.before_part_kept");
  ASSIGN_OR_RETURN(const auto part, WritePart(*store_, layout.location, name, *layout.schema, layout.spec, ranges, lsn, files));
  NamespaceUpdate keep = ExpectEpoch(context_.epoch);
  keep.set[part.first.property] = part.second;
  const auto kept = catalog_->Commit({}, keep);
  if (!kept.ok()) return kept.error();
  SLUICE_FAILPOINT("lake.after_part_kept");
  const std::lock_guard lock(mutex_);
  kept_parts_[name].parts.push_back(part.first);
  return Ok();
}

Status LakeSink::RemoveLeftover(LakeTable& table) {
  RETURN_IF_ERROR(catalog_->DropTable(table.id));
  SLUICE_FAILPOINT("lake.after_drop_leftover");
  ASSIGN_OR_RETURN(const auto objects, store_->List(table.current.metadata->location));
  log::Info("lake", "lake.leftover_removed", "what an interrupted copy left is removed",
            {{"table", ToString(table.id)}, {"files", std::to_string(objects.size())}});
  for (const ObjectInfo& object : objects) RETURN_IF_ERROR(store_->Remove(object.uri));
  return Ok();
}

// What is listed while the epoch is ours is of us or of those before us, however late it is removed.
Status LakeSink::RemoveLeftoverFiles(const LakeTable& table) {
  ASSIGN_OR_RETURN(const auto objects, store_->List(table.current.metadata->location));
  RETURN_IF_ERROR(CheckExpected(*catalog_, ExpectEpoch(context_.epoch)));
  const std::string metadata = table.current.metadata->location + "/metadata/";
  for (const ObjectInfo& object : objects)
    if (!object.uri.starts_with(metadata)) RETURN_IF_ERROR(store_->Remove(object.uri));
  SLUICE_FAILPOINT("lake.after_leftover_files");
  return Ok();
}

namespace {

class LakeCopyWriter final : public CopyWriter {
 public:
  LakeCopyWriter(CopyTarget& target, const std::optional<BlockRange>& range) : target_(target), range_(range), file_(target.Borrow()) {}

  Status Rows(Bytes rows, size_t count) override { return file_->Append(rows, count); }

  Status Finish() override {
    RETURN_IF_ERROR(file_->FinishRange(range_));
    target_.Return(std::move(file_));
    SLUICE_FAILPOINT("lake.copy_range_written");
    return Ok();
  }

 private:
  CopyTarget& target_;
  const std::optional<BlockRange> range_;
  std::unique_ptr<CopyFile> file_;
};

}  // namespace

CopyTarget& LakeSink::CopyTargetOf(const TableName& name) {
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(name);
  SLUICE_CHECK(found != tables_.end());
  SLUICE_CHECK(found->second.copy != nullptr);  // PrepareTables comes first.
  return *found->second.copy;
}

Result<std::unique_ptr<CopyWriter>> LakeSink::OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) {
  return std::unique_ptr<CopyWriter>(new LakeCopyWriter(CopyTargetOf(table.schema->name), range));
}

Status LakeSink::RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) {
  SLUICE_FAILPOINT("lake.before_rows_removed");
  Status removed = CopyTargetOf(table.schema->name).RemoveKeys(keys, count);
  return removed.ok() ? Status() : OfTable(table.schema->name, std::move(removed).error());
}

Status LakeSink::FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position, Timestamp source_time) {
  RETURN_IF_ERROR(FinishCopies(tables, copy_position, source_time));
  for (const TableDefinition& table : tables)
    if (KeepsChanges(config_, table.schema->name)) RETURN_IF_ERROR(StartChanges(tables_.at(table.schema->name)));
  return Ok();
}

Status LakeSink::FinishCopies(const std::vector<TableDefinition>& tables, const Position& copy_position, Timestamp source_time) {
  std::vector<LakeTable*> finished;
  {
    const std::lock_guard lock(mutex_);
    for (const TableDefinition& table : tables) finished.push_back(&tables_.at(table.schema->name));
  }
  LakeCommit commit;
  commit.tables.resize(finished.size());
  std::vector<std::function<Status()>> tasks;
  for (size_t i = 0; i < finished.size(); ++i) {
    tasks.push_back([&, i]() -> Status {
      auto files = finished[i]->copy->Finish();
      if (!files.ok()) return OfTable(NameOf(finished[i]->id), std::move(files).error());
      commit.tables[i].change.added_files = std::move(*files);
      ASSIGN_OR_RETURN(commit.tables[i].properties[kDefinitionProperty], WriteDefinition(*store_, finished[i]->current.metadata->location, tables[i]));
      Count(*finished[i], *finished[i]->schema, finished[i]->copy->TakePolicyCounts());
      return Ok();
    });
  }
  RETURN_IF_ERROR(RunParallel(tasks, kEncodeThreads));
  SLUICE_FAILPOINT("lake.before_finish_tables");
  const std::lock_guard lock(mutex_);
  std::vector<std::string> part_lists;
  commit.move_bookmark = !bookmark_.has_value();
  commit.bookmark = {copy_position, context_.epoch, source_time};
  commit.timestamp_ms = NowMs();
  const bool joins = bookmark_.has_value();
  if (commits_in_turn() && commit.move_bookmark) {  // First: a table that is complete needs a moment to go on from.
    NamespaceUpdate begin = ExpectEpoch(context_.epoch);
    begin.set = BookmarkProperties(commit.bookmark);
    const auto begun = catalog_->Commit({}, begin);
    if (!begun.ok()) return begun.error();
    SLUICE_FAILPOINT("lake.after_first_bookmark");
    commit.move_bookmark = false;
    bookmark_ = commit.bookmark;
  }
  for (size_t i = 0; i < finished.size(); ++i) {
    LakeTable& table = *finished[i];
    TableToCommit& to_commit = commit.tables[i];
    to_commit.table = &table;
    to_commit.moves_snapshot = commits_in_turn();
    to_commit.properties.insert({{kStateProperty, kStateCopied}, {kCopyLsnProperty, ToString(copy_position.lsn)}, {kColumnsProperty, ToText(table.schema->field_ids)},
                                 {kSchemaProperty, SchemaMark(table.schema->iceberg)}, {kFingerprintProperty, ToText(tables[i].fingerprint)}});
    if (joins) to_commit.properties[kCatchingUpProperty] = ToString(copy_position.lsn);
    to_commit.change.remove_everything = table.refilled;
    if (table.refilled) to_commit.since = Lsn{};  // How it was before is not known.
    to_commit.first = std::move(table.refill_updates);
    const TableName name = NameOf(table.id);
    commit.removed_from_namespace.push_back(HeldProperty(name));
    commit.removed_from_namespace.push_back(CopyingProperty(name));
    for (const KeptPart& part : kept_parts_[name].parts) {
      commit.removed_from_namespace.push_back(part.property);
      part_lists.push_back(part.manifest);
    }
  }
  const Bookmark made = commit.bookmark;
  RETURN_IF_ERROR(CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_));
  SLUICE_FAILPOINT("lake.after_finish_tables");
  garbage_.Add(std::move(part_lists));
  for (LakeTable* table : finished) {
    table->copy.reset();
    table->copied.copy_lsn = copy_position.lsn;
    table->copied.fingerprint = table->current.metadata->properties.at(kFingerprintProperty);
    copied_[NameOf(table->id)] = table->copied;
    OfferForMaintenance(*table);
  }
  if (!bookmark_) bookmark_ = made;
  return Ok();
}

}  // namespace sluice

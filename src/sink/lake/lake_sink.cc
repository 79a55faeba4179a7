#include "sink/lake/lake_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "change/column_numbers.h"
#include "change/table_error.h"
#include "catalog/open_catalog.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "sink/lake/commit_in_turn.h"
#include "sink/lake/definition_file.h"
#include "sink/lake/foreign_changes.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_view.h"
#include "base/parallel.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/row_sorter.h"
#include "sink/lake/reader_profile.h"
#include "storage/write_behind_store.h"

namespace sluice {
namespace {

constexpr size_t kManifestCacheBytes = 64 << 20;
// Longer than a reader's query on a mirror is expected to take.
constexpr std::chrono::seconds kDeleteAfter{600};
// Versions of table schemas that are remembered by pointer.
constexpr size_t kSchemasMax = 10'000;

ColumnNames NamesIn(const iceberg::Schema& schema, const FieldIds& ids) {
  ColumnNames names;
  for (const auto& [number, id] : ids)
    if (const iceberg::Field* const field = schema.FindField(id)) names[number] = field->name;
  return names;
}

std::set<int32_t> PartitionSources(const iceberg::TableMetadata& metadata) {
  std::set<int32_t> sources;
  for (const iceberg::PartitionSpec& spec : metadata.specs)
    for (const iceberg::PartitionField& field : spec.fields) sources.insert(field.source_id);
  return sources;
}

}  // namespace

Result<std::unique_ptr<Sink>> LakeSink::Open(const LakeConfig& config, const LogIdentity& log, LakeOrders* orders) {
  ASSIGN_OR_RETURN(auto opened, ObjectStore::Open(config.warehouse, config.storage));
  auto store = std::make_unique<WriteBehindStore>(std::move(opened));
  ASSIGN_OR_RETURN(auto catalog, OpenCatalog(config, *store));
  ASSIGN_OR_RETURN(auto sink, OpenWith(config, log, std::move(store), std::move(catalog), std::make_unique<SystemClock>(), orders));
  return std::unique_ptr<Sink>(std::move(sink));
}

Result<std::unique_ptr<LakeSink>> LakeSink::OpenWith(const LakeConfig& config, const LogIdentity& log, std::unique_ptr<ObjectStore> store,
                                                     std::unique_ptr<Catalog> catalog, std::unique_ptr<Clock> clock, LakeOrders* orders) {
  auto index_space = std::make_shared<KeyIndexSpace>(config.index_folder, config.index_memory_bytes_max);
  std::unique_ptr<LakeSink> sink(new LakeSink(config, log, std::move(store), std::move(catalog), std::move(clock), std::move(index_space), orders));
  RETURN_IF_ERROR(sink->TakeEpoch());
  RETURN_IF_ERROR(sink->LoadTables());
  sink->maintenance_ = std::make_unique<LakeMaintenance>(sink->context_, *sink->catalog_, *sink->clock_, sink->garbage_);
  for (const auto& [name, table] : sink->tables_) sink->OfferForMaintenance(table);
  return sink;
}

LakeSink::LakeSink(LakeConfig config, LogIdentity log, std::shared_ptr<ObjectStore> store, std::shared_ptr<Catalog> catalog,
                   std::shared_ptr<Clock> clock, std::shared_ptr<KeyIndexSpace> index_space, LakeOrders* orders)
    : config_(std::move(config)), log_(std::move(log)), store_(std::move(store)), catalog_(std::move(catalog)), clock_(std::move(clock)),
      index_space_(std::move(index_space)), cache_(*store_, kManifestCacheBytes), garbage_(*store_, kDeleteAfter),
      context_{*store_, cache_, config_, *index_space_}, orders_(orders) {}

LakeSink::~LakeSink() {
  if (work_) orders_->End(Error{ErrorKind::kUnavailable, "the sink was closed before the work was done", slu::kLakeWorkEnded});
}

Status LakeSink::TakeEpoch() {
  RETURN_IF_ERROR(catalog_->CreateNamespace(kBookmarkNamespace));
  ASSIGN_OR_RETURN(const auto properties, catalog_->NamespaceProperties(kBookmarkNamespace));
  const iceberg::Properties known = properties.value_or(iceberg::Properties{});
  ASSIGN_OR_RETURN(const uint64_t epoch, ParseEpoch(known));
  ASSIGN_OR_RETURN(bookmark_, ParseBookmark(known));
  ASSIGN_OR_RETURN(held_, ParseHeldTables(known));
  context_.epoch = epoch + 1;
  if (bookmark_) bookmark_->epoch = context_.epoch;
  NamespaceUpdate take;
  take.name_space = kBookmarkNamespace;
  take.set[kEpochProperty] = std::to_string(context_.epoch);
  const auto before = known.find(kEpochProperty);
  take.expected[kEpochProperty] = before == known.end() ? std::nullopt : std::optional(before->second);
  const auto taken = catalog_->Commit({}, take);
  if (!taken.ok()) return taken.error();
  // Only now nobody else can add to it.
  ASSIGN_OR_RETURN(const auto settled, catalog_->NamespaceProperties(kBookmarkNamespace));
  ASSIGN_OR_RETURN(kept_parts_, ParseKeptCopies(settled.value_or(iceberg::Properties{})));
  for (const auto& [name, kept] : kept_parts_) kept_[name] = kept.copy;
  return Ok();
}

// Of a table that is not followed nothing may get in that a process before us has on its way: neither a copy of before the slot's
// position, nor one whose files are removed.
Status LakeSink::FenceOff(const TableIdentifier& id, const CatalogTable& table) {
  TableCommit fence{id, table, {iceberg::AssertUuid{table.metadata->table_uuid}}, {}};
  if (Status moved = MoveSnapshot(*store_, cache_, NowMs(), fence); !moved.ok()) {
    if (moved.error().kind == ErrorKind::kUnavailable) return moved;
    log::Warn("lake", "lake.not_fenced", moved.error().message, {{"table", ToString(id)}});  // Held for it, and still to be copied anew.
    return Ok();
  }
  const auto fenced = catalog_->Commit({fence}, std::nullopt);
  return fenced.ok() ? Ok() : Status(fenced.error());
}

// What a process left in the namespace that was killed between a copy's commit and the namespace's.
void LakeSink::ForgetWhatIsOver(const TableName& name, const CopiedTable& copied, NamespaceUpdate& over) {
  const auto held = held_.find(name);
  if (held != held_.end()) {
    const bool is_over = held->second.oid != 0 && held->second.oid != copied.oid && copied.copy_lsn > held->second.lsn;
    if (!is_over) return;
    over.remove.push_back(HeldProperty(name));
    held_.erase(held);
  }
  const auto kept = kept_parts_.find(name);
  if (kept == kept_parts_.end() || kept->second.copy.oid != copied.oid) return;
  over.remove.push_back(CopyingProperty(name));
  for (const KeptPart& part : kept->second.parts) {
    over.remove.push_back(part.property);
    garbage_.Add({part.manifest});
  }
  kept_parts_.erase(kept);
  kept_.erase(name);
}

Status LakeSink::LoadTables() {
  std::vector<std::pair<TableName, Error>> unfit;
  std::map<TableIdentifier, CatalogTable> changes;
  NamespaceUpdate over = ExpectEpoch(context_.epoch);
  ASSIGN_OR_RETURN(const auto namespaces, catalog_->ListNamespaces());
  for (const std::string& name_space : namespaces) {
    if (name_space == kBookmarkNamespace) continue;
    ASSIGN_OR_RETURN(const auto ids, catalog_->ListTables(name_space));
    for (const TableIdentifier& id : ids) {
      auto found = catalog_->LoadTable(id);
      if (!found.ok() && found.error().code == slu::kLakeFormatUnknown) continue;  // Somebody else's, or said where it is copied anew.
      ASSIGN_OR_RETURN(auto loaded, std::move(found));
      if (!loaded) continue;
      if (ParseChangesOf(loaded->metadata->properties)) {
        changes[id] = std::move(*loaded);
        continue;
      }
      ASSIGN_OR_RETURN(const auto copied, ParseCopiedTable(loaded->metadata->properties));
      const TableName name = NameOf(id);
      if (copied && commits_in_turn()) ForgetWhatIsOver(name, *copied, over);
      if (!copied || held_.contains(name)) {  // An interrupted copy, or somebody else's.
        if (commits_in_turn() && loaded->metadata->properties.contains(kStateProperty)) RETURN_IF_ERROR(FenceOff(id, *loaded));
        continue;
      }
      LakeTable& table = tables_[name];
      table.id = id;
      table.copied = *copied;
      table.current = std::move(*loaded);
      const auto mark = ParseSnapshotMark(table.current.metadata->properties);
      if (mark && bookmark_ && mark->lsn > bookmark_->position.lsn) table.copied.catching_up_from = mark->lsn;
      if (const std::string what = UnreadableFor(config_.readers, *table.current.metadata); !what.empty())
        log::Warn("lake", "lake.unreadable", "a table was made before the lake's readers were named: some cannot read it", {{"table", ToString(name)}, {"what", what}, {"fix", "sluice resync TABLE"}});
      copied_[name] = table.copied;
      if (Status fit = CheckForeignChanges(*table.current.metadata, ToString(name)); !fit.ok()) unfit.emplace_back(name, fit.error());
    }
  }
  if (!over.remove.empty()) {
    const auto forgotten = catalog_->Commit({}, over);
    if (!forgotten.ok()) return forgotten.error();
  }
  RETURN_IF_ERROR(AttachChanges(std::move(changes)));
  for (const auto& [name, error] : unfit) {
    log::Error("lake", "lake.table_changed_by_others", error.message, {{"table", ToString(name)}, {"code", fmt::format("SLU-{}", error.code)}});
    RETURN_IF_ERROR(Hold(name, {copied_.at(name).oid, error.code, error.message, bookmark_ ? bookmark_->position.lsn : Lsn{}}));
  }
  return Ok();
}

Result<std::unique_ptr<Sink>> LakeSink::OpenBeside() {
  std::unique_ptr<LakeSink> sink(new LakeSink(config_, log_, store_, catalog_, clock_, index_space_));
  sink->context_.epoch = context_.epoch;
  sink->bookmark_ = bookmark_;
  sink->kept_ = kept_;
  sink->kept_parts_ = kept_parts_;
  return std::unique_ptr<Sink>(std::move(sink));
}

// It takes no changes from here on, nor does its table of changes.
void LakeSink::DropOut(const TableName& name) {
  by_schema_.clear();
  copied_.erase(name);
  const auto found = tables_.find(name);
  if (found == tables_.end() || found->second.changes_of != nullptr) return;
  const TableName changes = found->second.changes != nullptr ? NameOf(found->second.changes->id) : name;
  tables_.erase(name);
  tables_.erase(changes);
  if (!maintenance_) return;
  for (const TableName& gone : {name, changes}) maintenance_->Forget(IdOf(gone));
}

Status LakeSink::Hold(const TableName& table, const HeldTable& reason) {
  const std::lock_guard lock(mutex_);
  HeldTable why = reason;
  const auto copied = copied_.find(table);
  if (copied != copied_.end() && copied->second.catching_up_from) why.lsn = std::max(why.lsn, *copied->second.catching_up_from);
  NamespaceUpdate hold = ExpectEpoch(context_.epoch);
  hold.set[HeldProperty(table)] = ToText(why);
  const auto held = catalog_->Commit({}, hold);
  if (!held.ok()) return held.error();
  DropOut(table);
  held_[table] = why;
  return Ok();
}

Status LakeSink::Forget(const TableName& table) {
  const std::lock_guard lock(mutex_);
  std::vector<TableCommit> commits;
  ASSIGN_OR_RETURN(const auto existing, catalog_->LoadTable(IdOf(table)));
  if (existing) {
    ASSIGN_OR_RETURN(const auto copied, ParseCopiedTable(existing->metadata->properties));
    if (copied)
      commits.push_back({IdOf(table), *existing, {iceberg::AssertUuid{existing->metadata->table_uuid}},
                         {iceberg::SetProperties{{{kStateProperty, kStateStale}}}, iceberg::RemoveProperties{{kCatchingUpProperty}}}});
  }
  if (commits_in_turn())
    for (TableCommit& commit : commits) RETURN_IF_ERROR(MoveSnapshot(*store_, cache_, NowMs(), commit));
  NamespaceUpdate forget = ExpectEpoch(context_.epoch);
  forget.remove = {HeldProperty(table)};
  // The table first: one that is no longer held must not be taken for one that was followed.
  const auto forgotten = CommitInTurn(*catalog_, commits, forget);
  if (!forgotten.ok()) return forgotten.error();
  RETURN_IF_ERROR(ForgetParts(*catalog_, *store_, context_.epoch, [&](const TableName& one) { return one == table; }));
  DropOut(table);
  held_.erase(table);
  kept_.erase(table);
  kept_parts_.erase(table);
  return Ok();
}

Status LakeSink::ForgetBookmark() {
  const std::lock_guard lock(mutex_);
  NamespaceUpdate forget = ExpectEpoch(context_.epoch);
  for (const auto& [name, value] : BookmarkProperties({}))
    if (name != kEpochProperty) forget.remove.push_back(name);
  const auto forgotten = catalog_->Commit({}, forget);
  if (!forgotten.ok()) return forgotten.error();
  bookmark_.reset();
  return Ok();
}

Status LakeSink::Follow(const TableDefinition& definition, FollowExtent extent) {
  const auto found = tables_.find(definition.schema->name);
  if (extent == FollowExtent::kLoosen || found == tables_.end()) return Ok();  // No constraint keeps a row out of a lake.
  LakeTable& table = found->second;
  if (PartitionsGone(table.copied.fingerprint, definition.fingerprint))
    return About(definition.schema->name, Error{ErrorKind::kNeedsOperator, fmt::format("table {}: rows went with a partition", ToString(definition.schema->name)), slu::kLakeSchemaChanged});
  Status followed = FollowSchema(table, definition.schema, ColumnsOf::kCatalog);
  if (!followed.ok()) return OfTable(definition.schema->name, std::move(followed).error());
  const std::string fingerprint = ToText(definition.fingerprint);
  ASSIGN_OR_RETURN(const std::string file, WriteDefinition(*store_, table.current.metadata->location, definition));
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(CommitUpdates(table, {iceberg::SetProperties{{{kFingerprintProperty, fingerprint}, {kDefinitionProperty, file}}}}));
  SLUICE_FAILPOINT("lake.followed");
  table.copied.fingerprint = fingerprint;
  copied_.at(definition.schema->name).fingerprint = fingerprint;
  return Ok();
}

Result<LakeTable*> LakeSink::TableFor(const TableSchemaPtr& schema) {
  if (const auto known = by_schema_.find(schema.get()); known != by_schema_.end()) return known->second.second;
  LakeTable* table = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = tables_.find(schema->name);
    if (found == tables_.end() || !found->second.copied.copy_lsn.valid())
      return Error{ErrorKind::kCorrupt, fmt::format("table {} has changes, but was never copied to the lake", ToString(schema->name))};
    table = &found->second;
  }
  Status open = table->writer == nullptr ? OpenWriter(*table, schema) : FollowSchema(*table, schema, ColumnsOf::kRows);
  if (!open.ok()) return IfReplaced(*catalog_, *table, std::move(open).error());
  if (by_schema_.size() >= kSchemasMax) by_schema_.clear();
  // Several versions may be in use at once only one after the other: the newest one is the table's.
  std::erase_if(by_schema_, [&](const auto& entry) { return entry.second.second == table; });
  by_schema_[schema.get()] = {schema, table};
  return table;
}

Status LakeSink::OpenWriter(LakeTable& table, const TableSchemaPtr& schema) {
  RETURN_IF_ERROR(FollowSchema(table, schema, ColumnsOf::kFirstRows));
  RETURN_IF_ERROR(FollowLayout(table));
  if (!table.manifests) {
    ASSIGN_OR_RETURN(table.manifests, iceberg::CurrentManifests(*table.current.metadata, cache_));
  }
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  table.writer = std::make_unique<TableWriter>(context_, table.schema, LayoutOf(metadata, config_, schema->name), table.manifests);
  return table.changes != nullptr ? OpenChangesWriter(table) : Ok();
}

// What the configuration says since the last start holds for new files.
Status LakeSink::FollowLayout(LakeTable& table) {
  const TableName name = NameOf(table.id);
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  auto spec = MakePartitionSpec(PartitionConfigOf(config_, name), *table.schema);
  if (!spec.ok()) log::Warn("lake", "lake.partitions_kept", "a table keeps its partitions, since the configured ones do not fit", {{"table", ToString(name)}, {"evidence", spec.error().message}});
  auto sort = MakeSortOrder(SortConfigOf(config_, name), *table.schema);
  if (!sort.ok()) log::Warn("lake", "lake.not_sorted", "a table's new files are not sorted, since the configured order does not fit", {{"table", ToString(name)}, {"evidence", sort.error().message}});
  const int32_t format_version = FormatVersionOf(config_, name);
  if (format_version < metadata.format_version)
    log::Info("lake", "lake.format_kept", "a table keeps its format, since there is no way back", {{"table", ToString(name)}, {"format", std::to_string(metadata.format_version)}});
  std::vector<iceberg::TableUpdate> updates = UpdatesToLayout(metadata, spec.ok() ? std::move(*spec) : metadata.spec(), sort.ok() ? std::move(*sort) : iceberg::SortOrder(), format_version);
  if (updates.empty()) return Ok();
  SLUICE_FAILPOINT("lake.before_layout_change");
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(CommitUpdates(table, std::move(updates)));
  SLUICE_FAILPOINT("lake.after_layout_change");
  log::Info("lake", "lake.layout_changed", "new files of a table are written as the configuration says now", {{"table", ToString(name)}});
  return Ok();
}

Status LakeSink::FollowSchema(LakeTable& table, const TableSchemaPtr& schema, ColumnsOf what) {
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  ASSIGN_OR_RETURN(const FieldIds ids, FieldIdsOf(metadata));
  TableSchemaPtr source = schema;
  if (what != ColumnsOf::kCatalog) {  // Of the catalog the numbers are known.
    auto numbered = NumberColumns(*schema, NamesIn(metadata.schema(), ids));
    if (!numbered)
      return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: a column's name stands for another column now", ToString(schema->name)), slu::kLakeSchemaChanged};
    source = std::make_shared<const TableSchema>(std::move(*numbered));
  }
  ASSIGN_OR_RETURN(LakeSchemaPtr evolved, EvolveLakeSchema(metadata.schema(), metadata.last_column_id, ids, source, PartitionSources(metadata),
                                                           /*may_be_older=*/what == ColumnsOf::kFirstRows, NeedsOf(config_.readers)));
  if (evolved->older) {
    log::Warn("lake", "lake.older_columns", "rows come that lack columns which the table has since; they are NULL there", {{"table", ToString(schema->name)}});
  } else if (!evolved->iceberg.SameColumns(metadata.schema())) {
    RETURN_IF_ERROR(CheckNamesFor(config_.readers, *source, {}));
    if (table.writer != nullptr) RETURN_IF_ERROR(table.writer->Flush());
    SLUICE_FAILPOINT("lake.before_schema_change");
    log::Info("lake", "lake.schema_changed", "a table's columns follow the source", {{"table", ToString(schema->name)}});
    const std::lock_guard lock(mutex_);
    // New columns are seen before their first value, as null; rows of this transaction are not.
    std::vector<iceberg::TableUpdate> updates{iceberg::AddSchema{evolved->iceberg}, iceberg::SetCurrentSchema{},
                                              iceberg::SetProperties{{{kColumnsProperty, ToText(evolved->field_ids)}, {kSchemaProperty, SchemaMark(evolved->iceberg)}}}};
    for (iceberg::TableUpdate& update : UpdatesToDropSort(metadata, evolved->iceberg)) updates.push_back(std::move(update));
    RETURN_IF_ERROR(CommitUpdates(table, std::move(updates)));
    SLUICE_FAILPOINT("lake.after_schema_change");
  } else if (table.writer != nullptr && table.schema != nullptr) {
    RETURN_IF_ERROR(table.writer->Flush());
  }
  table.schema = std::move(evolved);
  if (table.writer != nullptr) {
    Count(table, table.writer->schema(), table.writer->TakePolicyCounts());
    table.writer->ChangeSchema(table.schema, LayoutOf(*table.current.metadata, config_, NameOf(table.id)).sort);
    if (table.changes != nullptr) {
      ASSIGN_OR_RETURN(ChangesSchema changes, FollowChanges(table));
      table.changes->changes_writer->Change(std::move(changes), LayoutOf(*table.changes->current.metadata, config_, NameOf(table.changes->id)));
    }
  }
  return Ok();
}

Status LakeSink::Write(ChangeBatchPtr batch) {
  if (!ingested_at_) ingested_at_ = clock_->Now();
  const Lsn done = bookmark_ ? ResumeLsn(bookmark_->position.lsn, copied_) : Lsn{};
  for (const Transaction& transaction : batch->transactions) {
    if (transaction.end_lsn <= done) continue;  // Sent again after a restart.
    RETURN_IF_ERROR(WriteTransaction(*batch, transaction));
  }
  return FreeMemory();
}

bool LakeSink::Wants(const Transaction& transaction, const TableSchema& table) const {
  const auto copied = copied_.find(table.name);
  return copied != copied_.end() && copied->second.oid == table.oid && TakesTransaction(copied->second, transaction.commit_lsn, transaction.end_lsn, bookmark_ ? bookmark_->position.lsn : Lsn{});
}

Status LakeSink::WriteTransaction(const ChangeBatch& batch, const Transaction& transaction) {
  RowStamp stamp{*ingested_at_, transaction.commit_time, transaction.commit_lsn};
  uint32_t last = UINT32_MAX;
  LakeTable* table = nullptr;
  for (size_t i = transaction.first_change; i < transaction.first_change + transaction.change_count; ++i) {
    const Change& change = batch.changes[i];
    const TableSchemaPtr& schema = batch.tables[change.table];
    if (change.table != last) {
      last = change.table;
      table = nullptr;
      if (Wants(transaction, *schema)) {
        auto found = TableFor(schema);
        if (!found.ok()) return OfTable(schema->name, std::move(found).error());
        table = *found;
      } else if (!copied_.contains(schema->name) && skipped_.insert(schema->name).second) {
        log::Info("lake", "lake.not_copied", "changes of a table without a complete copy are skipped", {{"table", ToString(schema->name)}});
      }
    }
    if (table == nullptr) continue;
    Status applied = table->writer->Apply(batch, change, stamp);
    if (!applied.ok()) return OfTable(*catalog_, *table, std::move(applied).error());
  }
  return Ok();
}

// All tables' open rows together stay below the limit; the largest goes first.
Status LakeSink::FreeMemory() {
  while (uncommitted_bytes() > config_.commit_bytes_max) {
    const std::lock_guard lock(mutex_);
    LakeTable* largest = nullptr;
    for (auto& [name, table] : tables_) {
      if (table.writer == nullptr || table.writer->size_bytes() == 0) continue;
      if (largest == nullptr || table.writer->size_bytes() > largest->writer->size_bytes()) largest = &table;
    }
    SLUICE_CHECK(largest != nullptr);
    Status flushed = largest->writer->Flush();
    if (!flushed.ok()) return OfTable(*catalog_, *largest, std::move(flushed).error());
  }
  return Ok();
}

Status LakeSink::CommitUpdates(LakeTable& table, std::vector<iceberg::TableUpdate> updates) {
  return sluice::CommitUpdates(*catalog_, *store_, cache_, context_.epoch, NowMs(), table, std::move(updates));
}

LakeCommit LakeSink::CommitBeside() const { return {.tables = {}, .bookmark = *bookmark_, .move_bookmark = false, .timestamp_ms = NowMs()}; }

Status LakeSink::Commit(const Position& position, Timestamp source_time) {
  RETURN_IF_ERROR(CommitStream(position, source_time));
  return StartMissingChanges();
}

Status LakeSink::CommitStream(const Position& position, Timestamp source_time) {
  const std::lock_guard lock(mutex_);
  // A position that the bookmark has passed moves only the tables that catch up.
  const bool behind = bookmark_ && position.lsn < bookmark_->position.lsn;
  LakeCommit commit;
  const Bookmark reached{position, context_.epoch, source_time};
  commit.bookmark = behind ? *bookmark_ : reached;
  if (behind) commit.reached = reached;
  commit.timestamp_ms = NowMs();
  std::vector<LakeTable*> dirty, caught_up;
  for (auto& [name, table] : tables_) {
    if (table.changes_of != nullptr) continue;  // Its changes come with the table's.
    const auto& from = table.copied.catching_up_from;
    if (from && *from > position.lsn) continue;  // It has all this, and more.
    const bool is_dirty = table.writer != nullptr && table.writer->dirty();
    const bool catches_up = from && (!behind || *from < position.lsn);
    if (is_dirty) dirty.push_back(&table);
    if (catches_up) caught_up.push_back(&table);
    if (!is_dirty && !catches_up) continue;  // What is acknowledged must be found again: also progress without changes.
    TableToCommit& to_commit = commit.tables.emplace_back(TableToCommit{.table = &table});
    to_commit.moves_snapshot = commits_in_turn();  // Also for changes that leave nothing behind: other tables may have moments among them.
    if (from || commits_in_turn()) to_commit.since = from.value_or(bookmark_ ? bookmark_->position.lsn : Lsn{});
    if (catches_up && behind) to_commit.properties[kCatchingUpProperty] = ToString(position.lsn);
    if (catches_up && !behind && table.current.metadata->properties.contains(kCatchingUpProperty)) to_commit.removed_properties = {kCatchingUpProperty};
  }
  std::vector<std::function<Status()>> tasks;
  for (TableToCommit& table : commit.tables) {
    if (table.table->writer == nullptr || !table.table->writer->dirty()) continue;
    tasks.push_back([this, &table]() -> Status {
      auto change = table.table->writer->Prepare();
      if (!change.ok()) return OfTable(*catalog_, *table.table, std::move(change).error());
      table.change = std::move(*change);
      return Ok();
    });
  }
  RETURN_IF_ERROR(RunParallel(tasks, kEncodeThreads));
  RETURN_IF_ERROR(AddChanges(commit));
  // A table whose changes left nothing behind needs no snapshot.
  std::erase_if(commit.tables, [](const TableToCommit& table) {
    return !table.makes_snapshot() && table.properties.empty() && table.removed_properties.empty();
  });
  Tables held;
  if (!behind) RETURN_IF_ERROR(AddDueTags(commit, held));
  const Bookmark made = commit.bookmark;
  RETURN_IF_ERROR(CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_));
  for (LakeTable* table : dirty) {
    table->writer->Committed(table->manifests);
    if (table->changes != nullptr) table->changes->changes_writer->Committed();
    garbage_.Add(table->writer->TakeGarbage());
    Count(*table, table->writer->schema(), table->writer->TakePolicyCounts());
  }
  for (LakeTable* table : caught_up) {
    table->copied.catching_up_from = behind ? std::optional(position.lsn) : std::nullopt;
    copied_[NameOf(table->id)] = table->copied;
  }
  bookmark_ = made;
  for (auto& [name, table] : tables_)
    if (table.changes_of != nullptr && table.copied.catching_up_from && *table.copied.catching_up_from <= made.position.lsn) table.copied.catching_up_from.reset();
  ingested_at_.reset();
  // Before anything new is offered: what is made of this commit's files is the next one's.
  RETURN_IF_ERROR(PutCompactionsInPlace());
  for (const LakeTable* table : dirty) {
    OfferForMaintenance(*table);
    if (table->changes != nullptr) OfferForMaintenance(*table->changes);
  }
  garbage_.Collect();
  return Ok();
}

Status LakeSink::Repair(std::span<const RowRepair> repairs) {
  SLUICE_CHECK(bookmark_.has_value());
  const RowStamp stamp{clock_->Now(), bookmark_->source_time, bookmark_->position.lsn};
  for (const RowRepair& repair : repairs) {
    ASSIGN_OR_RETURN(LakeTable* const table, TableFor(repair.schema));
    RETURN_IF_ERROR(table->writer->Replace(repair, stamp));
  }
  return Ok();
}

Result<std::unique_ptr<SinkView>> LakeSink::View() {
  const std::lock_guard lock(mutex_);
  std::map<TableName, CatalogTable> tables;
  for (const auto& [name, table] : tables_) {
    if (!table.copied.copy_lsn.valid()) continue;
    // What readers see, which somebody else may have changed since our last commit.
    ASSIGN_OR_RETURN(auto loaded, catalog_->LoadTable(table.id));
    if (loaded) tables[name] = std::move(*loaded);
  }
  return std::unique_ptr<SinkView>(new LakeView(*store_, cache_, std::move(tables)));
}

size_t LakeSink::uncommitted_bytes() const {
  const std::lock_guard lock(mutex_);
  size_t bytes = 0;
  for (const auto& [name, table] : tables_) bytes += table.writer != nullptr ? table.writer->size_bytes() : 0;
  return bytes;
}

LakePolicyCounts LakeSink::policy_counts() const {
  const std::lock_guard lock(counts_mutex_);
  return counts_;
}

// Logged once for each table, column and policy.
void LakeSink::Count(const LakeTable& table, const LakeSchema& schema, const std::vector<PolicyCounts>& counts) {
  const std::lock_guard lock(counts_mutex_);
  const TableName name = NameOf(table.id);
  for (size_t i = 0; i < counts.size(); ++i) {
    for (size_t p = 0; p < kPolicies; ++p) {
      if (counts[i].counts[p] == 0) continue;
      const std::string& column = schema.source->columns[i].name;
      uint64_t& total = counts_[name][column].counts[p];
      if (total == 0) {
        log::Warn("lake", "lake.value_not_held", "values that the lake can't hold as they are",
                  {{"table", ToString(name)}, {"column", column}, {"reason", std::string(ToString(static_cast<Policy>(p)))}});
      }
      total += counts[i].counts[p];
    }
  }
}

}  // namespace sluice

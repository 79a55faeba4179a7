#include "sink/lake/lake_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "catalog/sqlite_catalog.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_view.h"
#include "sink/lake/parallel.h"
#include "sink/lake/partitioner.h"

namespace sluice {
namespace {

constexpr size_t kManifestCacheBytes = 64 << 20;
constexpr size_t kEncodeThreads = 2;
// Longer than a reader's query on a mirror is expected to take.
constexpr std::chrono::seconds kDeleteAfter{600};
// Versions of table schemas that are remembered by pointer.
constexpr size_t kSchemasMax = 10'000;

TableIdentifier IdOf(const TableName& name) { return {name.name_space, name.name}; }

}  // namespace

Result<std::unique_ptr<Sink>> LakeSink::Open(const LakeConfig& config, const LogIdentity& log) {
  ASSIGN_OR_RETURN(auto store, ObjectStore::Open(config.warehouse));
  SqliteCatalog::Options options;
  options.path = config.catalog_uri;
  if (options.path.empty()) options.path = config.warehouse + "/catalog.db";
  constexpr std::string_view kSqlite = "sqlite:///";  // As PyIceberg writes it, with an absolute path behind.
  if (options.path.starts_with(kSqlite)) options.path.erase(0, kSqlite.size() - (options.path.starts_with("sqlite:////") ? 0 : 1));
  if (options.path.starts_with("file://")) options.path.erase(0, 7);
  options.catalog_name = config.catalog_name;
  ASSIGN_OR_RETURN(auto catalog, SqliteCatalog::Open(options, *store));
  ASSIGN_OR_RETURN(auto sink, OpenWith(config, log, std::move(store), std::move(catalog), std::make_unique<SystemClock>()));
  return std::unique_ptr<Sink>(std::move(sink));
}

Result<std::unique_ptr<LakeSink>> LakeSink::OpenWith(const LakeConfig& config, const LogIdentity& log, std::unique_ptr<ObjectStore> store,
                                                     std::unique_ptr<Catalog> catalog, std::unique_ptr<Clock> clock) {
  std::unique_ptr<LakeSink> sink(new LakeSink(config, log, std::move(store), std::move(catalog), std::move(clock)));
  RETURN_IF_ERROR(sink->TakeEpoch());
  RETURN_IF_ERROR(sink->LoadTables());
  return sink;
}

LakeSink::LakeSink(LakeConfig config, LogIdentity log, std::unique_ptr<ObjectStore> store, std::unique_ptr<Catalog> catalog,
                   std::unique_ptr<Clock> clock)
    : config_(std::move(config)), log_(std::move(log)), store_(std::move(store)), catalog_(std::move(catalog)), clock_(std::move(clock)),
      cache_(*store_, kManifestCacheBytes), garbage_(*store_, kDeleteAfter), context_{*store_, cache_, config_} {}

Status LakeSink::TakeEpoch() {
  RETURN_IF_ERROR(catalog_->CreateNamespace(kBookmarkNamespace));
  ASSIGN_OR_RETURN(const auto properties, catalog_->NamespaceProperties(kBookmarkNamespace));
  const iceberg::Properties known = properties.value_or(iceberg::Properties{});
  ASSIGN_OR_RETURN(const uint64_t epoch, ParseEpoch(known));
  ASSIGN_OR_RETURN(bookmark_, ParseBookmark(known));
  context_.epoch = epoch + 1;
  if (bookmark_) bookmark_->epoch = context_.epoch;
  NamespaceUpdate take;
  take.name_space = kBookmarkNamespace;
  take.set[kEpochProperty] = std::to_string(context_.epoch);
  const auto before = known.find(kEpochProperty);
  take.expected[kEpochProperty] = before == known.end() ? std::nullopt : std::optional(before->second);
  const auto taken = catalog_->Commit({}, take);
  if (!taken.ok()) return taken.error();
  return Ok();
}

Status LakeSink::LoadTables() {
  ASSIGN_OR_RETURN(const auto namespaces, catalog_->ListNamespaces());
  for (const std::string& name_space : namespaces) {
    if (name_space == kBookmarkNamespace) continue;
    ASSIGN_OR_RETURN(const auto ids, catalog_->ListTables(name_space));
    for (const TableIdentifier& id : ids) {
      ASSIGN_OR_RETURN(auto loaded, catalog_->LoadTable(id));
      if (!loaded) continue;
      ASSIGN_OR_RETURN(const auto copied, ParseCopiedTable(loaded->metadata->properties));
      if (!copied) continue;  // An interrupted copy, or somebody else's.
      const TableName name{id.name_space, id.name};
      LakeTable& table = tables_[name];
      table.id = id;
      table.copied = *copied;
      table.current = std::move(*loaded);
      copied_[name] = *copied;
    }
  }
  return Ok();
}

Status LakeSink::PrepareTables(const std::vector<TableDefinition>& tables) {
  const std::lock_guard lock(mutex_);
  // When a row was committed is not known of rows that are copied: it was before now. Their LSN is 0: before all
  // that are streamed.
  RowStamp stamp;
  stamp.ingested_at = clock_->Now();
  stamp.committed_at = stamp.ingested_at;
  for (const TableDefinition& table : tables) RETURN_IF_ERROR(PrepareTable(table, stamp));
  return Ok();
}

Status LakeSink::PrepareTable(const TableDefinition& definition, const RowStamp& stamp) {
  const TableName& name = definition.schema->name;
  const TableIdentifier id = IdOf(name);
  if (name.name_space == kBookmarkNamespace)
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: the lake keeps its bookmark in a namespace of that name", ToString(name)), slu::kLakeForeignTable};
  RETURN_IF_ERROR(catalog_->CreateNamespace(id.name_space));
  ASSIGN_OR_RETURN(auto existing, catalog_->LoadTable(id));
  std::string location = catalog_->DefaultLocation(id);
  if (existing) {
    const auto state = existing->metadata->properties.find(kStateProperty);
    if (state == existing->metadata->properties.end())
      return Error{ErrorKind::kNeedsOperator, fmt::format("table {} exists in the lake and is not sluice's", ToString(name)), slu::kLakeForeignTable};
    LakeTable old;
    old.id = id;
    old.current = std::move(*existing);
    const bool was_copied = state->second == kStateCopied;
    // Files of a table that readers may be reading stay for a while, so the new one lies elsewhere.
    if (was_copied) location += "-" + iceberg::NewUuid().substr(0, 8);
    RETURN_IF_ERROR(RemoveLeftover(old, was_copied));
  }
  by_schema_.clear();
  tables_.erase(name);
  copied_.erase(name);
  LakeTable& table = tables_[name];
  table.id = id;
  table.copied.oid = definition.schema->oid;
  table.schema = MakeLakeSchema(definition.schema);
  ASSIGN_OR_RETURN(const iceberg::PartitionSpec spec, MakePartitionSpec(PartitionConfigOf(config_, name), *table.schema));
  iceberg::NewTable made;
  made.uuid = iceberg::NewUuid();
  made.location = location;
  made.schema = table.schema->iceberg;
  made.spec = spec;
  made.properties = {{kStateProperty, kStateCopying},
                     {kColumnsProperty, ToText(table.schema->field_ids)},
                     {"write.format.default", "parquet"},
                     {"gc.enabled", "false"}};
  const iceberg::Properties own = TableProperties({{log_, {}}, context_.epoch, {}}, definition.schema->oid);
  made.properties.insert(own.begin(), own.end());
  ASSIGN_OR_RETURN(table.current, catalog_->CreateTable(id, made));
  table.manifests = std::make_shared<const std::vector<iceberg::ManifestFile>>();
  table.copy = std::make_unique<CopyTarget>(context_, table.schema, table.current.metadata->spec(), table.current.metadata->location, stamp);
  return Ok();
}

Status LakeSink::RemoveLeftover(LakeTable& table, bool was_copied) {
  RETURN_IF_ERROR(catalog_->DropTable(table.id));
  SLUICE_FAILPOINT("lake.after_drop_leftover");
  ASSIGN_OR_RETURN(const auto objects, store_->List(table.current.metadata->location));
  std::vector<std::string> uris;
  for (const ObjectInfo& object : objects) uris.push_back(object.uri);
  log::Info("lake", "lake.leftover_removed", was_copied ? "an earlier table of that name is replaced" : "what an interrupted copy left is removed",
            {{"table", table.id.name_space + "." + table.id.name}, {"files", std::to_string(uris.size())}});
  if (was_copied) {
    garbage_.Add(std::move(uris));
    return Ok();
  }
  for (const std::string& uri : uris) RETURN_IF_ERROR(store_->Remove(uri));
  return Ok();
}

namespace {

class LakeCopyWriter final : public CopyWriter {
 public:
  explicit LakeCopyWriter(CopyTarget& target) : target_(target), file_(target.Borrow()) {}

  Status Rows(Bytes rows, size_t count) override { return file_->Append(rows, count); }

  Status Finish() override {
    RETURN_IF_ERROR(file_->Park());
    target_.Return(std::move(file_));
    SLUICE_FAILPOINT("lake.copy_range_written");
    return Ok();
  }

 private:
  CopyTarget& target_;
  std::unique_ptr<CopyFile> file_;
};

}  // namespace

Result<std::unique_ptr<CopyWriter>> LakeSink::OpenCopyWriter(const TableDefinition& definition) {
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(definition.schema->name);
  SLUICE_CHECK(found != tables_.end());
  SLUICE_CHECK(found->second.copy != nullptr);  // PrepareTables comes first.
  return std::unique_ptr<CopyWriter>(new LakeCopyWriter(*found->second.copy));
}

Status LakeSink::FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position, Timestamp source_time) {
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
      ASSIGN_OR_RETURN(commit.tables[i].change.added_files, finished[i]->copy->Finish());
      Count(*finished[i], *finished[i]->schema, finished[i]->copy->TakePolicyCounts());
      return Ok();
    });
  }
  RETURN_IF_ERROR(RunParallel(tasks, kEncodeThreads));
  SLUICE_FAILPOINT("lake.before_finish_tables");
  const std::lock_guard lock(mutex_);
  commit.move_bookmark = !bookmark_.has_value();
  commit.bookmark = {copy_position, context_.epoch, source_time};
  commit.timestamp_ms = clock_->Now().time_since_epoch().count() / 1000;
  for (size_t i = 0; i < finished.size(); ++i) {
    commit.tables[i].table = finished[i];
    commit.tables[i].properties = {{kStateProperty, kStateCopied}, {kCopyLsnProperty, ToString(copy_position.lsn)}};
  }
  const Bookmark made = commit.bookmark;
  RETURN_IF_ERROR(CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_));
  SLUICE_FAILPOINT("lake.after_finish_tables");
  for (LakeTable* table : finished) {
    table->copy.reset();
    table->copied.copy_lsn = copy_position.lsn;
    copied_[{table->id.name_space, table->id.name}] = table->copied;
  }
  if (!bookmark_) bookmark_ = made;
  return Ok();
}

Result<LakeTable*> LakeSink::TableFor(const TableSchemaPtr& schema) {
  if (const auto known = by_schema_.find(schema.get()); known != by_schema_.end()) return known->second.second;
  LakeTable* table = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = tables_.find(schema->name);
    if (found == tables_.end() || !found->second.copied.copy_lsn.valid())
      return Error{ErrorKind::kNeedsOperator, fmt::format("table {} has changes, but was never copied to the lake", ToString(schema->name))};
    table = &found->second;
  }
  if (table->writer == nullptr) RETURN_IF_ERROR(OpenWriter(*table, schema)); else RETURN_IF_ERROR(FollowSchema(*table, schema));
  if (by_schema_.size() >= kSchemasMax) by_schema_.clear();
  // Several versions may be in use at once only one after the other: the newest one is the table's.
  std::erase_if(by_schema_, [&](const auto& entry) { return entry.second.second == table; });
  by_schema_[schema.get()] = {schema, table};
  return table;
}

Status LakeSink::OpenWriter(LakeTable& table, const TableSchemaPtr& schema) {
  RETURN_IF_ERROR(FollowSchema(table, schema));
  if (!table.manifests) {
    ASSIGN_OR_RETURN(table.manifests, iceberg::CurrentManifests(*table.current.metadata, cache_));
  }
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  table.writer = std::make_unique<TableWriter>(context_, table.schema, metadata.spec(), metadata.location, table.manifests);
  return Ok();
}

Status LakeSink::FollowSchema(LakeTable& table, const TableSchemaPtr& schema) {
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  const auto property = metadata.properties.find(kColumnsProperty);
  ASSIGN_OR_RETURN(const FieldIds ids, ParseFieldIds(property == metadata.properties.end() ? "" : property->second));
  ASSIGN_OR_RETURN(LakeSchemaPtr evolved, EvolveLakeSchema(metadata.schema(), metadata.last_column_id, ids, schema,
                                                           /*may_be_older=*/table.writer == nullptr));
  if (evolved->older) {
    log::Warn("lake", "lake.older_columns", "rows come that lack columns which the table has since; they are NULL there", {{"table", ToString(schema->name)}});
  } else if (!evolved->iceberg.SameColumns(metadata.schema())) {
    if (table.writer != nullptr) RETURN_IF_ERROR(table.writer->Flush());
    SLUICE_FAILPOINT("lake.before_schema_change");
    log::Info("lake", "lake.schema_changed", "a table's columns follow the source", {{"table", ToString(schema->name)}});
    const std::lock_guard lock(mutex_);
    // New columns are seen before their first value, as null; rows of this transaction are not.
    RETURN_IF_ERROR(CommitUpdates(*catalog_, context_.epoch, table,
                                  {iceberg::AddSchema{evolved->iceberg}, iceberg::SetCurrentSchema{},
                                   iceberg::SetProperties{{{kColumnsProperty, ToText(evolved->field_ids)}}}}));
    SLUICE_FAILPOINT("lake.after_schema_change");
  } else if (table.writer != nullptr && table.schema != nullptr) {
    RETURN_IF_ERROR(table.writer->Flush());
  }
  table.schema = std::move(evolved);
  if (table.writer != nullptr) {
    Count(table, table.writer->schema(), table.writer->TakePolicyCounts());
    table.writer->ChangeSchema(table.schema);
  }
  return Ok();
}

Status LakeSink::Write(ChangeBatchPtr batch) {
  if (!ingested_at_) ingested_at_ = clock_->Now();
  for (const Transaction& transaction : batch->transactions) {
    if (bookmark_ && transaction.end_lsn <= bookmark_->position.lsn) continue;  // Sent again after a restart.
    RETURN_IF_ERROR(WriteTransaction(*batch, transaction));
  }
  return FreeMemory();
}

Status LakeSink::WriteTransaction(const ChangeBatch& batch, const Transaction& transaction) {
  RowStamp stamp{*ingested_at_, transaction.commit_time, transaction.commit_lsn};
  uint32_t last = UINT32_MAX;
  LakeTable* table = nullptr;
  for (size_t i = transaction.first_change; i < transaction.first_change + transaction.change_count; ++i) {
    const Change& change = batch.changes[i];
    if (change.table != last) {
      ASSIGN_OR_RETURN(table, TableFor(batch.tables[change.table]));
      last = change.table;
    }
    if (transaction.commit_lsn < table->copied.copy_lsn) continue;  // In the copy already.
    RETURN_IF_ERROR(table->writer->Apply(batch, change, stamp));
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
    RETURN_IF_ERROR(largest->writer->Flush());
  }
  return Ok();
}

Status LakeSink::Commit(const Position& position, Timestamp source_time) {
  const std::lock_guard lock(mutex_);
  LakeCommit commit;
  for (auto& [name, table] : tables_) {
    if (table.writer != nullptr && table.writer->dirty()) commit.tables.push_back({&table, {}, {}});
  }
  std::vector<std::function<Status()>> tasks;
  for (TableToCommit& table : commit.tables) {
    tasks.push_back([&table]() -> Status {
      ASSIGN_OR_RETURN(table.change, table.table->writer->Prepare());
      return Ok();
    });
  }
  RETURN_IF_ERROR(RunParallel(tasks, kEncodeThreads));
  std::vector<LakeTable*> changed;
  for (const TableToCommit& table : commit.tables) changed.push_back(table.table);
  // A table whose changes left nothing behind needs no snapshot.
  std::erase_if(commit.tables, [](const TableToCommit& table) {
    const iceberg::TableChange& change = table.change;
    return change.added_files.empty() && change.removed_data_files.empty() && !change.remove_everything;
  });
  commit.bookmark = {position, context_.epoch, source_time};
  commit.timestamp_ms = clock_->Now().time_since_epoch().count() / 1000;
  const Bookmark made = commit.bookmark;
  RETURN_IF_ERROR(CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_));
  for (LakeTable* table : changed) {
    table->writer->Committed(table->manifests);
    garbage_.Add(table->writer->TakeGarbage());
    Count(*table, table->writer->schema(), table->writer->TakePolicyCounts());
  }
  bookmark_ = made;
  ingested_at_.reset();
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
  const TableName name{table.id.name_space, table.id.name};
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

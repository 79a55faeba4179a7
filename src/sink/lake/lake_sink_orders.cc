// What people ask to have done to the lake, on the stream's thread and a table at a time, so that the stream goes on in between.

#include <fmt/format.h>

#include <algorithm>

#include "iceberg/snapshot_expiry.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "sink/lake/commit_in_turn.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_sink.h"

namespace sluice {
namespace {

using Kind = LakeOrder::Kind;

// A partition is written again in one go unless it is larger than this.
constexpr int64_t kBytesPerCompaction = 512ll << 20;

Error NotFollowed(const TableName& table, std::string_view why) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("table {} does not follow the source now: {}", ToString(table), why), slu::kLakeTableNotFollowed};
}

std::string WhyNot(const LakeTable& table) {
  return table.copied.catching_up_from ? fmt::format("it is catching up with the others, and is at {}", ToString(*table.copied.catching_up_from)) : "it is being copied";
}

// A mistake of whoever asked, found before anything was changed: the stream goes on.
bool IsAnswer(const Error& error) { return error.kind == ErrorKind::kNeedsOperator && (error.code == slu::kLakeNoTable || error.code == slu::kLakeNoSnapshot ||
                                                                                       error.code == slu::kLakeNoCut || (error.code >= slu::kLakeTagName && error.code <= slu::kLakeWorkEnded)); }

void Add(const FileFigures& figures, const std::string& when, LakeTableDone& done) {
  for (const auto& [name, value] : {std::pair{"data_files", figures.data_files}, {"delete_files", figures.delete_files}, {"deleted_rows", figures.deleted_rows}, {"bytes", figures.bytes}})
    done.figures.emplace_back(fmt::format("{}_{}", name, when), value);
}

Result<FileFigures> FiguresOf(const iceberg::TableMetadata& metadata, iceberg::ManifestReader& reader, size_t* partitions = nullptr) {
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(metadata, reader));
  ASSIGN_OR_RETURN(const TableFigures figures, ReadFigures(metadata, *manifests, reader, 0));
  if (partitions != nullptr) *partitions = figures.partitions.size();
  return figures.all;
}

}  // namespace

Status LakeSink::Attend() {
  if (!work_) {
    auto order = orders_->Begin();
    if (!order) return Ok();
    work_ = std::make_unique<LakeWork>();
    work_->order = std::move(*order);
    const std::lock_guard lock(mutex_);
    Status begun = BeginWork();
    if (begun.ok()) return Ok();
    work_.reset();
    orders_->End(begun.error());
    return IsAnswer(begun.error()) ? Ok() : begun;
  }
  const std::lock_guard lock(mutex_);
  Status worked = orders_->abandoned() ? Status(Error{ErrorKind::kCancelled, "stopped on request"}) : WorkOn();
  if (worked.ok()) return Ok();
  maintenance_->ForgetAsked();
  work_.reset();
  orders_->End(worked.error());
  return worked.error().kind == ErrorKind::kCancelled || IsAnswer(worked.error()) ? Ok() : worked;
}

void LakeSink::FinishWork() {
  orders_->End(std::move(work_->report));
  work_.reset();
}

Status LakeSink::BeginWork() {
  if (!bookmark_) return Error{ErrorKind::kNeedsOperator, "nothing was copied to the lake yet", slu::kLakeNoCut};
  if (work_->order.kind == Kind::kRollBack) return Ok();
  if (work_->order.kind == Kind::kDeleteTag) return Ok();
  ASSIGN_OR_RETURN(work_->tables, TablesToWorkOn());
  return Ok();
}

Status LakeSink::WorkOn() {
  switch (work_->order.kind) {
    case Kind::kTag: return Tag();
    case Kind::kDeleteTag: return DeleteTag();
    case Kind::kRollBack: return RollBack();
    case Kind::kCompact:
    case Kind::kRemoveOrphans: return AwaitMaintenance();
    case Kind::kExpire: break;
  }
  if (work_->next == work_->tables.size()) {
    FinishWork();
    return Ok();
  }
  const TableName name = work_->tables[work_->next++];
  orders_->Tell({ToString(name), work_->next - 1, work_->tables.size()});
  return Expire(name);
}

/// Those that were asked for, or all; what does not follow the source goes into the report.
Result<std::vector<TableName>> LakeSink::TablesToWorkOn() {
  std::vector<TableName> tables;
  for (const TableName& name : work_->order.tables) {
    const auto found = tables_.find(name);
    if (held_.contains(name)) return NotFollowed(name, "it is held: " + held_.at(name).reason);
    if (found == tables_.end()) return Error{ErrorKind::kNeedsOperator, fmt::format("there is no table {} of sluice's in the lake", ToString(name)), slu::kLakeNoTable};
    if (!found->second.is_complete()) return NotFollowed(name, WhyNot(found->second));
    tables.push_back(name);
  }
  if (!work_->order.tables.empty()) return tables;
  for (const auto& [name, table] : tables_) {
    if (table.is_complete()) tables.push_back(name);
    else work_->report.tables.push_back({name, false, WhyNot(table), std::nullopt, {}});
  }
  for (const auto& [name, why] : held_) work_->report.tables.push_back({name, false, "it is held: " + why.reason, std::nullopt, {}});
  return tables;
}

Status LakeSink::Tag() {
  const LakeOrder& order = work_->order;
  ASSIGN_OR_RETURN(Tables held, LoadHeldTables());
  if (!PeriodOf(order.tag)) RETURN_IF_ERROR(CheckTagName(order.tag));
  if (!catalog_->commits_many_tables())
    return Error{ErrorKind::kNeedsOperator, "the catalog commits one table at a time, so that a tag would not be one moment of all tables", slu::kLakeTagName};
  for (const Tables* const tables : {&std::as_const(tables_), &std::as_const(held)})
    for (const auto& [name, table] : *tables)
      if (table.current.metadata && table.current.metadata->refs.contains(order.tag))
        return Error{ErrorKind::kNeedsOperator, fmt::format("table {} has a tag or branch \"{}\" already", ToString(name), order.tag), slu::kLakeTagExists};

  std::vector<CutTable> at;
  for (const auto& [name, table] : tables_)
    if (table.current.metadata && table.changes_of == nullptr) at.push_back({name, table.current.metadata, std::nullopt});
  for (const auto& [name, table] : held) at.push_back({name, table.current.metadata, held_.at(name)});
  const auto cut = FindCut(at, bookmark_, order.at);
  if (!cut) return Error{ErrorKind::kNeedsOperator, "no snapshot that is left is that old", slu::kLakeNoCut};

  TagPlan plan{.made = {order.tag}, .moment = {cut->lsn, cut->source_time, clock_->Now()}, .snapshots = {}, .removed = {}, .removed_from = {}};
  LakeReport report{cut->lsn, cut->source_time, {}};
  for (const TableAtCut& table : cut->tables) {
    const bool named = std::find(order.tables.begin(), order.tables.end(), table.name) != order.tables.end();
    if (!named && !order.tables.empty()) continue;
    if (table.state == CutState::kExpired) return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: {}", ToString(table.name), table.reason), slu::kLakeMomentExpired};
    if (table.state == CutState::kBehind && named) return NotFollowed(table.name, table.reason);
    LakeTableDone& done = report.tables.emplace_back(LakeTableDone{table.name, !table.is_missing(), table.reason, table.snapshot_id, {}});
    if (table.state == CutState::kEmpty) done.note = "it has no snapshot yet, so that there is nothing to name";
    if (table.state != CutState::kSnapshot) continue;
    if (held.contains(table.name)) done = {table.name, false, "it is held: " + held_.at(table.name).reason, std::nullopt, {}};
    else plan.snapshots[table.name] = table.snapshot_id;
  }
  if (plan.snapshots.empty()) return Error{ErrorKind::kNeedsOperator, "no table has a snapshot of that moment", slu::kLakeMomentExpired};
  LakeCommit commit = CommitBeside();
  RETURN_IF_ERROR(ChangeTags(plan, commit, held));
  RETURN_IF_ERROR(CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_));
  log::Info("lake", "lake.tagged", "a moment of the lake was named", {{"tag", order.tag}, {"lsn", ToString(cut->lsn)}, {"tables", std::to_string(plan.snapshots.size())}});
  work_->report = std::move(report);
  FinishWork();
  return Ok();
}

Status LakeSink::DeleteTag() {
  const LakeOrder& order = work_->order;
  ASSIGN_OR_RETURN(Tables held, LoadHeldTables());
  TagPlan plan;
  plan.removed = {order.tag};
  plan.removed_from.insert(order.tables.begin(), order.tables.end());
  LakeReport report;
  for (const Tables* const tables : {&std::as_const(tables_), &std::as_const(held)}) {
    for (const auto& [name, table] : *tables) {
      if (!plan.removed_from.empty() && !plan.removed_from.contains(name)) continue;
      if (!table.current.metadata || !TagsOf(*table.current.metadata).contains(order.tag)) continue;
      report.tables.push_back({name, true, "", table.current.metadata->refs.at(order.tag).snapshot_id, {}});
    }
  }
  if (report.tables.empty()) return Error{ErrorKind::kNeedsOperator, fmt::format("no table has a tag \"{}\"", order.tag), slu::kLakeNoTag};
  LakeCommit commit = CommitBeside();
  RETURN_IF_ERROR(ChangeTags(plan, commit, held));
  RETURN_IF_ERROR(CommitTables(*catalog_, *store_, cache_, config_, std::move(commit), garbage_));
  log::Info("lake", "lake.tag_deleted", "a tag was deleted", {{"tag", order.tag}, {"tables", std::to_string(report.tables.size())}});
  work_->report = std::move(report);
  FinishWork();
  return Ok();
}

Status LakeSink::Expire(const TableName& name) {
  const auto found = tables_.find(name);
  if (found == tables_.end()) return Ok();
  LakeTable& table = found->second;
  const iceberg::TableMetadata& metadata = *table.current.metadata;
  const std::vector<int64_t> expired = iceberg::SnapshotsToExpire(metadata, work_->order.snapshots_kept);
  ASSIGN_OR_RETURN(std::vector<std::string> files, iceberg::FindUnreachable(metadata, expired, {}, cache_));
  const auto file_count = static_cast<int64_t>(files.size()), left = static_cast<int64_t>(metadata.snapshots.size() - expired.size());
  if (!expired.empty()) {
    RETURN_IF_ERROR(CommitUpdates(table, {iceberg::RemoveSnapshots{expired}}));
    if (!work_->order.at_once) garbage_.Add(std::move(files));
    else for (const std::string& file : files) RETURN_IF_ERROR(store_->Remove(file));
    log::Info("lake", "lake.expired", "snapshots expired by hand", {{"table", ToString(name)}, {"snapshots", std::to_string(expired.size())}, {"files", std::to_string(file_count)}});
  }
  work_->report.tables.push_back({name, true, "", std::nullopt, {{"snapshots_expired", static_cast<int64_t>(expired.size())}, {"snapshots_left", left}, {"files_removed", file_count}}});
  return Ok();
}

Status LakeSink::AskMaintenance(const TableName& name) {
  const auto found = tables_.find(name);
  if (found == tables_.end()) return Ok();
  const iceberg::TableMetadataPtr metadata = found->second.current.metadata;
  AskedMaintenance asked;
  asked.at_once = work_->order.at_once;
  asked.orphans_after = work_->order.orphans_after;
  asked.remove_orphans = work_->order.kind == Kind::kRemoveOrphans;
  if (work_->order.kind == Kind::kCompact) {
    size_t partitions = 0;
    ASSIGN_OR_RETURN(const FileFigures figures, FiguresOf(*metadata, cache_, &partitions));
    work_->before[name] = figures;
    // New files come meanwhile: it must end some time.
    asked.compactions_left = static_cast<int>(std::min<int64_t>(static_cast<int64_t>(partitions) + figures.bytes / kBytesPerCompaction + 1, 1'000'000));
  }
  maintenance_->Ask(IdOf(name), metadata, asked);
  return Ok();
}

Status LakeSink::AwaitMaintenance() {
  // Rows that are not committed yet stand in the way; then the next commit does it.
  const bool dirty = std::any_of(tables_.begin(), tables_.end(), [](const auto& entry) { return entry.second.writer != nullptr && entry.second.writer->dirty(); });
  if (!dirty) RETURN_IF_ERROR(PutCompactionsInPlace());
  if (work_->asked < work_->tables.size()) RETURN_IF_ERROR(AskMaintenance(work_->tables[work_->asked++]));
  if (work_->next == work_->tables.size()) {
    FinishWork();
    return Ok();
  }
  const TableName name = work_->tables[work_->next];
  orders_->Tell({ToString(name), work_->next, work_->tables.size()});
  const auto asked = maintenance_->TakeAsked(IdOf(name));
  if (!asked) return Ok();
  ++work_->next;
  LakeTableDone& done = work_->report.tables.emplace_back(LakeTableDone{name, asked->failure.empty(), asked->failure, std::nullopt, {}});
  const auto found = tables_.find(name);
  if (work_->order.kind == Kind::kRemoveOrphans) {
    done.figures = {{"files_removed", asked->orphans}, {"bytes_removed", asked->orphan_bytes}, {"uploads_aborted", asked->uploads}};
    if (!asked->uploads_stay.empty()) work_->report.note = asked->uploads_stay;
  } else if (found != tables_.end()) {
    ASSIGN_OR_RETURN(const FileFigures after, FiguresOf(*found->second.current.metadata, cache_));
    Add(work_->before[name], "before", done);
    Add(after, "after", done);
  }
  return Ok();
}

// A table that is set back shows another moment than the others and would meet changes of rows that it does not have. So it is held from
// then on, in the same commit where it is not held already.
Status LakeSink::RollBack() {
  const LakeOrder& order = work_->order;
  const TableName name = order.tables.at(0);
  const auto followed = tables_.find(name);
  if (followed != tables_.end() && (followed->second.writer != nullptr || followed->second.copy != nullptr)) return NotFollowed(name, "the stream is at work on it");
  if (followed == tables_.end() && !held_.contains(name))
    return Error{ErrorKind::kNeedsOperator, fmt::format("there is no table {} of sluice's in the lake", ToString(name)), slu::kLakeNoTable};
  ASSIGN_OR_RETURN(const auto loaded, catalog_->LoadTable(IdOf(name)));
  if (!loaded || loaded->metadata->FindSnapshot(order.snapshot_id) == nullptr)
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} has no snapshot {}", ToString(name), order.snapshot_id), slu::kLakeNoSnapshot};
  HeldTable why = followed != tables_.end() ? HeldTable{followed->second.copied.oid, 0, "", bookmark_->position.lsn} : held_.at(name);
  why.code = slu::kLakeRolledBack;
  why.reason = order.reason;
  iceberg::TableMetadata back = *loaded->metadata;
  back.current_snapshot_id = order.snapshot_id;
  if (const auto history = MainHistory(back); !history.empty() && history.front().mark) why.lsn = std::min(why.lsn, history.front().mark->lsn);
  NamespaceUpdate hold = ExpectEpoch(context_.epoch);
  hold.set[HeldProperty(name)] = ToText(why);
  iceberg::SnapshotRef main;
  main.snapshot_id = order.snapshot_id;
  const std::vector<TableCommit> commits{{IdOf(name), *loaded, {iceberg::AssertUuid{loaded->metadata->table_uuid}}, {iceberg::SetSnapshotRef{iceberg::kMainBranch, main}}}};
  if (commits_in_turn()) {  // The hold first: a table that was set back must not be taken for one that goes on.
    const auto first = catalog_->Commit({}, hold);
    if (!first.ok()) return first.error();
    hold.set.clear();
  }
  const auto committed = CommitInTurn(*catalog_, commits, hold);
  if (!committed.ok()) return committed.error();
  log::Warn("lake", "lake.rolled_back", why.reason, {{"table", ToString(name)}, {"snapshot", std::to_string(order.snapshot_id)}});
  DropOut(name);
  held_[name] = why;
  work_->report = {why.lsn, std::nullopt, {{name, true, why.reason, order.snapshot_id, {}}}};
  FinishWork();
  return Ok();
}

}  // namespace sluice

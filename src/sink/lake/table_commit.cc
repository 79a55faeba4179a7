#include "sink/lake/table_commit.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "sink/lake/commit_in_turn.h"
#include "sink/lake/definition_file.h"
#include "sink/lake/foreign_changes.h"
#include "sink/lake/lake_properties.h"

namespace sluice {

TableToCommit& PartOf(LakeCommit& commit, LakeTable& table) {
  const auto found = std::find_if(commit.tables.begin(), commit.tables.end(), [&](const TableToCommit& part) { return part.table == &table; });
  return found != commit.tables.end() ? *found : commit.tables.emplace_back(TableToCommit{.table = &table});
}

std::optional<int64_t> SettleSnapshotId(TableToCommit& table) {
  const iceberg::TableMetadata& base = *table.table->current.metadata;
  if (!table.makes_snapshot()) return base.current_snapshot_id;
  if (!table.snapshot_id) table.snapshot_id = iceberg::NewSnapshotId(base);
  return table.snapshot_id;
}

NamespaceUpdate ExpectEpoch(uint64_t epoch) {
  NamespaceUpdate update;
  update.name_space = kBookmarkNamespace;
  update.expected[kEpochProperty] = std::to_string(epoch);
  return update;
}

namespace {

constexpr int kExpiredAtOncePart = 10;

// Of two processes the one with the older epoch stops.
Error Explained(Catalog& catalog, uint64_t epoch, Error error) {
  if (error.kind != ErrorKind::kConflict) return error;
  const auto properties = catalog.NamespaceProperties(kBookmarkNamespace);
  if (!properties.ok() || !*properties) return error;
  const auto now = ParseEpoch(**properties);
  if (now.ok() && *now != epoch) {
    error.code = slu::kLakeFenced;
    error.message = "another process has opened the lake: its epoch is " + std::to_string(*now) + ", ours " + std::to_string(epoch);
  }
  return error;
}

Result<iceberg::CommitPlan> PlanFiles(TableToCommit& to_commit, const iceberg::TableMetadata& base, const iceberg::Properties& own,
                                      iceberg::ManifestCache& cache, const LakeConfig& config, const LakeCommit& commit) {
  LakeTable& table = *to_commit.table;
  if (!table.manifests) {
    ASSIGN_OR_RETURN(table.manifests, iceberg::CurrentManifests(base, cache));
  }
  iceberg::CommitPolicy policy;
  policy.manifests_to_merge = to_commit.changes_files() ? config.manifests_merged_at : std::numeric_limits<int32_t>::max();
  policy.snapshots_to_keep = config.snapshots_kept;
  // With tags history is no line, and what expires costs more to be found: so it expires in portions.
  const bool has_tags = std::any_of(base.refs.begin(), base.refs.end(), [](const auto& ref) { return ref.second.is_tag; });
  if (has_tags) policy.snapshots_to_expire_min = std::max(1, config.snapshots_kept / kExpiredAtOncePart);
  const iceberg::CommitAttempt attempt{*to_commit.snapshot_id, iceberg::NewUuid(), 1, commit.timestamp_ms};
  to_commit.change.summary.insert(own.begin(), own.end());
  NameDefinition(to_commit.properties, to_commit.change.summary);
  NameDefinition(base.properties, to_commit.change.summary);
  if (to_commit.since) to_commit.change.summary[kSinceProperty] = ToString(*to_commit.since);
  return iceberg::PlanCommit(base, *table.manifests, to_commit.change, policy, attempt, cache);
}

Result<iceberg::CommitPlan> Plan(TableToCommit& to_commit, iceberg::ManifestCache& cache, const LakeConfig& config,
                                 const LakeCommit& commit) {
  LakeTable& table = *to_commit.table;
  iceberg::TableMetadataPtr base = table.current.metadata;
  const iceberg::Properties own = TableProperties(commit.reached.value_or(commit.bookmark), table.copied.oid);
  iceberg::CommitPlan plan;
  plan.manifests = table.manifests;
  plan.requirements = {iceberg::AssertUuid{base->table_uuid}};
  if (!to_commit.first.empty()) {
    ASSIGN_OR_RETURN(iceberg::TableMetadata changed, iceberg::ApplyUpdates(base.get(), to_commit.first, commit.timestamp_ms));
    base = std::make_shared<const iceberg::TableMetadata>(std::move(changed));
  }
  const auto current = SettleSnapshotId(to_commit);
  if (to_commit.makes_snapshot()) {
    ASSIGN_OR_RETURN(plan, PlanFiles(to_commit, *base, own, cache, config, commit));
  }
  plan.updates.insert(plan.updates.begin(), to_commit.first.begin(), to_commit.first.end());
  if (!to_commit.changes_only_tags()) {
    iceberg::Properties properties = own;
    for (const auto& [key, value] : to_commit.properties) properties[key] = value;
    if (to_commit.makes_snapshot()) properties[kHeadProperty] = std::to_string(plan.snapshot_id);
    plan.updates.push_back(iceberg::SetProperties{std::move(properties)});
  }
  if (!to_commit.removed_properties.empty()) plan.updates.push_back(iceberg::RemoveProperties{to_commit.removed_properties});
  for (const TagChange& tag : to_commit.tags) {
    const auto named = tag.snapshot_id ? tag.snapshot_id : current;
    iceberg::SnapshotRef ref;
    ref.snapshot_id = named.value_or(0);
    ref.is_tag = true;
    if (tag.remove) plan.updates.push_back(iceberg::RemoveSnapshotRef{tag.name});
    else if (named) plan.updates.push_back(iceberg::SetSnapshotRef{tag.name, ref});
  }
  return plan;
}

}  // namespace

Status CommitTables(Catalog& catalog, ObjectStore& store, iceberg::ManifestCache& cache, const LakeConfig& config,
                    LakeCommit commit, Garbage& garbage) {
  std::vector<iceberg::CommitPlan> plans;
  std::vector<ObjectBytes> files;
  std::vector<TableCommit> swaps;
  // What a table of changes has is left out when it comes again; what only the table has would be missing there (decision 0026).
  const auto others = std::stable_partition(commit.tables.begin(), commit.tables.end(), [](const TableToCommit& one) { return one.table->changes_of != nullptr; });
  const auto first = static_cast<size_t>(others - commit.tables.begin());
  for (TableToCommit& to_commit : commit.tables) {
    Result<iceberg::CommitPlan> planned = Plan(to_commit, cache, config, commit);
    if (!planned.ok()) return IfReplaced(catalog, *to_commit.table, std::move(planned).error());
    iceberg::CommitPlan plan = std::move(*planned);
    for (ObjectBytes& file : plan.files) files.push_back(std::move(file));
    swaps.push_back({to_commit.table->id, to_commit.table->current, plan.requirements, plan.updates});
    plans.push_back(std::move(plan));
  }
  // A name is only given away by the swap, so that the order among these files doesn't matter: they may come with the catalog's.
  for (ObjectBytes& file : files) RETURN_IF_ERROR(store.PutLater(file.uri, std::move(file.bytes)));
  NamespaceUpdate bookmark = ExpectEpoch(commit.bookmark.epoch);
  if (commit.move_bookmark) bookmark.set = BookmarkProperties(commit.bookmark);
  bookmark.remove = commit.removed_from_namespace;
  SLUICE_FAILPOINT("lake.before_catalog_commit");
  auto committed = CommitInTurn(catalog, swaps, bookmark, first);
  if (!committed.ok()) return Explained(catalog, commit.bookmark.epoch, std::move(committed).error());
  SLUICE_FAILPOINT("lake.after_commit");
  for (size_t i = 0; i < plans.size(); ++i) {
    LakeTable& table = *commit.tables[i].table;
    table.current = std::move((*committed)[i]);
    table.manifests = plans[i].manifests;
    for (auto& [uri, entries] : plans[i].written_manifests) cache.KeepManifest(uri, std::move(entries));
    if (!plans[i].manifest_list.empty()) cache.KeepManifestList(plans[i].manifest_list, plans[i].manifests);
    garbage.Add(std::move(plans[i].unreachable));
  }
  return Ok();
}

Status CommitUpdates(Catalog& catalog, ObjectStore& store, iceberg::ManifestCache& cache, uint64_t epoch, int64_t timestamp_ms, LakeTable& table,
                     std::vector<iceberg::TableUpdate> updates) {
  std::vector<TableCommit> swaps{{table.id, table.current, {iceberg::AssertUuid{table.current.metadata->table_uuid}}, std::move(updates)}};
  if (!catalog.commits_many_tables()) RETURN_IF_ERROR(MoveSnapshot(store, cache, timestamp_ms, swaps.front()));
  auto committed = CommitInTurn(catalog, swaps, ExpectEpoch(epoch));
  if (!committed.ok()) return Explained(catalog, epoch, std::move(committed).error());
  table.current = std::move(committed->front());
  return Ok();
}

}  // namespace sluice

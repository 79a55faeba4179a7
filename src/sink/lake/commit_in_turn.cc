#include "sink/lake/commit_in_turn.h"

#include <atomic>
#include <functional>
#include <limits>

#include "base/failpoint.h"
#include "base/parallel.h"
#include "catalog/expected_properties.h"
#include "iceberg/snapshot_producer.h"
#include "sink/lake/definition_file.h"

namespace sluice {
namespace {

constexpr size_t kCommitThreads = 4;

Result<CatalogTable> CommitOne(Catalog& catalog, const TableCommit& table, std::atomic<bool>& some) {
  SLUICE_FAILPOINT("lake.before_table_alone");
  auto committed = catalog.Commit({table}, std::nullopt);
  if (!committed.ok()) return committed.error();
  some = true;
  SLUICE_FAILPOINT("lake.after_table_alone");
  return std::move(committed->front());
}

}  // namespace

Status CheckExpected(Catalog& catalog, const NamespaceUpdate& update) {
  ASSIGN_OR_RETURN(const auto properties, catalog.NamespaceProperties(update.name_space));
  return CheckExpected(update, properties.value_or(iceberg::Properties()));
}

Status MoveSnapshot(ObjectStore& store, iceberg::ManifestReader& reader, int64_t timestamp_ms, TableCommit& commit) {
  ASSIGN_OR_RETURN(const iceberg::TableMetadata base, iceberg::ApplyUpdates(commit.base.metadata.get(), commit.updates, timestamp_ms));
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(base, reader));
  // Neither merged nor expired: whoever knows the table's files goes on knowing them.
  constexpr int32_t kNever = std::numeric_limits<int32_t>::max();
  const iceberg::CommitPolicy policy{.manifests_to_merge = kNever, .snapshots_to_keep = kNever};
  const iceberg::CommitAttempt attempt{iceberg::NewSnapshotId(base), iceberg::NewUuid(), 1, timestamp_ms};
  iceberg::TableChange nothing;
  NameDefinition(base.properties, nothing.summary);
  ASSIGN_OR_RETURN(iceberg::CommitPlan plan, iceberg::PlanCommit(base, *manifests, nothing, policy, attempt, reader));
  for (ObjectBytes& file : plan.files) RETURN_IF_ERROR(store.PutLater(file.uri, std::move(file.bytes)));
  commit.updates.insert(commit.updates.end(), plan.updates.begin(), plan.updates.end());
  return Ok();
}

Result<std::vector<CatalogTable>> CommitInTurn(Catalog& catalog, const std::vector<TableCommit>& tables, const NamespaceUpdate& update, size_t first) {
  if (catalog.commits_many_tables()) return catalog.Commit(tables, update);
  // Whoever was overtaken mostly ends here. What still gets in is whole in itself, and the successor reads it when it meets it.
  RETURN_IF_ERROR(CheckExpected(catalog, update));
  std::vector<CatalogTable> committed(tables.size());
  std::atomic<bool> some = false;
  const auto commit_each = [&](size_t from, size_t to) {
    std::vector<std::function<Status()>> tasks;
    for (size_t i = from; i < to; ++i)
      tasks.emplace_back([&, i]() -> Status {
        ASSIGN_OR_RETURN(committed[i], CommitOne(catalog, tables[i], some));
        return Ok();
      });
    return RunParallel(tasks, kCommitThreads);
  };
  Status done = commit_each(0, first);
  if (done.ok()) done = commit_each(first, tables.size());
  if (done.ok() && !(update.set.empty() && update.remove.empty())) {
    const auto moved = catalog.Commit({}, update);
    if (!moved.ok()) done = moved.error();
  }
  if (done.ok()) return committed;
  Error error = done.error();
  if (some) error.kind = ErrorKind::kOutcomeUnknown;
  return error;
}

}  // namespace sluice

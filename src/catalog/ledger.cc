#include "catalog/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "catalog/expected_properties.h"
#include "iceberg/manifest_list_avro.h"
#include "iceberg/snapshot_producer.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using iceberg::Properties;

constexpr std::string_view kOwn = "sluice-";
constexpr std::string_view kCommit = "sluice-ledger.commit.";
constexpr std::string_view kPrevious = "sluice-ledger.previous";
constexpr size_t kSnapshotsMax = 8;

std::string CommitProperty(int64_t snapshot) { return fmt::format("{}{}", kCommit, snapshot); }

iceberg::Snapshot EmptySnapshot(const iceberg::TableMetadata& base, int64_t snapshot_id, int64_t now_ms, LedgerChange& change) {
  iceberg::Snapshot snapshot;
  snapshot.snapshot_id = snapshot_id;
  snapshot.sequence_number = base.last_sequence_number + 1;
  snapshot.parent_snapshot_id = base.current_snapshot_id;
  snapshot.timestamp_ms = std::max(now_ms, base.last_updated_ms);
  snapshot.schema_id = base.current_schema_id;
  snapshot.summary = {{"operation", "append"}, {"total-data-files", "0"}, {"total-records", "0"}};
  if (base.format_version >= 3) {
    snapshot.first_row_id = base.next_row_id.value_or(0);
    snapshot.added_rows = 0;
  }
  snapshot.manifest_list = fmt::format("{}/metadata/snap-{}-1-{}.avro", base.location, snapshot_id, change.commit_uuid);
  const iceberg::ManifestListHeader header{base.format_version, snapshot_id, snapshot.parent_snapshot_id, snapshot.sequence_number, snapshot.first_row_id};
  change.files.push_back({snapshot.manifest_list, iceberg::EncodeManifestList(header, {})});
  return snapshot;
}

void SetFirst(const iceberg::TableMetadata& base, int64_t now_ms, LedgerChange& change) {
  const int64_t first = iceberg::NewSnapshotId(base);
  change.commit.updates.push_back(iceberg::AddSnapshot{EmptySnapshot(base, first, now_ms, change)});
  change.commit.updates.push_back(iceberg::SetSnapshotRef{iceberg::kMainBranch, {first, false, {}, {}, {}}});
}

bool ChangesWhatItExpects(const NamespaceUpdate& update) {
  return std::any_of(update.expected.begin(), update.expected.end(), [&](const auto& expected) {
    const auto set = update.set.find(expected.first);
    const bool removed = std::find(update.remove.begin(), update.remove.end(), expected.first) != update.remove.end();
    return removed ? expected.second.has_value() : set != update.set.end() && expected.second != set->second;
  });
}

}  // namespace

Result<Ledger> Ledger::From(TableIdentifier id, CatalogTable table) {
  if (!table.metadata->current_snapshot_id)
    return Error{ErrorKind::kCorrupt, fmt::format("table {} keeps properties of a namespace, but has lost its snapshot", ToString(id)), slu::kLakeFileCorrupt};
  const int64_t snapshot = *table.metadata->current_snapshot_id;
  return Ledger(std::move(id), std::move(table), snapshot);
}

TableCommit Ledger::MakeEmpty(const TableIdentifier& id, const std::string& location) {
  iceberg::NewTable made;
  made.uuid = iceberg::NewUuid();
  made.location = location;
  made.schema.fields = {{1, "nothing", false, iceberg::Primitive(iceberg::TypeId::kString), "The table is there for its properties."}};
  return {id, {}, {iceberg::AssertCreate{}}, iceberg::UpdatesToCreate(made)};
}

LedgerChange Ledger::Make(const TableIdentifier& id, const std::string& location, int64_t now_ms) {
  LedgerChange change;
  change.commit_uuid = iceberg::NewUuid();
  change.commit = MakeEmpty(id, location);
  iceberg::TableMetadata base;
  base.location = location;
  base.current_schema_id = 0;
  SetFirst(base, now_ms, change);
  return change;
}

LedgerChange Ledger::MakeFirst(const TableIdentifier& id, const CatalogTable& empty, int64_t now_ms) {
  LedgerChange change;
  change.commit_uuid = iceberg::NewUuid();
  change.commit = {id, empty, {iceberg::AssertUuid{empty.metadata->table_uuid}}, {}};
  SetFirst(*empty.metadata, now_ms, change);
  return change;
}

bool Ledger::IsEmpty(const CatalogTable& table) {
  const Properties& properties = table.metadata->properties;
  return table.metadata->snapshots.empty() && std::none_of(properties.begin(), properties.end(), [](const auto& property) { return property.first.starts_with("sluice."); });
}

Properties Ledger::properties() const {
  Properties properties = table_.metadata->properties;
  std::erase_if(properties, [](const auto& property) { return property.first.starts_with(kOwn); });
  return properties;
}

Status Ledger::CheckExpected(const NamespaceUpdate& update) const { return sluice::CheckExpected(update, table_.metadata->properties); }

LedgerChange Ledger::Begin() const {
  LedgerChange change;
  change.commit_uuid = iceberg::NewUuid();
  change.commit = {id_, table_, {iceberg::AssertUuid{table_.metadata->table_uuid}, iceberg::AssertRefSnapshotId{iceberg::kMainBranch, snapshot_}}, {}};
  return change;
}

LedgerChange Ledger::Change(const NamespaceUpdate& update, int64_t now_ms) const {
  LedgerChange change = Begin();
  if (ChangesWhatItExpects(update)) MoveOn(now_ms, change);
  Properties set = update.set;
  set[CommitProperty(snapshot_)] = change.commit_uuid;
  change.commit.updates.push_back(iceberg::SetProperties{std::move(set)});
  std::vector<std::string> remove;
  for (const std::string& key : update.remove)
    if (table_.metadata->properties.contains(key)) remove.push_back(key);
  if (!remove.empty()) change.commit.updates.push_back(iceberg::RemoveProperties{std::move(remove)});
  return change;
}

LedgerChange Ledger::Fence(int64_t now_ms) const {
  LedgerChange change = Begin();
  MoveOn(now_ms, change);
  return change;
}

void Ledger::MoveOn(int64_t now_ms, LedgerChange& change) const {
  const iceberg::TableMetadata& base = *table_.metadata;
  const int64_t next = iceberg::NewSnapshotId(base);
  auto& updates = change.commit.updates;
  updates.push_back(iceberg::AddSnapshot{EmptySnapshot(base, next, now_ms, change)});
  updates.push_back(iceberg::SetSnapshotRef{iceberg::kMainBranch, {next, false, {}, {}, {}}});
  updates.push_back(iceberg::SetProperties{{{std::string(kPrevious), std::to_string(snapshot_)}}});
  std::vector<std::string> older;
  for (const auto& [key, value] : base.properties)
    if (key.starts_with(kCommit) && key != CommitProperty(snapshot_)) older.push_back(key);
  if (!older.empty()) updates.push_back(iceberg::RemoveProperties{std::move(older)});
  if (base.snapshots.size() < kSnapshotsMax) return;
  std::vector<int64_t> expired;
  for (const iceberg::Snapshot& snapshot : base.snapshots) {
    if (snapshot.snapshot_id == snapshot_) continue;
    expired.push_back(snapshot.snapshot_id);
    change.forgotten.push_back(snapshot.manifest_list);
  }
  updates.push_back(iceberg::RemoveSnapshots{std::move(expired)});
}

std::optional<bool> Ledger::Holds(const std::string& commit_uuid, int64_t snapshot) const {
  const Properties& properties = table_.metadata->properties;
  if (const auto last = properties.find(CommitProperty(snapshot)); last != properties.end()) return last->second == commit_uuid;
  const auto previous = properties.find(kPrevious);
  const bool is_known = snapshot == snapshot_ || (previous != properties.end() && previous->second == std::to_string(snapshot));
  return is_known ? std::optional(false) : std::nullopt;
}

void Ledger::Apply(const NamespaceUpdate& update, const std::string& commit_uuid) {
  iceberg::TableMetadata changed = *table_.metadata;
  for (const auto& [key, value] : update.set) changed.properties[key] = value;
  for (const std::string& key : update.remove) changed.properties.erase(key);
  changed.properties[CommitProperty(snapshot_)] = commit_uuid;
  table_.metadata = std::make_shared<const iceberg::TableMetadata>(std::move(changed));
}

}  // namespace sluice

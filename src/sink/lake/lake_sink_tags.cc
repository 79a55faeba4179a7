// Tags of the lake: in the commit that brings the tables to the moment that they name, with the table of cuts.

#include <algorithm>

#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_sink.h"

namespace sluice {
namespace {

// What is wrong with one table's files, or with the table of cuts, must not stop the stream every hour.
bool ConcernsOneTable(const Error& error) { return error.kind == ErrorKind::kCorrupt || error.code == slu::kLakeForeignTable || error.code == slu::kLakeFormatUnknown; }

Result<std::optional<CatalogTable>> LoadIfSound(Catalog& catalog, const TableIdentifier& id) {
  Result<std::optional<CatalogTable>> loaded = catalog.LoadTable(id);
  if (loaded.ok() || !ConcernsOneTable(loaded.error())) return loaded;
  log::Warn("lake", "lake.not_tagged", loaded.error().message, {{"table", ToString(id)}, {"evidence", loaded.error().evidence}});
  return std::optional<CatalogTable>();
}

void RemoveTags(const TagPlan& plan, LakeTable& table, LakeCommit& commit) {
  if (!plan.removed_from.empty() && !plan.removed_from.contains(NameOf(table.id))) return;
  for (const std::string& tag : plan.removed) {
    const auto ref = table.current.metadata->refs.find(tag);
    if (ref != table.current.metadata->refs.end() && ref->second.is_tag) PartOf(commit, table).tags.push_back({.name = tag, .remove = true});
  }
}

/// What the tags of a table name after the commit, of those whose moment is known.
void AddRows(const TaggedMoments& moments, LakeTable& table, LakeCommit& commit, std::vector<CutRow>& rows) {
  std::map<std::string, int64_t> named;
  for (const auto& [name, ref] : table.current.metadata->refs)
    if (ref.is_tag) named[name] = ref.snapshot_id;
  const auto part = std::find_if(commit.tables.begin(), commit.tables.end(), [&](const TableToCommit& one) { return one.table == &table; });
  if (part != commit.tables.end()) {
    for (const TagChange& change : part->tags) {
      const auto snapshot = change.snapshot_id ? change.snapshot_id : SettleSnapshotId(*part);
      if (change.remove) named.erase(change.name);
      else if (snapshot) named[change.name] = *snapshot;
    }
  }
  for (const auto& [tag, snapshot] : named)
    if (const auto moment = moments.find(tag); moment != moments.end()) rows.push_back({tag, moment->second, NameOf(table.id), snapshot});
}

}  // namespace

Status LakeSink::OpenCutTable() {
  if (cuts_.current.metadata) return Ok();
  cuts_.id = CutTableId();
  ASSIGN_OR_RETURN(auto existing, catalog_->LoadTable(cuts_.id));
  if (!existing) {
    ASSIGN_OR_RETURN(cuts_.current, catalog_->CreateTable(cuts_.id, NewCutTable(catalog_->DefaultLocation(cuts_.id))));
    return Ok();
  }
  const auto role = existing->metadata->properties.find(kRoleProperty);
  if (role == existing->metadata->properties.end() || role->second != kRoleCuts)
    return Error{ErrorKind::kNeedsOperator, "table " + ToString(cuts_.id) + " exists in the lake and is not sluice's", slu::kLakeForeignTable};
  cuts_.current = std::move(*existing);
  return Ok();
}

// Nobody else writes to a table that is held; one that is being copied belongs to its copy.
Result<LakeSink::Tables> LakeSink::LoadHeldTables() const {
  Tables held;
  for (const auto& [name, why] : held_) {
    const TableIdentifier id{name.name_space, name.name};
    ASSIGN_OR_RETURN(auto loaded, LoadIfSound(*catalog_, id));
    if (!loaded) continue;
    LakeTable& table = held[name];
    table.id = id;
    table.copied.oid = why.oid;
    table.current = std::move(*loaded);
  }
  return held;
}

std::set<std::string> LakeSink::KnownTags(const Tables& held) const {
  std::set<std::string> known;
  for (const Tables* const tables : {&tables_, &held})
    for (const auto& [name, table] : *tables)
      if (table.current.metadata) known.merge(TagsOf(*table.current.metadata));
  return known;
}

Status LakeSink::AddDueTags(LakeCommit& commit, Tables& held) {
  const Timestamp before = bookmark_ ? bookmark_->source_time : Timestamp{}, now = commit.bookmark.source_time;
  if (!BeganBetween(TagPeriod::kHour, before, now)) return Ok();  // Nor did a day.
  if (!catalog_->commits_many_tables()) return Ok();
  ASSIGN_OR_RETURN(held, LoadHeldTables());
  TagsDue due = FindTagsDue(config_.tags, KnownTags(held), before, now);
  if (due.made.empty() && due.removed.empty()) return Ok();
  TagPlan plan{.made = std::move(due.made), .moment = {commit.bookmark.position.lsn, now, clock_->Now()}, .snapshots = {}, .removed = std::move(due.removed), .removed_from = {}};
  for (const auto& [name, table] : tables_)
    if (table.copied.copy_lsn.valid() && table.copy == nullptr) plan.snapshots[name] = std::nullopt;
  if (const auto moments = KnownMoments(); !moments.ok() && ConcernsOneTable(moments.error())) {
    log::Warn("lake", "lake.not_tagged", moments.error().message, {{"table", ToString(CutTableId())}});
    return Ok();
  }
  return ChangeTags(plan, commit, held);
}

Result<TaggedMoments> LakeSink::KnownMoments() {
  RETURN_IF_ERROR(OpenCutTable());
  return ParseTaggedMoments(cuts_.current.metadata->properties);
}

Status LakeSink::ChangeTags(const TagPlan& plan, LakeCommit& commit, Tables& held) {
  ASSIGN_OR_RETURN(TaggedMoments moments, KnownMoments());
  const iceberg::Properties& known = cuts_.current.metadata->properties;
  for (const auto& [name, snapshot] : plan.snapshots)
    for (const std::string& tag : plan.made) PartOf(commit, tables_.at(name)).tags.push_back({.name = tag, .snapshot_id = snapshot});
  for (const std::string& tag : plan.made) moments[tag] = plan.moment;
  std::vector<CutRow> rows;
  for (Tables* const tables : {&tables_, &held}) {
    for (auto& [name, table] : *tables) {
      if (!table.copied.copy_lsn.valid() && tables == &tables_) continue;  // Being copied.
      RemoveTags(plan, table, commit);
      AddRows(moments, table, commit, rows);
    }
  }
  ASSIGN_OR_RETURN(std::vector<CutRow> others, RowsOfOtherTables(moments, held));
  rows.insert(rows.end(), others.begin(), others.end());

  TableToCommit& cuts = commit.tables.emplace_back(TableToCommit{.table = &cuts_});
  std::set<std::string> named;
  for (const CutRow& row : rows) named.insert(row.tag);
  for (const auto& [tag, moment] : moments) {
    const std::string property = TagProperty(tag);
    if (named.contains(tag)) cuts.properties[property] = ToText(moment);
    else if (known.contains(property)) cuts.removed_properties.push_back(property);
  }
  cuts.change.remove_everything = cuts_.current.metadata->current_snapshot_id.has_value();
  if (!rows.empty()) {
    ASSIGN_OR_RETURN(iceberg::DataFile file, WriteCutRows(context_, cuts_.current.metadata->location, std::move(rows)));
    file.spec_id = cuts_.current.metadata->default_spec_id;
    cuts.change.added_files.push_back(std::move(file));
  }
  SLUICE_FAILPOINT("lake.tags_ready");
  return Ok();
}

// Tables that are copied again keep what they had until their copy is complete, and their tags.
Result<std::vector<CutRow>> LakeSink::RowsOfOtherTables(const TaggedMoments& moments, const Tables& held) const {
  std::vector<CutRow> rows;
  ASSIGN_OR_RETURN(const auto namespaces, catalog_->ListNamespaces());
  for (const std::string& name_space : namespaces) {
    ASSIGN_OR_RETURN(const auto ids, catalog_->ListTables(name_space));
    for (const TableIdentifier& id : ids) {
      const auto known = tables_.find(NameOf(id));
      const bool listed = held.contains(NameOf(id)) || (known != tables_.end() && known->second.copied.copy_lsn.valid());
      if (listed || id == CutTableId()) continue;
      ASSIGN_OR_RETURN(const auto loaded, LoadIfSound(*catalog_, id));
      if (!loaded || !loaded->metadata->properties.contains(kStateProperty)) continue;
      for (const auto& [tag, moment] : moments) {
        const auto ref = loaded->metadata->refs.find(tag);
        if (ref != loaded->metadata->refs.end() && ref->second.is_tag) rows.push_back({tag, moment, NameOf(id), ref->second.snapshot_id});
      }
    }
  }
  return rows;
}

}  // namespace sluice

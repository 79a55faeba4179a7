#include "sink/lake/cuts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace sluice {
namespace {

using iceberg::Properties;
using iceberg::Snapshot;
using iceberg::TableMetadata;

std::string StateOf(const TableMetadata& metadata) {
  const auto state = metadata.properties.find(kStateProperty);
  return state == metadata.properties.end() ? "" : state->second;
}

TableAtCut Missing(const TableName& name, CutState state, Lsn lsn, std::string reason) { return {name, state, std::nullopt, lsn, std::move(reason)}; }

/// Why the table as it is now does not show this moment although no snapshot is newer; nullopt: it does.
std::optional<TableAtCut> FindBehind(const CutTable& table, const CopiedTable* copied, Lsn lsn) {
  if (table.held && table.held->lsn < lsn)
    return Missing(table.name, CutState::kBehind, table.held->lsn, fmt::format("held since {}: {}", ToString(table.held->lsn), table.held->reason));
  if (copied == nullptr) return Missing(table.name, CutState::kBehind, {}, "it is being copied");
  if (copied->catching_up_from && *copied->catching_up_from < lsn)
    return Missing(table.name, CutState::kBehind, *copied->catching_up_from, fmt::format("it is catching up with the others, and is at {}", ToString(*copied->catching_up_from)));
  return std::nullopt;
}

using History = std::vector<MarkedSnapshot>;

/// Why the snapshot before a later commit does not show this moment: what one commit took in together has no moment in between. So it is
/// with tables that catch up, that were ahead of the bookmark, or that were copied again.
std::optional<TableAtCut> FindBetween(const TableName& name, const History& history, History::const_iterator found, Lsn lsn) {
  if (found != history.end() && found->mark->lsn == lsn) return std::nullopt;
  const auto newer = std::find_if(std::make_reverse_iterator(found), history.rend(), [](const MarkedSnapshot& at) { return at.mark.has_value(); });
  if (newer == history.rend() || !newer->mark->since || *newer->mark->since >= lsn) return std::nullopt;
  const SnapshotMark& mark = *newer->mark;
  const std::string reason = mark.since->valid() ? fmt::format("it has no snapshot of then: one commit brought it from {} to {}", ToString(*mark.since), ToString(mark.lsn))
                                                 : fmt::format("it has no snapshot of then: it was copied again at {}", ToString(mark.lsn));
  return Missing(name, CutState::kExpired, *mark.since, reason);
}

/// The newest snapshot at or before `lsn`, unless it is of before a later copy that nothing leads up to.
TableAtCut Choose(const CutTable& table, const CopiedTable* copied, Lsn lsn) {
  const History history = MainHistory(*table.metadata);
  const auto found = std::find_if(history.begin(), history.end(), [&](const MarkedSnapshot& at) { return at.mark && at.mark->lsn <= lsn; });
  if (copied != nullptr && lsn < copied->copy_lsn) {
    // Followed until then if a commit after it came before the copy; else it may have stood still.
    const bool followed = found != history.end() && std::any_of(history.begin(), found + 1, [&](const MarkedSnapshot& at) {
      return at.mark && at.mark->lsn >= lsn && at.mark->lsn < copied->copy_lsn;
    });
    if (!followed) return Missing(table.name, CutState::kNotYetThere, copied->copy_lsn, fmt::format("it was copied later, at {}", ToString(copied->copy_lsn)));
  } else if (auto behind = FindBehind(table, copied, lsn)) {
    return *behind;
  }
  if (auto between = FindBetween(table.name, history, found, lsn)) return *between;
  if (found != history.end()) return {table.name, CutState::kSnapshot, found->snapshot->snapshot_id, found->mark->lsn, ""};
  const bool whole = history.empty() || !history.back().snapshot->parent_snapshot_id;
  if (whole && copied != nullptr) return {table.name, CutState::kEmpty, std::nullopt, copied->copy_lsn, ""};
  const auto& oldest = history.back().mark;
  return Missing(table.name, CutState::kExpired, oldest ? oldest->lsn : Lsn{},
                 oldest ? fmt::format("its snapshots of then have expired; the oldest one is of {}", ToString(oldest->lsn)) : "its snapshots of then have expired");
}

/// All versions up to then are in its newest snapshot of then.
TableAtCut ChangesAtCut(const CutTable& table, Lsn lsn) {
  const History history = MainHistory(*table.metadata);
  const bool stopped = !table.metadata->properties.contains(kCopyLsnProperty);
  if (stopped && !history.empty() && history.front().mark && history.front().mark->lsn < lsn)
    return Missing(table.name, CutState::kBehind, history.front().mark->lsn, fmt::format("the versions of its rows are not kept since {}", ToString(history.front().mark->lsn)));
  const auto found = std::find_if(history.begin(), history.end(), [&](const MarkedSnapshot& at) { return at.mark && at.mark->lsn <= lsn; });
  if (found != history.end()) return {table.name, CutState::kSnapshot, found->snapshot->snapshot_id, found->mark->lsn, ""};
  const bool whole = history.empty() || !history.back().snapshot->parent_snapshot_id;
  if (whole) return Missing(table.name, CutState::kNotYetThere, {}, "the versions of its rows are kept only since later");
  return Missing(table.name, CutState::kExpired, {}, "its snapshots of then have expired");
}

/// Every moment that a commit speaks of, with the earliest time that is said of it.
std::map<Lsn, std::optional<Timestamp>> Candidates(const std::vector<CutTable>& tables, const std::optional<Bookmark>& bookmark) {
  std::map<Lsn, std::optional<Timestamp>> moments;
  const auto add = [&](Lsn lsn, std::optional<Timestamp> time) {
    auto& known = moments[lsn];
    if (!known || (time && *time < *known)) known = time;
  };
  for (const CutTable& table : tables) {
    if (StateOf(*table.metadata).empty()) continue;
    for (const MarkedSnapshot& at : MainHistory(*table.metadata))
      // What a commit after the bookmark made belongs to a state that was not all loaded.
      if (at.mark && at.mark->lsn.valid() && (!bookmark || at.mark->lsn <= bookmark->position.lsn)) add(at.mark->lsn, at.mark->source_time);
  }
  if (bookmark) add(bookmark->position.lsn, bookmark->source_time == Timestamp{} ? std::nullopt : std::optional(bookmark->source_time));
  return moments;
}

}  // namespace

std::vector<MarkedSnapshot> MainHistory(const TableMetadata& metadata) {
  std::vector<MarkedSnapshot> history;
  std::map<int64_t, const Snapshot*> by_id;
  for (const Snapshot& snapshot : metadata.snapshots) by_id[snapshot.snapshot_id] = &snapshot;
  std::set<int64_t> seen;
  for (std::optional<int64_t> id = metadata.current_snapshot_id; id && seen.insert(*id).second;) {
    const auto found = by_id.find(*id);
    if (found == by_id.end()) break;
    history.push_back({found->second, ParseSnapshotMark(found->second->summary)});
    id = found->second->parent_snapshot_id;
  }
  for (size_t i = history.size(); i-- > 1;)
    if (!history[i - 1].mark) history[i - 1].mark = history[i].mark;
  return history;
}

TableAtCut AtCut(const CutTable& table, Lsn lsn) {
  if (ParseChangesOf(table.metadata->properties)) return ChangesAtCut(table, lsn);
  if (StateOf(*table.metadata).empty()) return {table.name, CutState::kForeign, std::nullopt, {}, ""};
  const auto copied = ParseCopiedTable(table.metadata->properties);
  return Choose(table, copied.ok() && *copied ? &**copied : nullptr, lsn);
}

std::optional<Cut> FindCut(const std::vector<CutTable>& tables, const std::optional<Bookmark>& bookmark, const CutWish& wish) {
  const auto moments = Candidates(tables, bookmark);
  for (auto at = moments.rbegin(); at != moments.rend(); ++at) {
    if (wish.lsn && at->first > *wish.lsn) continue;
    if (wish.time && (!at->second || *at->second > *wish.time)) continue;
    Cut cut{at->first, at->second, {}};
    for (const CutTable& table : tables) cut.tables.push_back(AtCut(table, cut.lsn));
    return cut;
  }
  return std::nullopt;
}

}  // namespace sluice

#include "pipeline/resumed_copies.h"

#include <algorithm>
#include <map>
#include <set>

namespace sluice {
namespace {

/// One sink's ranges of one table, by leaf, ascending.
using RangesByLeaf = std::map<Oid, std::vector<BlockRange>>;

RangesByLeaf KeptOf(const Sink& sink, const TableName& table) {
  RangesByLeaf ranges;
  const auto kept = sink.kept_copies().find(table);
  if (kept == sink.kept_copies().end()) return ranges;
  for (const BlockRange& range : kept->second.ranges) ranges[range.leaf].push_back(range);
  for (auto& [leaf, of_leaf] : ranges) std::sort(of_leaf.begin(), of_leaf.end());
  return ranges;
}

/// Calls visit(range) for those that reach into [first, end).
template <class Visit>
void ForOverlaps(const RangesByLeaf& ranges, Oid leaf, uint32_t first, uint32_t end, const Visit& visit) {
  const auto found = ranges.find(leaf);
  if (found == ranges.end()) return;
  auto at = std::partition_point(found->second.begin(), found->second.end(), [&](const BlockRange& range) { return range.end_block <= first; });
  for (; at != found->second.end() && at->first_block < end; ++at) visit(*at);
}

uint64_t Part(const CopyRange& of, uint32_t first, uint32_t end, uint32_t pages) {
  const auto blocks = [&](uint32_t from, uint32_t to) { return std::min(to, std::max(pages, from)) - from; };
  const uint64_t all = blocks(of.first_block, of.end_block);
  return all == 0 ? (first == of.first_block ? of.size_bytes : 0) : of.size_bytes * blocks(first, end) / all;
}

}  // namespace

std::string WhyFromTheStart(const KeptCopy& kept, const LogIdentity& log, const std::optional<SlotState>& slot, const TableDefinition* table) {
  if (table == nullptr) return "no copy of it is due, or it had left the publication";
  if (!table->schema->has_key() || table->schema->append_only()) return "it has no key";
  if (kept.oid != table->schema->oid) return "it is another table, or goes another way";
  if (kept.log != log) return "it was read from another log";
  if (kept.fingerprint != CopyFingerprint(*table)) return "it was changed, truncated or rewritten meanwhile";
  if (!slot || slot->lost || slot->confirmed_flush_lsn > kept.lsn) return "the slot does not have the changes since then";
  return "";
}

RangesToRead PlanReading(const std::vector<CopyRange>& planned, const InitialCopyRun& run) {
  RangesToRead reading;
  reading.kept.resize(run.tables.size());
  std::vector<std::vector<std::pair<size_t, RangesByLeaf>>> needs(run.tables.size());  // By table: which sink, and what it has.
  for (size_t target = 0; target < run.targets.size(); ++target)
    for (const size_t table : run.targets[target].tables) needs[table].emplace_back(target, KeptOf(*run.targets[target].sink, run.tables[table].schema->name));
  for (size_t table = 0; table < needs.size(); ++table) {
    std::optional<size_t> least;
    for (const auto& [target, has] : needs[table]) {
      size_t count = 0;
      for (const auto& [leaf, ranges] : has) count += ranges.size();
      least = std::min(least.value_or(count), count);
    }
    reading.kept[table].ranges = least.value_or(0);
  }
  for (const CopyRange& range : planned) {
    const Leaf& leaf = run.tables[range.table].leaves[range.leaf];
    std::set<uint32_t> cuts{range.first_block, range.end_block};
    for (const auto& [target, has] : needs[range.table]) {
      ForOverlaps(has, leaf.oid, range.first_block, range.end_block, [&](const BlockRange& kept) {
        cuts.insert(std::max(kept.first_block, range.first_block));
        cuts.insert(std::min(kept.end_block, range.end_block));
      });
    }
    for (auto first = cuts.begin(), end = std::next(first); end != cuts.end(); first = end++) {
      RangeToRead piece{range, {}};
      piece.range.first_block = *first;
      piece.range.end_block = *end;
      piece.range.size_bytes = Part(range, *first, *end, leaf.pages);
      for (const auto& [target, has] : needs[range.table]) {
        bool covered = false;
        ForOverlaps(has, leaf.oid, *first, *end, [&](const BlockRange&) { covered = true; });
        if (!covered) piece.targets.push_back(target);
      }
      if (!piece.targets.empty() || needs[range.table].empty()) {
        reading.ranges.push_back(std::move(piece));
      } else {
        reading.kept[range.table].bytes += piece.range.size_bytes;
      }
    }
  }
  return reading;
}

}  // namespace sluice

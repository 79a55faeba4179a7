#include "pipeline/resume.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "change/table_fingerprint.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

// A promoted standby goes on with another timeline. Up to where it left ours both tell the same.
Status CheckTimeline(const SourceLog& log, const SinkState& sink) {
  const Position& position = sink.bookmark->position;
  if (position.log.timeline == log.identity.timeline) {
    if (position.lsn <= log.end) return Ok();
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("sink {} is at {}, but the source's log ends at {}", sink.name, ToString(position.lsn), ToString(log.end)),
                 slu::kSourceBehind};
  }
  const auto left = std::find_if(log.left.begin(), log.left.end(), [&](const TimelineSwitch& one) { return one.timeline == position.log.timeline; });
  if (left == log.left.end())
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("sink {} is at {} of timeline {}, but the source is on timeline {}, which never was on that one", sink.name,
                             ToString(position.lsn), position.log.timeline, log.identity.timeline),
                 slu::kOtherTimeline};
  if (position.lsn <= left->end) return Ok();
  return Error{ErrorKind::kNeedsOperator,
               fmt::format("sink {} is at {} of timeline {}, but the source left it at {}: what was committed in between is not on timeline {}",
                           sink.name, ToString(position.lsn), position.log.timeline, ToString(left->end), log.identity.timeline),
               slu::kOtherTimeline};
}

Status CheckLog(const SourceLog& source, const SinkState& sink) {
  const LogIdentity& log = source.identity;
  const LogIdentity& known = sink.bookmark->position.log;
  if (known.system_identifier != log.system_identifier)
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("sink {} follows server {}, but the source is server {}", sink.name,
                             known.system_identifier, log.system_identifier),
                 slu::kOtherServer};
  RETURN_IF_ERROR(CheckTimeline(source, sink));
  if (known.database != log.database || known.slot != log.slot)
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("sink {} follows slot \"{}\" of database \"{}\", but the configuration names slot "
                             "\"{}\" of database \"{}\"",
                             sink.name, known.slot, known.database, log.slot, log.database),
                 slu::kOtherSlot};
  return Ok();
}

Status CheckSlot(const LogIdentity& log, const std::optional<SlotState>& slot, const SinkState& sink) {
  const Lsn bookmark = ResumeLsn(sink.bookmark->position.lsn, sink.copied);
  if (!slot)
    return Error{ErrorKind::kSourceLost,
                 fmt::format("replication slot \"{}\" does not exist any more; sink {} is at {}", log.slot, sink.name,
                             ToString(bookmark)),
                 slu::kSlotMissing};
  if (slot->lost)
    return Error{ErrorKind::kSourceLost,
                 fmt::format("replication slot \"{}\" was invalidated by PostgreSQL; changes after {} are gone",
                             log.slot, ToString(bookmark)),
                 slu::kSlotLost, fmt::format("postgres: wal_status={}", slot->wal_status)};
  if (slot->confirmed_flush_lsn > bookmark)
    return Error{ErrorKind::kSourceLost,
                 fmt::format("replication slot \"{}\" is at {}, ahead of sink {} at {}: the changes between are gone",
                             log.slot, ToString(slot->confirmed_flush_lsn), sink.name, ToString(bookmark)),
                 slu::kSlotAhead};
  return Ok();
}

// Tables that hold the rows of partitioned ones which the sink has.
std::set<Oid> KnownPartitions(const SinkState& sink) {
  std::set<Oid> partitions;
  for (const auto& [name, copied] : sink.copied) {
    const auto fingerprint = ParseFingerprint(copied.fingerprint);
    if (!fingerprint) continue;
    for (const auto& file : fingerprint->files)
      if (file.leaf != copied.oid) partitions.insert(file.leaf);
  }
  return partitions;
}

std::vector<size_t> MissingTables(const SinkState& sink, std::span<const SourceTable> tables) {
  std::vector<size_t> missing;
  const std::set<Oid> partitions = KnownPartitions(sink);
  for (size_t i = 0; i < tables.size(); ++i) {
    const auto held = sink.held.find(tables[i].name);
    if (held != sink.held.end() && (held->second.oid == 0 || held->second.oid == tables[i].oid)) continue;
    const auto copied = sink.copied.find(tables[i].name);
    if (copied == sink.copied.end() && partitions.contains(tables[i].oid)) continue;
    // Another OID is another table under the same name, whose rows nobody has copied.
    if (copied == sink.copied.end() || copied->second.oid != tables[i].oid) missing.push_back(i);
  }
  return missing;
}

}  // namespace

Result<ResumePlan> DecideResume(const SourceLog& log, const std::optional<SlotState>& slot,
                                std::span<const SinkState> sinks, std::span<const SourceTable> tables) {
  ResumePlan plan;
  for (const SinkState& sink : sinks) {
    if (sink.bookmark) {
      RETURN_IF_ERROR(CheckLog(log, sink));
      RETURN_IF_ERROR(CheckSlot(log.identity, slot, sink));
    }
    plan.tables_to_copy.push_back(MissingTables(sink, tables));
  }
  // A lost slot that nobody depends on still cannot be streamed from.
  if (slot && slot->lost)
    return Error{ErrorKind::kSourceLost,
                 fmt::format("replication slot \"{}\" was invalidated by PostgreSQL", log.identity.slot), slu::kSlotLost,
                 fmt::format("postgres: wal_status={}", slot->wal_status)};
  plan.create_slot = !slot;
  return plan;
}

Result<Lsn> ResumeFrom(const SourceLog& log, const std::optional<SlotState>& slot,
                       std::span<const SinkState> sinks) {
  Lsn least{UINT64_MAX};
  for (const SinkState& sink : sinks) {
    if (!sink.bookmark) continue;
    RETURN_IF_ERROR(CheckLog(log, sink));
    RETURN_IF_ERROR(CheckSlot(log.identity, slot, sink));
    least = std::min(least, ResumeLsn(sink.bookmark->position.lsn, sink.copied));
  }
  SLUICE_CHECK(least.value != UINT64_MAX);  // Without any bookmark there is nothing to stream into.
  return least;
}

}  // namespace sluice

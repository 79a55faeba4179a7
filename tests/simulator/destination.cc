#include "destination.h"

#include <algorithm>

#include "coverage.h"

namespace sluice::simulator {
namespace {

constexpr size_t kEarlierMax = 4;

void CarryOut(const Step& step, TableContent& table) {
  switch (step.kind) {
    case Step::Kind::kPut:
      table.Erase(step.key);
      table.Insert(step.key, step.row);
      return;
    case Step::Kind::kErase: table.Erase(step.key); return;
    case Step::Kind::kClear: table.Clear(); return;
    case Step::Kind::kDropColumn: table.DropColumn(step.attribute); return;
  }
}

}  // namespace

bool Destination::Land(const Commitment& commitment) {
  if (commitment.epoch != durable.epoch) return false;
  for (const Step& step : commitment.steps)
    if (durable.copied.contains(step.table)) CarryOut(step, durable.tables[step.table]);
  const Lsn lsn = commitment.position.lsn;
  const bool behind = lsn < durable.bookmark->position.lsn;
  for (const TableName& table : commitment.catching_up) {
    const auto copied = durable.copied.find(table);
    if (copied == durable.copied.end()) continue;
    copied->second.catching_up_from = behind ? std::optional(lsn) : std::nullopt;
    if (!behind) Count(Event::kCaughtUp);
  }
  if (!behind) durable.bookmark = Bookmark{commitment.position, commitment.epoch, std::max(commitment.source_time, durable.bookmark->source_time)};
  return true;
}

void Destination::LandLate(Nanoseconds now) {
  while (!late.empty() && late.front().lands_at <= now) {
    const Commitment commitment = std::move(late.front());
    late.pop_front();
    Count(Land(commitment) ? Event::kCommitLate : Event::kCommitFenced);
  }
}

uint64_t Destination::TakeEpoch(bool wait_for_late) {
  if (wait_for_late) LandLate(kNever);
  opened_incarnation = incarnation;
  return ++durable.epoch;
}

void Destination::Remember() {
  earlier.push_back(durable);
  if (earlier.size() > kEarlierMax) earlier.pop_front();
}

}  // namespace sluice::simulator

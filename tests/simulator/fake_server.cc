#include "fake_server.h"

#include <algorithm>

#include "coverage.h"

namespace sluice::simulator {

void FakeServer::Settle(Nanoseconds now) {
  if (!slot) return;
  while (!slot->under_way.empty() && slot->under_way.front().arrives <= now) {
    slot->confirmed = std::max(slot->confirmed, slot->under_way.front().durable);
    slot->under_way.pop_front();
  }
  if (slot->released_at > now) return;
  slot->reader = 0;
  slot->released_at = kNever;
  slot->under_way.clear();
}

std::optional<SlotFacts> FakeServer::Facts(Nanoseconds now) {
  Settle(now);
  if (!slot) return std::nullopt;
  SlotFacts facts;
  facts.state.name = identity.slot;
  facts.state.confirmed_flush_lsn = slot->confirmed;
  const size_t first = database.FirstRecordFor(slot->confirmed);
  if (!slot->lost) facts.state.restart_lsn = first < database.log().size() ? database.log()[first].lsn : database.end();
  facts.state.active = slot->reader != 0;
  facts.state.active_pid = static_cast<int>(slot->reader);
  facts.state.lost = slot->lost;
  facts.state.wal_status = slot->lost ? "lost" : "reserved";
  facts.state.behind_bytes = database.end().value - slot->confirmed.value;
  facts.state.retained_bytes = facts.state.behind_bytes;
  facts.plugin = "pgoutput";
  facts.database = identity.database;
  facts.slot_type = "logical";
  return facts;
}

void FakeServer::Crash(Nanoseconds up_at) {
  ++incarnation;
  down_until = up_at;
  for (const uint32_t xid : database.OpenTransactions()) database.Abort(xid);
  if (!slot) return;
  if (slot->on_disk < slot->confirmed) Count(Event::kConfirmedWentBack);
  slot->confirmed = slot->on_disk;
  slot->reader = 0;
  slot->released_at = kNever;
  slot->under_way.clear();
}

}  // namespace sluice::simulator

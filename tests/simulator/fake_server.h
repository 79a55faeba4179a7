#pragma once
// The source's server: its slot, its sessions and what befalls them.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "change/position.h"
#include "fake_database.h"
#include "scheduler.h"
#include "source/postgres/slot.h"

namespace sluice::simulator {

class FakeServer {
 public:
  struct Slot {
    Lsn confirmed;
    Lsn on_disk;                       ///< What a crash leaves of it.
    bool lost = false;
    uint64_t reader = 0;               ///< The session that reads it; 0: none.
    Nanoseconds released_at = kNever;  ///< When the server notices that the reader is gone.
    struct Status {
      Nanoseconds arrives;
      Lsn durable;
    };
    std::deque<Status> under_way;      ///< Acknowledgements that the network carries.
  };

  FakeDatabase database;
  LogIdentity identity{7001, 1, "shop", "sluice"};
  int major = 15;
  std::optional<Slot> slot;
  uint64_t incarnation = 1;          ///< Sessions of an earlier one are broken.
  Nanoseconds down_until = 0;
  uint64_t last_session = 0;
  size_t changes_in_memory = 64;
  size_t window = 64;                ///< Messages that the network holds.
  int snapshots_under_way = 0;       ///< Exported, or about to be: the moment for clients to change tables.

  bool up(Nanoseconds now) const { return now >= down_until; }
  /// Takes in what the network has delivered and notices who is gone.
  void Settle(Nanoseconds now);
  /// The slot as the server's views show it.
  std::optional<SlotFacts> Facts(Nanoseconds now);
  /// What an immediate shutdown and a start do: sessions and open transactions end, the slot is as it is on disk.
  void Crash(Nanoseconds up_at);
};

}  // namespace sluice::simulator

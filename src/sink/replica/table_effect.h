#pragma once
// What is to be done to one table of the replica; the tuples lie in batches that outlive it.

#include <vector>

#include "sink/replica/destination_table.h"
#include "sink/replica/net_effect.h"

namespace sluice {

struct TableEffect {
  const DestinationTable* table = nullptr;
  bool truncate = false;                   ///< Before everything else.
  std::vector<const NetRow*> deletes;
  std::vector<const NetRow*> updates;      ///< Key changes among them.
  std::vector<const std::byte*> inserts;   ///< New rows.
  std::vector<RowChange> in_order;         ///< Instead of all these, where a table without key gets more than inserts.
  bool keys_collide = false;               ///< See NetEffect.

  size_t operations() const { return deletes.size() + updates.size() + inserts.size() + in_order.size(); }
};

}  // namespace sluice

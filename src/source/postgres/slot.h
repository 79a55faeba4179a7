#pragma once
// The replication slot: what the source says about it, and whether the stream may start from it.

#include <optional>
#include <string>

#include "base/result.h"
#include "change/lsn.h"
#include "postgres/connection.h"
#include "source/source.h"

namespace sluice {

/// One row of pg_replication_slots.
struct SlotFacts {
  SlotState state;
  std::string plugin;
  std::string database;
  std::string slot_type;
  bool two_phase = false;
  std::string invalidation_reason;  ///< PostgreSQL 17 and later.
};

Result<std::optional<SlotFacts>> ReadSlot(PgConnection& connection, const std::string& name);

/// Whether the stream may start after `resume_from`. `slot`: nullopt if there is none.
/// Error: kSourceLost (2201 gone, 2204 invalidated), kConflict (2203 in use), kNeedsOperator (2205 ahead, 2206 foreign).
Status CheckSlot(const std::optional<SlotFacts>& slot, const std::string& name, const std::string& database, Lsn resume_from);

}  // namespace sluice

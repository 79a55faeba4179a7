#pragma once
// How a commit's effects get into the replica: pure, decided by counts alone.

#include <cstddef>
#include <span>
#include <vector>

#include "sink/replica/table_effect.h"

namespace sluice {

enum class Way {
  kRows,     ///< Prepared statements, one per row, many to a round trip.
  kBulk,     ///< COPY, and one statement per kind of change.
  kReplace,  ///< As kBulk, but old rows go away before any new one comes: no collision on the way is possible.
};

struct PlanOptions {
  bool replica_role = false;     ///< Triggers stay silent, so delete and insert is as good as an update.
  bool commits = false;          ///< The commit belongs to it.
  bool in_transaction = false;   ///< Parts have been applied before.
  bool redo = false;             ///< A first try ran into a unique violation.
};

struct ApplyPlan {
  std::vector<Way> ways;         ///< One per effect.
  bool one_round_trip = false;   ///< All of it with the commit; then all ways are kRows.
};

/// More single statements than this in one commit cost more than the round trips of COPY.
inline constexpr size_t kRowStatementsMax = 200;

ApplyPlan PlanApply(std::span<const TableEffect> effects, const PlanOptions& options);

}  // namespace sluice

#pragma once
// Going on with a copy that was interrupted: what may be kept of it, and what is still to be read. Pure.
//
// Ranges that were read under one snapshot stay, the others are read under a later one. A row that no commit between
// the two touched is the same under both, at the same place. The keys of all others are told by the stream
// (touched_keys.h): what the ranges hold under them is removed, and their rows are read under the later snapshot. So
// the table comes to be exactly as the later one shows it.

#include <optional>
#include <string>
#include <vector>

#include "pipeline/initial_copy_run.h"
#include "source/source.h"

namespace sluice {

/// Why what a sink keeps of a table can't be gone on with; empty: it can.
/// `table`: as it is now; nullptr: there is none. `slot`: of which the stream since then must be had.
std::string WhyFromTheStart(const KeptCopy& kept, const LogIdentity& log, const std::optional<SlotState>& slot, const TableDefinition* table);

struct RangeToRead {
  CopyRange range;
  std::vector<size_t> targets;  ///< Indexes into InitialCopyRun::targets: the sinks that don't have it.
};

struct RangesToRead {
  /// What is kept of one table in all sinks that need it.
  struct Kept {
    size_t ranges = 0;   ///< As they were read then.
    uint64_t bytes = 0;  ///< Estimate, as CopyRange::size_bytes.
  };

  std::vector<RangeToRead> ranges;
  std::vector<Kept> kept;  ///< By table.
};

/// Cuts what was planned along what the run's sinks keep.
RangesToRead PlanReading(const std::vector<CopyRange>& planned, const InitialCopyRun& run);

}  // namespace sluice

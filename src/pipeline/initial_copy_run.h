#pragma once
// The initial copy: every range is read once and its rows go to each sink that needs the table and does not have them.

#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "change/position.h"
#include "pipeline/copy_guard.h"
#include "pipeline/progress.h"
#include "pipeline/touched_keys.h"
#include "sink/sink.h"
#include "source/initial_copy.h"

namespace sluice {

struct CopyTarget {
  Sink* sink = nullptr;
  std::vector<size_t> tables;  ///< Indexes into InitialCopyRun::tables: what this sink misses.
};

struct InitialCopyRun {
  std::vector<TableDefinition> tables;
  std::vector<CopyTarget> targets;
  Position position;                      ///< The exported snapshot's.
  Timestamp source_time{};                ///< By the source's clock, not later than the exported snapshot.
  int parallel = 2;
  uint64_t range_bytes_target = 64ull << 20;
  CopyGuard* guard = nullptr;             ///< Asked before every range; may be absent.
  /// One that holds the tables reads them alone: another would wait behind who waits for it. Else absent.
  InitialCopy::Reader* reader = nullptr;
  TouchedTables touched = {};             ///< Of tables whose copy was interrupted; without it they start again.
};

/// Copies until every target has finished its tables, or the first error, or a request to stop (kCancelled).
/// Of tables whose copy was interrupted only the missing ranges are read, and the rows that changed since.
/// Largest tables come first. Finishing (indexes, commits) runs on a thread per sink beside the copying, with
/// small tables finished in groups.
Status RunInitialCopy(const InitialCopyRun& run, InitialCopy& copy, CopyProgress& progress, std::stop_token stop);

}  // namespace sluice

#pragma once
// Puts right exactly the rows that differ, from the source, as one more commit of the sink.
//
// First the rows are found as by Verify. Then, at a second moment of the source, the sink stands still behind a barrier;
// the rows of those keys are read under that moment's snapshot and take the place of what the sink has. It commits them
// under its own bookmark and epoch, so the stream goes on behind them: no change can come between.

#include <string>
#include <vector>

#include "pipeline/verify.h"

namespace sluice {

struct TableRepair {
  std::string table;
  std::string sink;
  std::string refused;     ///< Why it can't be put right by rows; empty: it can.
  uint64_t missing = 0;    ///< To be inserted, deleted, replaced: as they differed when they were found.
  uint64_t extra = 0;
  uint64_t different = 0;
  bool located = true;     ///< False: more differ than were found. Run it again.
  bool done = false;
};

struct RepairReport {
  Lsn lsn;                 ///< Of the moment at which the rows were found.
  bool dry_run = false;
  std::vector<TableRepair> tables;  ///< Those that differ, by table, then sink.

  /// Everything that differed is, or in a dry run could be, as at the source.
  bool complete() const;
};

/// `options.globs` name at least one table. Error: as Verify; kUnavailable (7008), kNeedsOperator (7009).
Result<RepairReport> Repair(const OpenSource& open_source, CutRequests& cuts, const VerifyOptions& options, bool dry_run,
                            const VerifyObserver& observe, std::stop_token stop);

}  // namespace sluice

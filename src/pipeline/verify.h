#pragma once
// Compares the source and every sink at one LSN, while the stream goes on.

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/cut_requests.h"
#include "pipeline/pipeline.h"
#include "pipeline/table_comparison.h"
#include "source/source.h"

namespace sluice {

struct VerifyOptions {
  std::vector<std::string> globs;          ///< Which tables; empty: all.
  std::string sink;                        ///< Only this one; empty: all.
  bool all_rows = false;                   ///< Let all rows travel, instead of sums over them.
  bool locate = true;                      ///< Find the rows that differ.
  uint64_t source_bytes_per_second = 0;    ///< How fast the source may be read; 0: as fast as it can.
  /// How long the stream may wait for the snapshot; the rest of the reader's pause is for the barrier.
  std::chrono::milliseconds snapshot_wait_max = kReaderPauseMax - std::chrono::milliseconds(500);
};

struct VerifyReport {
  Lsn lsn;  ///< Compared: everything that committed before it.
  std::vector<TableComparison> tables;  ///< By table, then sink.

  size_t count(Comparison result) const;
  bool equal() const { return count(Comparison::kEqual) == tables.size(); }
};

struct VerifyProgress {
  std::string table;  ///< Being read.
  size_t tables_done = 0, tables_total = 0;
};
using VerifyObserver = std::function<void(const VerifyProgress&)>;

using OpenSource = std::function<Result<std::unique_ptr<Source>>()>;

/// With the help of the pipeline that streams in this process; on the caller's thread, over connections of its own.
/// Servers sum up their rows, the lake's files are summed up here, and only rows of buckets that differ travel.
/// Error: kUnavailable (7003 no stream, 7004 no snapshot in time), kConflict (7005), kNeedsOperator (7007 no such
/// table), kCancelled, or a failure to read.
Result<VerifyReport> Verify(const OpenSource& open_source, CutRequests& cuts, const VerifyOptions& options,
                            const VerifyObserver& observe, std::stop_token stop);

/// The same of these tables, over a source that is open already.
Result<VerifyReport> VerifyTables(Source& source, CutRequests& cuts, std::vector<TableDefinition> tables,
                                  const VerifyOptions& options, const VerifyObserver& observe, const std::stop_token& stop);

/// Where no process runs: starts a pipeline that copies nothing, follows the stream up to now, compares, ends.
/// Error: as above; kNeedsOperator (7006) if some sink was never copied to; what ends the pipeline.
Result<VerifyReport> VerifyAlone(const Connector& connector, PipelineOptions pipeline, const Clock& clock,
                                 const VerifyOptions& options, const VerifyObserver& observe, std::stop_token stop);

/// The tables that match, by name. Error: kNeedsOperator (7007).
Result<std::vector<TableDefinition>> ChosenTables(Source& source, const std::vector<std::string>& globs);

/// Runs `work` beside a pipeline of its own that copies nothing. Error: what ended the pipeline, else what `work` says.
Status BesidePipeline(const Connector& connector, PipelineOptions pipeline, const Clock& clock, std::stop_token stop,
                      const std::function<Status(CutRequests&, std::stop_token)>& work);

}  // namespace sluice

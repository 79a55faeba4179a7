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
#include "source/source.h"

namespace sluice {

enum class Comparison {
  kEqual,
  kDifferent,
  kNotCopied,
  kRewritten,  ///< TRUNCATE or a rewrite came between the moment and the reading, every time.
};

struct TableComparison {
  std::string table;
  std::string sink;
  Comparison result = Comparison::kEqual;
  uint64_t rows_source = 0;
  uint64_t rows_sink = 0;
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

/// With the help of the pipeline that streams in this process. Reads each table that matches a glob (all, if there
/// is none) once from the source and once from every sink; on the caller's thread, over connections of its own.
/// Error: kUnavailable (7003 no stream, 7004 no snapshot in time), kConflict (7005), kNeedsOperator (7007 no such
/// table), kCancelled, or a failure to read.
Result<VerifyReport> Verify(const OpenSource& open_source, CutRequests& cuts, const std::vector<std::string>& globs,
                            const VerifyObserver& observe, std::stop_token stop);

/// Where no process runs: starts a pipeline that copies nothing, follows the stream up to now, compares, ends.
/// Error: as above; kNeedsOperator (7006) if some sink was never copied to; what ends the pipeline.
Result<VerifyReport> VerifyAlone(const Connector& connector, PipelineOptions options, const Clock& clock,
                                 const std::vector<std::string>& globs, const VerifyObserver& observe,
                                 std::stop_token stop);

}  // namespace sluice

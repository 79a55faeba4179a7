#pragma once
// DuckDB with the lake as views of one cut, and the replica attached.

#include <memory>
#include <string>
#include <vector>

#include "cli/invocation.h"
#include "cli/lake/cut_reading.h"
#include "cli/sql/query_signals.h"
#include "duckdb/session.h"

namespace sluice::cli {

struct CutSession {
  std::unique_ptr<DuckDbSession> duckdb;
  std::vector<std::string> banner;  ///< Of which moment it is, and what is missing.
};

/// The session is locked: what it is asked from now on only reads. A replica that cannot be reached is said in the banner.
/// Error: those of OpenLake; kLakeNoCut, kDuckDbMissing, kSqlFailed, kSqlStorage; kCancelled after a signal.
Result<CutSession> OpenCutSession(Invocation& invocation, const CutWish& wish, const SessionOptions& options, QuerySignals& signals);

}  // namespace sluice::cli

#pragma once
// A PostgreSQL is filled from the lake as of one moment, and left as if everything up to then had been followed there.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "iceberg/manifest_cache.h"
#include "pipeline/progress.h"
#include "restore/lake_copy.h"
#include "sink/sink.h"

namespace sluice {

struct TableLeftOut {
  TableName table;
  std::string reason;
};

struct RestorePlan {
  CopyPoint point;                    ///< Which moment of which log.
  LakeTables tables;
  std::vector<TableLeftOut> left_out;

  uint64_t rows() const;
  uint64_t bytes() const;             ///< Of files that are read.
};

enum class RestoreOutcome {
  kEqual,        ///< Restored, and equal to the lake by sums over all rows.
  kNotCompared,  ///< Restored; for the reason given only the number of rows was compared, or nothing.
  kDifferent,
  kLeftOut,
};

struct RestoredTable {
  TableName table;
  RestoreOutcome outcome = RestoreOutcome::kLeftOut;
  uint64_t rows = 0;
  std::string reason;
};

struct RestoreOptions {
  int parallel = 2;
  uint64_t range_bytes_target = 64ull << 20;
  bool compare = true;
};

/// What a restore works on.
struct RestoreParts {
  ObjectStore& store;
  iceberg::ManifestCache& manifests;
  std::function<Result<std::unique_ptr<Sink>>()> open_target;  ///< Called again after a table of its own could not be restored.
  CopyProgress& progress;
  std::function<void(const TableName& table)> comparing;       ///< Told before each table is compared.
};

/// Goes on where one of the same moment was interrupted. A table that cannot be restored is left out with its reason.
/// Error: kNeedsOperator (4172) if the target has come to another moment; as reading the lake and the target fail; kCancelled.
Result<std::vector<RestoredTable>> Restore(RestorePlan plan, const RestoreOptions& options, const RestoreParts& parts, const std::stop_token& stop);

}  // namespace sluice

#pragma once
// Two sides' rows of the same buckets, compared one by one: pure.

#include <string>
#include <vector>

#include "change/stored_rows.h"

namespace sluice {

enum class RowDifference {
  kMissing,    ///< At the source only.
  kExtra,      ///< In the sink only.
  kDifferent,  ///< In both under one identity, with other values.
};

struct DifferentRow {
  RowDifference difference;
  uint64_t copies = 1;                ///< Of a table without identity: how many more one side has.
  std::vector<size_t> columns;        ///< That differ; kDifferent only.
  std::optional<FetchedRow> source, sink;

  const FetchedRow& either() const { return source ? *source : *sink; }
};

/// In the order of their identity's text.
std::vector<DifferentRow> CompareRows(const RowForm& form, std::vector<FetchedRow> source, std::vector<FetchedRow> sink);

}  // namespace sluice

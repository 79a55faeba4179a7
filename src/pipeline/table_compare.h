#pragma once
// Compares one table at one moment of the source with every sink that has it.

#include <stop_token>
#include <vector>

#include "pipeline/barrier.h"
#include "pipeline/source_rows.h"
#include "pipeline/table_comparison.h"

namespace sluice {

struct CompareOptions {
  bool all_rows = false;  ///< Let all rows travel, as for tables that have no text to sum up.
  bool locate = true;     ///< Find the rows that differ.
};

/// `source` reads the table. Error: a failure to read either side; what one sink only can't answer is its result.
Result<std::vector<TableComparison>> CompareTable(const TableDefinition& table, SourceRows& source, std::vector<SinkCut>& sinks,
                                                  const CompareOptions& options, const std::stop_token& stop);

}  // namespace sluice

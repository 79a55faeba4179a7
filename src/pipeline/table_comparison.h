#pragma once
// What comparing one table with one sink gave.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/row_diff.h"

namespace sluice {

enum class Comparison {
  kEqual,
  kDifferent,
  kNotCopied,
  kRewritten,   ///< TRUNCATE or a rewrite came between the moment and the reading, every time.
  kNotCompared, ///< The sink could not be asked, for `reason`.
};

constexpr std::string_view ToString(Comparison result) {
  switch (result) {
    case Comparison::kEqual: return "equal";
    case Comparison::kDifferent: return "different";
    case Comparison::kNotCopied: return "not_copied";
    case Comparison::kRewritten: return "rewritten";
    case Comparison::kNotCompared: return "not_compared";
  }
  return "";
}

struct TableComparison {
  std::string table;
  std::string sink;
  Comparison result = Comparison::kEqual;
  uint64_t rows_source = 0;
  uint64_t rows_sink = 0;

  std::string reason;              ///< Why all rows travelled, why nothing was compared, or why the table is held.
  bool append_only = false;        ///< Without row identity its updates and deletes are not followed, so it may differ.
  uint64_t rows_travelled = 0;     ///< Out of the source and the sink's server, as rows and not as sums.
  unsigned passes = 0;             ///< Over each side.
  uint64_t buckets = 0, buckets_different = 0;  ///< Of the first pass; 0: all rows travelled.

  bool located = true;             ///< `rows` are all that differ; else there are more, or nobody looked.
  RowForm form;
  std::vector<std::string> columns;  ///< Names, as in `form`; of a table without identity one column holds the whole row.
  std::vector<DifferentRow> rows;

  /// Of `rows`.
  uint64_t rows_different() const {
    uint64_t count = 0;
    for (const DifferentRow& row : rows) count += row.copies;
    return count;
  }
  uint64_t count(RowDifference difference) const {
    uint64_t count = 0;
    for (const DifferentRow& row : rows) count += row.difference == difference ? row.copies : 0;
    return count;
  }
};

}  // namespace sluice

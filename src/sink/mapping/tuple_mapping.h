#pragma once
// Applies a plan to rows.

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "change/change_batch.h"
#include "change/tuple.h"
#include "sink/mapping/mask.h"
#include "sink/mapping/table_plan.h"

namespace sluice::mapping {

/// What all rows of one thread are mapped with; grows to the widest row and stays.
struct RowWork {
  MaskWork mask;
  std::vector<Value> values, fallback;
};

/// Walks over a whole tuple.
void ReadValues(const std::byte* tuple, std::vector<Value>& values);

/// Takes one row of binary COPY off the front of `reader`, as the plan's table has it. Error: kCorrupt.
Status ReadCopyRow(const TablePlan& plan, ByteReader& reader, std::vector<Value>& values);

/// Appends the mapped TupleData of work.values; an unchanged value is taken from `fallback` where that is not empty.
/// Error: kCorrupt (a value contradicts its type).
Status AppendTuple(const TablePlan& plan, RowWork& work, std::span<const Value> fallback, std::vector<std::byte>& out);

/// The same as a row of binary COPY; nothing is unchanged in one.
Status AppendCopyRow(const TablePlan& plan, RowWork& work, std::vector<std::byte>& out);

/// A value contradicts its type; never says which.
Error MalformedValue(const TablePlan& plan);

}  // namespace sluice::mapping

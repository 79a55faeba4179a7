#pragma once
// Turns the wire's TupleData into tuples of binary COPY for the replica, value by value, without parsing them.

#include <span>
#include <string>

#include "base/result.h"
#include "sink/replica/destination_table.h"

namespace sluice {

/// Appends the values at `columns` (ascending indexes) of `tuple`, each as length and bytes. The caller has
/// written the field count. Error: kCorrupt (text where binary was promised, unchanged value),
/// kNeedsOperator (number of a private object).
Status AppendFields(std::string& to, const DestinationTable& table, const std::byte* tuple, std::span<const size_t> columns);

/// Appends one whole row with its field count.
Status AppendRow(std::string& to, const DestinationTable& table, const std::byte* tuple);

}  // namespace sluice

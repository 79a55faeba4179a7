#pragma once
// The text of single-row statements. Parameters are numbered in the order in which columns are listed: first
// those that are set, then those that identify the row.

#include <string>
#include <vector>

#include "sink/replica/destination_table.h"

namespace sluice {

std::string InsertSql(const DestinationTable& table);

/// `set`: column indexes, ascending. With a key the row is found by it; without, by all of its values' images,
/// and exactly one of several equal rows is taken.
std::string UpdateSql(const DestinationTable& table, const std::vector<size_t>& set);
std::string DeleteSql(const DestinationTable& table);

/// The columns that identify a row: the key, or all.
std::vector<size_t> IdentifyingColumns(const DestinationTable& table);

/// Makes a statement fail (division by zero) unless it touched a row.
std::string Guarded(const std::string& sql);

}  // namespace sluice

#pragma once
// Keys of one table as a stream told them.

#include <string>
#include <unordered_set>

namespace sluice {

/// Each is TupleData of the schema's key columns alone, in the order of TableSchema::key.
using StreamedKeys = std::unordered_set<std::string>;

}  // namespace sluice

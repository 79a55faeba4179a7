#pragma once
// Data and delete files carry the epoch of their writer in their name, so that what a crashed process left behind can be told
// apart.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// A new name. `ending`: ".parquet" or ".puffin", with what it is for people in front.
std::string NewDataFileName(uint64_t epoch, std::string_view ending);

/// nullopt: no name of ours.
std::optional<uint64_t> EpochOfDataFile(std::string_view uri);

}  // namespace sluice

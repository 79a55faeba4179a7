#pragma once
// What every command that reads the lake at one moment begins with.

#include <optional>
#include <string>
#include <vector>

#include "cli/lake/lake_reading.h"
#include "sink/lake/cuts.h"

namespace sluice::cli {

struct LoadedTables {
  std::optional<Bookmark> bookmark;
  std::vector<CutTable> tables;
  std::vector<std::string> locations;  ///< Of their metadata.
};
Result<LoadedTables> LoadTables(const OpenedLake& lake, const Invocation& invocation);

/// Error: kLakeNoCut.
Result<Cut> CutOf(const LoadedTables& loaded, const CutWish& wish);

}  // namespace sluice::cli

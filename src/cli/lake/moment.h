#pragma once
// Moments of the lake as people name them on the command line.

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "base/result.h"
#include "sink/lake/cuts.h"

namespace sluice::cli {

/// "2026-07-01T12:00:00Z", "2026-07-01 12:00:00", "2026-07-01"; UTC. nullopt: none of these.
std::optional<Timestamp> ParseTime(std::string text);

/// As they stand on the command line; both empty: the newest moment.
struct CutOptions {
  std::string at, lsn;
};
/// --at TIME and --lsn LSN. `options` must outlive the verb.
void AddCutOptions(CLI::App& verb, CutOptions& options);
/// Error: kUsage.
Result<CutWish> ParseCutWish(const CutOptions& options);

}  // namespace sluice::cli

#pragma once
// Moments of the lake as people name them on the command line.

#include <optional>
#include <string>

#include "base/result.h"
#include "sink/lake/cuts.h"

namespace sluice::cli {

/// "2026-07-01T12:00:00Z", "2026-07-01 12:00:00", "2026-07-01"; UTC. nullopt: none of these.
std::optional<Timestamp> ParseTime(std::string text);

/// Either may be empty. Error: kNeedsOperator (1 usage).
Result<CutWish> ParseWish(const std::string& at, const std::string& lsn);

}  // namespace sluice::cli

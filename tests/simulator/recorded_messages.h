#pragma once
// pgoutput messages as lines of text that two servers can be compared by: numbers that differ from server to server
// (xids, OIDs, LSNs, times) are replaced by the order in which they came.

#include <string>
#include <vector>

#include "base/bytes.h"

namespace sluice::simulator {

/// Blocks of one streamed transaction that follow each other are one: where the server cuts them is its own affair.
/// `messages`: payloads without the XLogData header.
std::vector<std::string> Describe(const std::vector<std::string>& messages);

}  // namespace sluice::simulator

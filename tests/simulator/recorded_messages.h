#pragma once
// pgoutput messages as lines of text that two servers can be compared by: numbers that differ from server to server
// (xids, OIDs, LSNs, times) are replaced by the order in which they came.

#include <string>
#include <vector>

#include "base/bytes.h"

namespace sluice::simulator {

/// A streamed transaction stands where it ends, without what aborted: where the server cuts its blocks, and how much of
/// what aborts it had sent by then, is its own affair.
/// `messages`: payloads without the XLogData header.
std::vector<std::string> Describe(const std::vector<std::string>& messages);

}  // namespace sluice::simulator

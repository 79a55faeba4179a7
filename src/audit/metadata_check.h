#pragma once
// The metadata file by itself: everything that can be seen without another file.

#include <string>

#include "audit/finding.h"
#include "audit/table_facts.h"

namespace sluice::audit {

/// `file`: its URI.
void CheckMetadata(const Json& metadata, const TableFacts& facts, const std::string& file, Findings& findings);

}  // namespace sluice::audit

#pragma once

#include <vector>

#include "change/table_definition.h"
#include "config/config.h"
#include "config/finding.h"

namespace sluice {

/// What would keep the lake from working, and what of the tables it can't hold exactly. Writes only one small file
/// into the warehouse folder and removes it again.
Findings CheckLake(const LakeConfig& config, const std::vector<TableDefinition>& tables);

}  // namespace sluice

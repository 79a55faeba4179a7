#pragma once

#include <string>

#include "config/config.h"
#include "config/field_reader.h"

namespace sluice {

/// The rest of `catalog` where its type is rest. `folder`: what a path without a slash in front begins at.
void ReadRestCatalog(FieldReader& catalog, const std::string& folder, LakeConfig& lake);

}  // namespace sluice

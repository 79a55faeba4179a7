#pragma once

#include <string>

#include "base/result.h"

namespace sluice {

/// A table's metadata file with only the snapshots that a branch or tag names; else as it is. Error: kCorrupt (4010).
Result<std::string> KeepReferencedSnapshots(const std::string& metadata_json);

/// Error: kCorrupt (4010): it is no JSON object.
Status CheckMetadataDocument(const std::string& metadata_json);

}  // namespace sluice

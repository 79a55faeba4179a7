#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace sluice {

/// A table's metadata file with only the snapshots that a branch or tag names; else as it is. Error: kCorrupt (4010).
Result<std::string> KeepReferencedSnapshots(const std::string& metadata_json);

/// The file as if this snapshot were the current one, with the columns of then; nullopt: as if there were none. Error: kCorrupt (4010).
Result<std::string> AsOfSnapshot(const std::string& metadata_json, std::optional<int64_t> snapshot_id);

/// Error: kCorrupt (4010): it is no JSON object.
Status CheckMetadataDocument(const std::string& metadata_json);

}  // namespace sluice

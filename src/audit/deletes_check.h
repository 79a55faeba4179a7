#pragma once
// Delete files held against the data files that they speak of.

#include <string_view>
#include <unordered_map>

#include "audit/lake_files.h"
#include "audit/manifest_check.h"

namespace sluice::audit {

/// Live data files by path.
using DataFiles = std::unordered_map<std::string_view, const FileFacts*>;

/// A position delete file of format 2: sorted, and about rows that are there, in the same partition.
void CheckPositionDeletes(const FileFacts& deletes, const DataFiles& data_files, LakeFiles& files, Findings& findings);

/// A deletion vector of format 3: its place in the Puffin file, its framing and checksum, and its data file.
void CheckDeletionVector(const FileFacts& vector, const DataFiles& data_files, LakeFiles& files, Findings& findings);

}  // namespace sluice::audit
